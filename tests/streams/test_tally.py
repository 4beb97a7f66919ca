"""What is counted by the second adds up, whoever counted it."""

from dataclasses import dataclass
from math import inf

import pytest

from chaosctl.errors import Invalid
from chaosctl.streams.loaded import Loaded
from chaosctl.streams.readings import Listener, Teller, Totals
from chaosctl.streams.tally import OpenTally, Second, Tally

TOTALS = Totals(sent=10, received=20, opened=2, trouble="")


@dataclass
class Done:
    due: float
    done: float
    error: str | None = None
    status: int | None = 200
    ready: float = 0.0
    sent: float | None = None


def test_a_request_counts_in_the_second_in_which_it_was_due():
    tally = Tally(100.0, 5.0)
    for due, done in [(100.1, 100.2), (101.9, 103.0), (100.9, 104.0)]:
        tally.add(Done(due, done))
    tally.settle(inf)
    found = dict(tally.take())
    assert {index: second.n for index, second in found.items()} == {0: 2, 1: 1}
    assert found[1].latency.quantile(0.5) == pytest.approx(1.1, rel=0.01)


def test_only_complete_seconds_are_handed_out_and_once():
    tally = Tally(0.0, 5.0)
    tally.add(Done(0.5, 0.6))
    tally.add(Done(1.5, 1.6))
    tally.settle(1.2)
    assert [index for index, _ in tally.take()] == [0]
    tally.add(Done(1.7, 1.8))
    tally.settle(inf)
    assert [(index, second.n) for index, second in tally.take()] == [(1, 2)]


def test_a_failed_request_took_as_long_as_an_answer_may_take():
    tally = Tally(0.0, 5.0)
    tally.add(Done(0.1, 0.1001, error="connect", status=None))
    second = tally.second
    assert (second.good, second.errors, second.statuses) == (0, {"connect": 1}, {})
    assert second.latency.quantile(0.5) == pytest.approx(5, rel=0.01)


def test_an_open_loop_tells_our_lag_from_waiting_and_from_the_servers_time():
    tally = OpenTally(0.0, 5.0)
    tally.add(Done(due=0.0, ready=0.1, sent=0.3, done=1.0))
    tally.add(Done(due=0.0, ready=0.1, done=0.1, error="dropped", status=None))
    second = tally.second
    assert second.lag.quantile(1) == pytest.approx(0.1, rel=0.01)
    assert second.wait.quantile(1) == pytest.approx(0.2, rel=0.01)
    assert second.service.quantile(1) == pytest.approx(0.7, rel=0.01)
    assert (second.lag.n, second.wait.n, second.service.n) == (2, 1, 1)


def some(count, error=None):
    tally = OpenTally(0.0, 5.0)
    for number in range(count):
        tally.add(Done(0.5, 0.6 + number / 1000, error, ready=0.5, sent=0.5))
    return tally.second


def told(*seconds):
    lines = []
    teller = Teller(lines.append)
    for index, second in enumerate(seconds):
        teller.tell(index, second)
    teller.end(TOTALS)
    return lines


def hear_all(listener, lines):
    for line in lines:
        listener.line(line)


def test_readings_come_back_as_they_were_told():
    heard = {}
    listener = Listener(heard.__setitem__)
    hear_all(listener, ["a warning of a library\n", *told(some(3), some(2, "status"))])
    assert listener.totals == TOTALS
    assert [second.encode() for second in heard.values()] == [some(3).encode(), some(2, "status").encode()]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
        lambda lines: [lines[0], lines[1].replace('"second":1', '"second":7'), *lines[2:]],
        lambda lines: [lines[0], lines[1][:30], *lines[2:]],
        lambda lines: [*lines, lines[-1]],
    ],
    ids=["one is missing", "one came twice", "one was changed", "one is cut", "more after the end"],
)
def test_a_reading_that_is_lost_or_changed_is_noticed(spoil):
    listener = Listener(lambda _index, _second: None)
    with pytest.raises(Invalid):
        hear_all(listener, spoil(told(some(3), some(2), some(1))))


def test_without_its_last_line_a_worker_has_not_ended():
    listener = Listener(lambda _index, _second: None)
    hear_all(listener, told(some(3))[:-1])
    assert listener.totals is None


@pytest.mark.parametrize(
    "body", [{}, {"errors": {}, "statuses": {"x": 1}}, {"errors": {"a": -1}, "statuses": {}}]
)
def test_what_is_no_second_is_refused(body):
    with pytest.raises(Invalid):
        Second.decode(body)


def loaded(second, **more):
    made = Loaded(closed=False, lasting=1.0, totals=[TOTALS], **more)
    made.whole.merge(second)
    return made


def test_a_load_that_left_in_time_speaks_of_the_server():
    body = loaded(some(100)).body()
    assert (body["verdict"], body["reasons"], body["requests"], body["requestsPerSecond"]) == (
        "ok",
        [],
        100,
        100,
    )


def late():
    tally = OpenTally(0.0, 5.0)
    for number in range(100):
        tally.add(Done(0.5, 0.6, ready=0.5 + (0.011 if number > 97 else 0.001), sent=0.6))
    return tally.second


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: loaded(late()), "left late: 11"),
        (lambda: loaded(some(3, "unsent")), "3 requests were never sent"),
        (lambda: loaded(some(3), lost=["worker 1 of 4 was lost: it ended with -9"]), "worker 1 of 4"),
    ],
)
def test_where_it_is_us_who_failed_the_numbers_say_so(made, reason):
    body = made().body()
    assert body["verdict"] == "INVALID_LOADGEN"
    assert reason in body["reasons"][0]
