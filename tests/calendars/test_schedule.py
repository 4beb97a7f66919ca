"""Why: each of these is how some scheduler failed somebody: stuck, storming, firing at once, firing twice."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from chaosctl.calendars.schedule import (
    MOST_MISSED,
    Record,
    Timed,
    coming,
    due,
    next_open,
    timed,
    written,
)
from chaosctl.calendars.windows import ALWAYS, calendar_of
from chaosctl.spec.drill import Drill
from chaosctl.spec.schedule import Schedule, WindowsText

CREATED = datetime(2026, 6, 1, 12, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFICE = calendar_of(WindowsText.model_validate({"only": ["Mon-Fri 09:00-16:00"]}).resolve("UTC"))


def drill(cron="0 10 * * *", created=CREATED, changed=None, suspend=False, calendar=ALWAYS, **schedule):
    return Timed(
        namespace="models",
        name="d",
        schedule=Schedule.model_validate({"cron": cron, **schedule}),
        created=created,
        changed=changed or created,
        suspend=suspend,
        calendar=calendar,
        lasts=10 * MINUTE,
    )


def day(number, hour=10, minute=0, second=0):
    return datetime(2026, 6, number, hour, minute, second, tzinfo=UTC)


def names(passed):
    return [one.firing.name for one in passed]


def served(what, until):
    return Record(until, what.text)


def test_a_run_starts_at_its_time_and_is_named_after_it():
    answer = due(drill(), Record(), day(2))
    assert (answer.start.name, answer.start.at) == ("d-202606021000", day(2))
    assert (answer.served_until, answer.schedule) == (day(2), "0 10 * * * UTC")
    assert (answer.next.name, answer.wake) == ("d-202606031000", day(3))


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_nothing_starts_at_once_on_creation_not_even_when_that_is_a_time_of_the_schedule(missed):
    every_minute = drill("* * * * *", missed=missed)
    assert due(every_minute, Record(), CREATED).start is None
    assert due(every_minute, Record(), CREATED + timedelta(seconds=59)).start is None
    assert due(every_minute, Record(), CREATED + MINUTE).start.scheduled == CREATED + MINUTE


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_every_day_has_its_run_not_only_the_first_one(missed):
    what, record, started = drill(missed=missed), Record(), []
    for number in range(2, 12):
        answer = due(what, record, day(number, 10, 0, 3))
        started.append(answer.start.name)
        record = Record(answer.served_until, answer.schedule)
        assert due(what, record, day(number, 10, 0, 4)).start is None
    assert started == [f"d-202606{number:02d}1000" for number in range(2, 12)]


def test_what_could_not_be_written_down_is_answered_again_in_the_same_way():
    assert due(drill(), Record(), day(2)) == due(drill(), Record(), day(2))
    later = due(drill(missed="once"), Record(), day(2, 11))
    assert later.start == due(drill(missed="once"), Record(), day(2)).start


def test_a_run_that_is_going_on_is_waited_for_and_never_for_ever():
    what, record = drill(), served(drill(), day(1))
    busy = due(what, record, day(2, 10, 1), going="other")
    assert (busy.start, busy.waiting.name, busy.served_until) == (None, "d-202606021000", CREATED)
    assert busy.message == "d-202606021000 is due, but run other is going on on the same target"
    assert busy.wake == day(2, 10, 5)
    assert due(what, record, day(2, 10, 4)).start.name == "d-202606021000"
    late = due(what, record, day(2, 10, 6), going="other")
    assert names(late.passed) == ["d-202606021000"]
    assert late.passed[0].why == ("it could not start within 5 m: run other is going on on the same target")
    assert due(what, Record(late.served_until, late.schedule), day(3)).start.name == "d-202606031000"


def test_after_a_crash_only_what_is_looked_up_counts_as_going_on():
    """There is nothing in the record that could say so."""
    assert Record._fields == ("until", "schedule")
    assert due(drill(), served(drill(), day(1)), day(3)).start.name == "d-202606031000"


@pytest.mark.parametrize(
    ("missed", "started", "given_up"),
    [
        ("skip", None, ["0602", "0603", "0604", "0605"]),
        ("once", "0605", ["0602", "0603", "0604"]),
        ("all", "0602", []),
    ],
)
def test_after_a_pause_each_policy_makes_up_for_what_it_says(missed, started, given_up):
    what = drill(missed=missed)
    answer = due(what, served(what, day(1)), day(5, 18))
    assert (answer.start and answer.start.name) == (started and f"d-2026{started}1000")
    assert names(answer.passed) == [f"d-2026{one}1000" for one in given_up]
    if started is None:  # decided, so that it is told once
        assert answer.served_until == day(5)


def test_making_up_for_all_is_no_storm_but_one_after_the_other_from_the_oldest():
    what, record, now, started = drill(missed="all"), served(drill(), day(1)), day(6, 18), []
    while (answer := due(what, record, now)).start is not None:
        started.append(answer.start.name)
        record = Record(answer.served_until, answer.schedule)
        assert due(what, record, now, going=answer.start.name).start is None
        now += HOUR
    assert started == [f"d-2026060{number}1000" for number in range(2, 7)]


def test_a_late_time_is_superseded_by_the_one_that_is_due():
    what = drill(missed="once")
    answer = due(what, served(what, day(1)), day(4))
    assert (answer.start.name, names(answer.passed)) == (
        "d-202606041000",
        ["d-202606021000", "d-202606031000"],
    )
    assert answer.passed[0].why == "a later one stands for it (missed: once)"
    assert answer.message == (
        "d-202606031000 (and 1 before it) does not run: a later one stands for it (missed: once)"
    )


def test_of_very_many_missed_times_the_last_hundred_are_made_up_for():
    what = drill("* * * * *", missed="all")
    now = CREATED + 3 * DAY
    answer = due(what, Record(), now)
    assert answer.start.scheduled == now - (MOST_MISSED - 1) * MINUTE
    assert answer.passed[-1].why == "more than 100 were missed; this one and older ones are given up"
    assert answer.passed[-1].firing.scheduled == answer.start.scheduled - MINUTE


def test_a_suspended_drill_does_not_start_and_what_it_slept_over_is_not_missed():
    asleep = drill(missed="all", suspend=True, changed=day(2, 9))
    answer = due(asleep, served(drill(), day(1)), day(4, 18))
    assert (answer.start, answer.next, answer.message) == (None, None, "suspended")
    awake = drill(missed="all", changed=day(5, 9))
    later = due(awake, Record(answer.served_until, answer.schedule), day(5, 9, 1))
    assert (later.start, later.passed) == (None, ())
    assert due(awake, Record(later.served_until, later.schedule), day(5)).start.name == "d-202606051000"


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_another_schedule_owes_nothing_from_before_it_was_written(missed):
    changed = drill("30 * * * *", missed=missed, changed=day(3, 12, 45))
    assert due(changed, served(drill(), day(2)), day(3, 12, 50)).start is None
    assert due(changed, served(drill(), day(2)), day(3, 13, 30)).start.name == "d-202606031330"


def test_any_other_change_of_a_drill_leaves_its_schedule_alone():
    labelled = drill(missed="once", changed=day(2, 10, 30))
    assert due(labelled, served(drill(), day(1)), day(2, 11)).start.name == "d-202606021000"


def test_a_drill_that_was_made_anew_owes_nothing_from_before_whatever_its_status_says():
    anew = drill(missed="all", created=day(20, 12))
    assert due(anew, served(drill(), day(1)), day(20, 13)).start is None


def test_a_clock_that_was_wrong_for_once_does_not_stop_a_drill_until_that_time_comes():
    answer = due(drill(), served(drill(), day(30)), day(5, 9))
    assert (answer.start, answer.served_until) == (None, day(5, 9))
    assert due(drill(), Record(answer.served_until, answer.schedule), day(5)).start is not None


def test_a_clock_that_goes_back_a_little_starts_nothing_twice():
    answer = due(drill(), served(drill(), day(2)), day(2) - 5 * MINUTE)
    assert (answer.start, answer.served_until) == (None, day(2))


def test_a_time_that_windows_refuse_is_passed_with_the_reason_and_is_never_owed():
    what = drill("0 10,20 * * *", missed="all", calendar=OFFICE)
    answer = due(what, served(what, day(2, 10)), day(2, 20))
    assert (answer.start, names(answer.passed)) == (None, ["d-202606022000"])
    assert answer.passed[0].why == (
        "outside Mon-Fri 09:00-16:00 (UTC): it is Tue 2026-06-02 20:00 UTC; "
        "next possible: Wed 2026-06-03 09:00 UTC"
    )
    assert answer.next.name == "d-202606031000"


def test_what_is_made_up_for_waits_until_the_windows_open():
    what = drill(missed="once", calendar=OFFICE)
    night = due(what, served(what, day(1)), day(2, 22))
    assert (night.start, night.waiting.name, night.wake) == (None, "d-202606021000", day(3, 9))
    assert "is due, but outside Mon-Fri 09:00-16:00" in night.message
    assert due(what, served(what, day(1)), day(3, 9)).start.name == "d-202606021000"


def test_a_time_that_waits_is_not_lost_behind_one_that_is_given_up():
    what = drill("0 10,20 * * *", missed="all", calendar=OFFICE)
    answer = due(what, served(what, day(1, 20)), day(2, 22))
    assert (answer.waiting.name, answer.passed, answer.served_until) == ("d-202606021000", (), day(1, 20))


def test_the_next_time_is_the_next_one_that_is_let_through():
    assert next_open(drill("0 10 * * 0,3", calendar=OFFICE), day(4)).name == "d-202606101000"
    assert next_open(drill("0 10 * * 0", calendar=OFFICE), day(4)) is None


def test_two_controllers_agree_on_every_jitter_and_drills_differ():
    what = drill(jitter="30m")
    again = drill(jitter="30m")
    firings = list(islice(coming(what, day(1)), 20))
    assert firings == list(islice(coming(again, day(1)), 20))
    assert len({one.at - one.scheduled for one in firings}) > 15


@settings(deadline=None)
@given(
    cron=some.sampled_from(["* * * * *", "*/7 * * * *", "0 10 * * *", "15 2 * * 0", "0 0 1 * *"]),
    jitter=some.integers(0, 200_000),
    since=some.integers(0, 400 * 24 * 60),
    zone=some.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_a_jitter_never_reaches_the_next_time_and_keeps_the_order(cron, jitter, since, zone):
    what = drill(cron, jitter=f"{jitter}s", timezone=zone)
    for one, following in pairwise(islice(coming(what, CREATED + since * MINUTE), 6)):
        assert one.scheduled <= one.at < following.scheduled <= following.at
        assert one.at - one.scheduled <= what.schedule.jitter


def test_a_jittered_time_is_not_due_before_its_jitter_is_over():
    what = drill(jitter="30m")
    at = next(coming(what, day(1, 12))).at
    assert day(2) < at < day(2, 10, 30)
    assert due(what, Record(), at - timedelta(seconds=1)).start is None
    assert due(what, Record(), at).start.scheduled == day(2)


def test_when_a_drill_was_written_is_read_from_who_wrote_what_but_its_status():
    fields = [
        {"manager": "kubectl", "time": "2026-06-02T10:00:00Z"},
        {"manager": "chaosctl", "time": "2026-06-09T10:00:00Z", "subresource": "status"},
        {"manager": "broken"},
    ]
    metadata = {"creationTimestamp": "2026-06-01T12:00:00Z", "managedFields": fields}
    assert written(metadata) == (CREATED, day(2))
    assert written({"creationTimestamp": "2026-06-01T12:00:00Z"}) == (CREATED, CREATED)


def test_a_drill_without_a_schedule_has_no_times():
    target = {"namespace": "models", "workload": "Deployment/ranker"}
    spec = {"target": target, "playbooks": [{"name": "noop"}]}
    body = {"apiVersion": "chaosctl.dev/v1", "kind": "Drill", "metadata": {"name": "d"}, "spec": spec}
    assert timed(Drill.model_validate(body), ALWAYS, HOUR, CREATED) is None
    spec["schedule"] = {"cron": "@daily"}
    assert timed(Drill.model_validate(body), ALWAYS, HOUR, CREATED).namespace == "models"
