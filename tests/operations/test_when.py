"""Why: people ask when a drill runs, and why it does not; it must then do as the answer says."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from chaosctl.calendars.windows import ALWAYS
from chaosctl.catalog import installed
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.engine.guards import Guarding
from chaosctl.errors import Invalid
from chaosctl.operations.forecast import Wanted, forecast
from chaosctl.operations.order import Access
from chaosctl.operations.perform import World
from chaosctl.operations.timing import in_file, in_namespace, moment_in
from chaosctl.operations.why_not import answer
from chaosctl.testing import FakeClock, FakeCluster, FakeHttp, deployment, in_virtual_time, namespace

NOW = datetime(2026, 11, 27, 21, tzinfo=UTC)  # a Friday
PLAYBOOK = """\
apiVersion: chaosctl.dev/v1
kind: Playbook
metadata: {name: scale}
spec:
  summary: Fewer replicas are enough.
  probes: {ready: {kind: ready-replicas}}
  steadyState: [{probe: ready, min: 1}]
  timeline: [{at: 1s, inject: {kind: scale-down, replicas: 1}, hold: 30s}]
"""
DRILL = """\
apiVersion: chaosctl.dev/v1
kind: Drill
metadata: {name: weekly}
spec:
  target: {namespace: models, workload: Deployment/ranker}
  playbooks: [{file: playbook.yaml}]
