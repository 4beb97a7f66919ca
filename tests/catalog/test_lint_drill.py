"""Why: a drill that can never run looks exactly like one that runs, until its day has passed."""

from datetime import UTC, datetime

import pytest
from catalog.examples import CATALOG, DRILL, PLAYBOOK, write

from chaosctl.catalog import check_file, load_drill, scripts_of
from chaosctl.catalog.lint_drill import lasting
from chaosctl.spec.problems import Severity

NOW = datetime(2026, 11, 27, 21, tzinfo=UTC)
FREEZE = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nEND:VCALENDAR\n"
SCHEDULE = '  schedule: {cron: "0 10 * * 2", timezone: Europe/Berlin, jitter: 5m}\n'
WINDOWS = """\
  windows:
    only: ["Mon-Thu 09:00-16:00"]
    holidays: DE-BY
    blackout: freeze.ics
"""
WHOLE = DRILL + SCHEDULE + WINDOWS


def found(folder, old="", new=""):
    assert old in WHOLE
    write(folder, PLAYBOOK)
    write(folder, FREEZE, "freeze.ics")
    return check_file(write(folder, WHOLE.replace(old, new), "drill.yaml"), CATALOG, NOW)


def test_a_drill_with_a_schedule_and_windows_that_agree_has_nothing_to_say(tmp_path):
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("0 10 * * 2", "0 10 * * 8", "8:20  spec.schedule.cron", 'the weekday "8" is not 0 to 6'),
        ("0 10 * * 2", "0 10 31 2 *", "8:20  spec.schedule.cron", "never comes"),
        ("0 10 * * 2", "0 10 * *", "8:20  spec.schedule.cron", "has 4 fields, not five"),
        ("0 10 * * 2", "0 10 * * 0", "8:20  spec.schedule.cron", "none of its times in the coming 400 days"),
        ("0 10 * * 2", "0 17 * * 2", "8:20  spec.schedule.cron", "none of its times in the coming 400 days"),
        ("Europe/Berlin", "Europe/Berln", "8:44  spec.schedule.timezone", "did you mean Europe/Berlin?"),
        ("jitter: 5m", "jitter: 5", "spec.schedule.jitter", "5 has no unit"),
        ("jitter: 5m", "missed: never", "spec.schedule.missed", 'unknown value "never"'),
        ("jitter: 5m", "startingDeadline: 0s", "spec.schedule.startingDeadline", "more than 0 s"),
        ("jitter", "jiter", "spec.schedule.jiter", "unknown field"),
        ("Mon-Thu 09:00", "Mon-Thu 16:00", "10:12  spec.windows.only[0]", "never opens"),
        ("Mon-Thu", "Mun-Thu", "10:12  spec.windows.only[0]", '"Mun" is no day'),
        ("09:00-16:00", "10:00-10:02", "10:5  spec.windows", "they are never open for 5 m"),
        ("DE-BY", "XY", "11:15  spec.windows.holidays", 'no holidays are known of "XY"'),
        ("DE-BY", "DE-B1", "11:15  spec.windows.holidays", 'DE has no part "B1"; did you mean "DE-'),
        ("DE-BY", "germany", "11:15  spec.windows.holidays", "write it like DE or DE-BY"),
        ("freeze.ics", "none.ics", "12:15  spec.windows.blackout", '"none.ics" does not exist in'),
        ("freeze.ics", "../freeze.ics", "12:15  spec.windows.blackout", "leads outside the folder"),
        ("freeze.ics", "playbook.yaml", "12:15  spec.windows.blackout", "cannot be read as a calendar"),
        ("freeze.ics", "{configMap: x}", "spec.windows.blackout.configMap.key", "missing"),
        (
            "freeze.ics",
            "3",
            "12:15  spec.windows.blackout",
            "should be a file, or {configMap: NAME",
        ),
        ("name: weekly", f"name: {'w' * 51}", "3:18  metadata.name", "at most 50 characters"),
        (
            WINDOWS,
            "  windows: {timezone: UTC}\n",
            "9:12  spec.windows",
            'say "only", "holidays" or',
        ),
    ],
)
def test_what_keeps_a_drill_from_ever_running_is_an_error_at_its_place(tmp_path, old, new, place, message):
    (problem,) = found(tmp_path, old, new)
    assert problem.severity is Severity.ERROR
    assert place in problem.render()
    assert message in problem.render()


def test_an_event_that_closes_everything_is_found(tmp_path):
    found(tmp_path)
    times = "DTSTAMP:20260101T000000Z\nDTSTART:20260101T000000Z\nDURATION:P9000D\n"
    always = f"BEGIN:VEVENT\nUID:1\n{times}END:VEVENT\n"
    write(tmp_path, FREEZE.replace("END:VCAL", f"{always}END:VCAL"), "freeze.ics")
    (problem,) = check_file(tmp_path / "drill.yaml", CATALOG, NOW)
    assert (problem.field, problem.message) == ("spec.windows", "they do not open within 400 days")


def test_a_calendar_in_a_cluster_is_left_to_the_cluster(tmp_path):
    assert found(tmp_path, "freeze.ics", "{configMap: freezes, key: freeze.ics}") == []


def test_a_drill_lasts_as_long_as_all_of_its_runs(tmp_path):
    found(tmp_path)
    drill = load_drill(tmp_path / "drill.yaml", CATALOG)
    (script,) = scripts_of(drill, CATALOG)
    assert lasting(drill, CATALOG) == script.lasts
    assert script.windows.blackout.file == str(tmp_path / "freeze.ics")
    assert script.windows.timezone == "Europe/Berlin"


def test_windows_are_a_part_of_what_people_approve(tmp_path):
    found(tmp_path)
    (windowed,) = scripts_of(load_drill(tmp_path / "drill.yaml", CATALOG), CATALOG)
    (plain,) = scripts_of(load_drill(write(tmp_path, DRILL, "plain.yaml"), CATALOG), CATALOG)
    (later,) = scripts_of(
        load_drill(write(tmp_path, WHOLE.replace("16:00", "17:00"), "later.yaml"), CATALOG), CATALOG
    )
    assert len({windowed.digest, plain.digest, later.digest}) == 3
