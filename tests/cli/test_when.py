"""Why: `schedule` and `why-not` are what people type first when a drill did not run."""

import pytest
from cli.installation import Installation

SHIPPED = "weekly-drill"
CLOSED = """\
apiVersion: chaosctl.dev/v1
kind: Drill
metadata: {name: closed}
spec:
  target: {namespace: models, workload: Deployment/sample-model, model: breast-cancer, rollback: watchdog}
  playbooks: [{name: noop}]
  schedule: {cron: "0 10 29 2 *", timezone: Europe/Berlin}
  windows: {only: ["Mon-Sun 00:00-24:00"], blackout: {configMap: freezes, key: all.ics}}
"""
FREEZE = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20200101T000000Z
DTSTART:20200101T000000Z
DTEND:20990101T000000Z
SUMMARY:For ever
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory):
    home = tmp_path_factory.mktemp("when") / "home"
    home.mkdir()
    installation = Installation(home)
    installation.up()
    yield installation
    installation.down()


def test_the_times_of_a_shipped_drill_are_shown_without_a_cluster(tmp_path):
    done = Installation(tmp_path)("schedule", SHIPPED, "--count", "3", "-o", "json")
    (drill,) = done.json["drills"]
    assert (done.code, drill["drill"], len(drill["times"])) == (0, SHIPPED, 3)
    text = Installation(tmp_path)("schedule", SHIPPED).out
    assert text.startswith("weekly-drill: 0 10 * * 2 Europe/Berlin, up to 5 m later\n")
    assert text.count("\n") == 11


def test_a_drill_that_nothing_keeps_from_running_is_no_news(sandboxed):
    done = sandboxed("why-not", SHIPPED, "--sandbox")
    assert (done.code, done.err) == (0, "")
    assert "  ✓ nothing keeps it from running\n" in done.out


def test_a_freeze_in_the_cluster_refuses_the_run_and_why_not_says_so(sandboxed, tmp_path):
    (tmp_path / "closed.yaml").write_text(CLOSED)
    (tmp_path / "all.ics").write_text(FREEZE)
    blind = sandboxed("why-not", str(tmp_path / "closed.yaml"), "--sandbox")
    assert (blind.code, "ConfigMap models/freezes does not exist" in blind.out) == (2, True)
    sandboxed.kubectl("create", "configmap", "freezes", "-n", "models", f"--from-file={tmp_path / 'all.ics'}")
    asked = sandboxed("why-not", str(tmp_path / "closed.yaml"), "--sandbox", "-o", "json")
    (reason,) = asked.json["reasons"]
    assert (asked.code, reason["guard"]) == (2, "inside its windows")
    assert reason["refusal"].startswith('the blackout "For ever" lasts until Thu 2099-01-01')
    done = sandboxed("run", str(tmp_path / "closed.yaml"), "--sandbox")
    assert (done.code, 'the blackout "For ever" lasts' in done.out + done.err) == (2, True)


def test_what_is_asked_wrongly_says_what_to_write(tmp_path):
    home = Installation(tmp_path)
    for arguments, message in (
        (("schedule", "pod-kill"), "is a playbook; here a drill is needed"),
        (("schedule", SHIPPED, "--until", "soon"), '--until "soon": write it like 2026-12-24'),
        (("schedule", SHIPPED, "--count", "0"), "--count 0: between 1 and 1000"),
        (("why-not", "weekly-dril"), 'did you mean "weekly-drill"?'),
    ):
        done = home(*arguments)
        assert (done.code, message in done.err) == (2, True), done