"""
SCHEDULE = '  schedule: {cron: "0 10 * * 2,5", timezone: Europe/Berlin, jitter: 5m}\n'
FRIDAY, MONDAY = "outside Mon-Thu 09:00-16:00 (Europe/Berlin)", "next possible: Mon 2026-12-07 09:00 CET"
WINDOWS = '  windows: {only: ["Mon-Thu 09:00-16:00"]}\n'


@pytest.fixture
def drill(tmp_path):
    (tmp_path / "playbook.yaml").write_text(PLAYBOOK)

    def write(text=SCHEDULE + WINDOWS):
        path = tmp_path / "drill.yaml"
        path.write_text(DRILL + text)
        return str(path)

    return write


def coming(path, count=3, until=""):
    (found,) = in_virtual_time(forecast([path], "", Access(), Wanted(NOW, count, until)))
    return found


def test_the_coming_times_are_shown_on_the_wall_with_what_refuses_them(drill):
    found = coming(drill(SCHEDULE.replace(", jitter: 5m", "") + WINDOWS))
    assert found.as_text().splitlines() == [
        "weekly: 0 10 * * 2,5 Europe/Berlin",
        "  ✓ Tue 2026-12-01 10:00 CET",
        f"  ✗ Fri 2026-12-04 10:00 CET  {FRIDAY}: it is Fri 2026-12-04 10:00 CET; {MONDAY}",
        "  ✓ Tue 2026-12-08 10:00 CET",
    ]


def test_a_jitter_is_shown_as_the_time_at_which_the_run_starts(drill):
    head, first, *_ = coming(drill()).as_text().splitlines()
    assert head == "weekly: 0 10 * * 2,5 Europe/Berlin, up to 5 m later"
    assert first == "  ✓ Tue 2026-12-01 10:00 CET  starts 10:01:37"


def test_programs_get_the_same_times(drill):
    body = coming(drill()).as_json()
    assert json.loads(json.dumps(body)) == body
    assert (body["drill"], body["schedule"]["cron"], len(body["times"])) == ("weekly", "0 10 * * 2,5", 3)
    assert body["times"][0] == {
        "run": "weekly-202612010900",
        "scheduled": "2026-12-01T09:00:00+00:00",
        "local": "2026-12-01T10:00:00+01:00",
        "starts": "2026-12-01T09:01:37+00:00",
        "refusal": None,
    }
    assert body["times"][1]["refusal"].startswith("outside Mon-Thu")


def test_times_can_be_asked_for_up_to_a_day(drill):
    assert len(coming(drill(), until="2026-12-15").times) == 4
    assert len(coming(drill(), until="2026-12-15T10:00").times) == 5
    assert coming(drill(), until="2026-11-28").as_text().endswith("no time within what was asked for")


def test_a_drill_that_sleeps_or_has_no_schedule_says_so(drill):
    assert "suspended: none of these runs" in coming(drill(SCHEDULE + "  suspend: true\n")).as_text()
    bare = coming(drill(""))
    assert bare.as_text() == "weekly: no schedule; it runs when somebody runs it"
    assert bare.as_json() == {"drill": "weekly", "schedule": None, "suspended": False, "times": []}


@pytest.mark.parametrize("count", [0, 1001])
def test_how_many_times_are_shown_has_limits(drill, count):
    with pytest.raises(Invalid, match=f"--count {count}: between 1 and 1000"):
        coming(drill(), count)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-24", datetime(2026, 12, 23, 23, tzinfo=UTC)),
        ("2026-12-24T10:00", datetime(2026, 12, 24, 9, tzinfo=UTC)),
        ("2026-12-24T10:00Z", datetime(2026, 12, 24, 10, tzinfo=UTC)),
        ("2026-12-24T10:00+05:30", datetime(2026, 12, 24, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_on_the_wall_of_the_drill(text, moment):
    assert moment_in(text, "Europe/Berlin", "--at") == moment


def test_a_moment_that_is_none_says_how_to_write_one():
    with pytest.raises(Invalid, match='--at "tomorrow": write it like 2026-12-24 or 2026-12-24T10:00'):
        moment_in("tomorrow", "UTC", "--at")


def asked(path, at=None, drills="allowed"):
    """The answer on a cluster with a healthy target and nobody who guards, asked without a guardian."""

    async def story():
        cluster, clock = FakeCluster(namespace(drills=drills), deployment("ranker")), FakeClock()
        world = World(installed(), cluster, clock, FakeHttp(), Ledgers(cluster, clock, b"k" * 32), None)
        await clock.sleep_until(clock.now() + timedelta(seconds=30))
        return await answer(in_file(path), at, world, Guarding.NONE)

    return in_virtual_time(story())


def when(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_drill_that_nothing_keeps_from_running_says_so(drill):
    found = asked(drill(""))
    assert (found.reasons, found.as_json()["wouldRun"]) == ((), True)
    assert found.as_text().splitlines()[1:] == ["  ✓ nothing keeps it from running"]


def test_every_reason_is_given_with_the_next_possible_and_the_next_scheduled_time(drill):
    found = asked(drill(), when("2030-01-04T12:00"), drills="")
    head, windows, schedule, guard, possible, planned = found.as_text().splitlines()
    assert head == "weekly on models/ranker, Fri 2030-01-04 13:00 CET"
    assert windows.startswith(
        f"  ✗ inside its windows: {FRIDAY}: it is Fri 2030-01-04 13:00 CET; next possible: "
    )
    assert schedule.endswith("does not come then; the next time is Tue 2030-01-08 10:00 CET")
    assert guard.startswith("  ✗ scale: namespace opted in: namespace models is not opted in; `kubectl label")
    assert possible == "Its windows let it run: Mon 2030-01-07 09:00 CET"
    assert planned == "Its schedule runs it next: Tue 2030-01-08 10:04:47 CET, as weekly-203001080900"


@pytest.mark.parametrize("at", ["2030-01-08T09:00", "2030-01-08T09:05"])
def test_a_time_of_the_schedule_and_what_belongs_to_it_are_no_reason(drill, at):
    assert asked(drill(), when(at)).reasons == ()


def test_a_drill_that_sleeps_runs_at_no_time(drill):
    found = asked(drill(SCHEDULE + "  suspend: true\n"))
    assert [str(reason) for reason in found.reasons] == [
        "schedule: suspended; set spec.suspend to false, and what it slept over stays undone"
    ]
    assert found.as_json()["nextRun"] is None


def test_a_drill_without_a_schedule_comes_at_no_time(drill):
    (reason,) = asked(drill(""), when("2030-01-08T09:00")).reasons
    assert str(reason) == "schedule: it has none; it runs when somebody runs it"


def test_a_calendar_that_cannot_be_looked_up_is_a_reason(drill):
    (reason,) = asked(drill("  windows: {blackout: {configMap: freezes, key: all.ics}}\n")).reasons
    assert (reason.guard, "ConfigMap models/freezes does not exist" in reason.refusal) == (
        "inside its windows",
        True,
    )


def an_object(kind, name, spec):
    meta = {"name": name, "namespace": "models", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"apiVersion": "chaosctl.dev/v1", "kind": kind, "metadata": meta, "spec": spec}


def in_cluster(*objects):
    return in_virtual_time(in_namespace("weekly", "models", FakeCluster(namespace(), *objects)))


def test_a_drill_object_is_timed_like_a_file_with_the_playbooks_of_its_namespace(drill):
    wanted = yaml.safe_load(DRILL + SCHEDULE + WINDOWS)["spec"] | {"playbooks": [{"name": "scale"}]}
    playbook = an_object("Playbook", "scale", yaml.safe_load(PLAYBOOK)["spec"])
    here, there = in_file(drill()), in_cluster(an_object("Drill", "weekly", wanted), playbook)
    assert (there.name, there.windows, there.lasts) == (here.name, here.windows, here.lasts)
    assert there.timed(ALWAYS, NOW) == here.timed(ALWAYS, NOW)


def test_a_drill_object_that_is_not_there_is_an_error_that_says_how_to_find_it():
    with pytest.raises(Invalid, match='no Drill "weekly" in namespace models; kubectl get drills -n models'):
        in_cluster()
