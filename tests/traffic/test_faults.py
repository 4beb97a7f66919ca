"""Which request is hurt, and for how long, follows from seed and clock."""

from datetime import UTC, datetime

import numpy as np
import pytest

from chaosctl.traffic.proxy.faults import (
    NO_HARM,
    Disconnect,
    Errors,
    Fault,
    Latency,
    Requests,
)
from chaosctl.traffic.proxy.messages import Head

ASKED = Head(b"GET /v2", ((b"host", b"m"),), keep_alive=True, version="1.1", chunked=False, sized=False)


class Clocks:
    def __init__(self):
        self.wall = 1_000.0
        self.boot = 50.0

    def board(self):
        return Requests(lambda: self.wall, lambda: self.boot)


def harms(fault, count=2000):
    board = Clocks().board()
    board.switch(fault)
    return [board.decide(ASKED) for _ in range(count)]


def until(**more):
    return Fault(deadline=1_060.0, **more)


def test_it_is_transparent_until_switched_on_and_after_being_switched_off():
    board = Clocks().board()
    assert board.decide(ASKED) == NO_HARM
    board.switch(until(errors=Errors()))
    assert board.decide(ASKED).status == 503
    board.switch(None)
    assert board.decide(ASKED) == NO_HARM


@pytest.mark.parametrize(("wall", "boot"), [(60, 60), (60, 0), (0, 60), (-3600, 60)])
def test_it_turns_transparent_at_the_deadline_by_whichever_clock_says_so_first(wall, boot):
    clocks = Clocks()
    board = clocks.board()
    board.switch(until(errors=Errors()))
    clocks.wall += wall
    clocks.boot += boot
    assert board.decide(ASKED) == NO_HARM
    assert board.seconds_left() == 0


def test_a_deadline_in_the_past_is_refused():
    with pytest.raises(ValueError, match="the deadline has passed"):
        Clocks().board().switch(Fault(deadline=999.0, errors=Errors()))


def test_a_seed_repeats_every_choice():
    fault = {"latency": Latency(0.1, 0.05, "normal", 0.5), "errors": Errors(share=0.3)}
    assert harms(until(seed=7, **fault)) == harms(until(seed=7, **fault))
    assert harms(until(seed=7, **fault)) != harms(until(seed=8, **fault))


def test_a_share_is_a_share_of_requests():
    hurt = harms(until(errors=Errors(500, 0.2), disconnect=Disconnect("timeout", 0.1)), 10_000)
    assert sum(h.disconnect == "timeout" for h in hurt) / 10_000 == pytest.approx(0.1, abs=0.02)
    assert sum(h.status == 500 for h in hurt) / 10_000 == pytest.approx(0.2 * 0.9, abs=0.02)


def test_a_part_does_not_move_another_parts_dice():
    alone = harms(until(seed=3, errors=Errors(share=0.5)))
    both = harms(until(seed=3, errors=Errors(share=0.5), disconnect=Disconnect(share=0)))
    assert alone == both


@pytest.mark.parametrize(
    ("distribution", "mean", "middle"),
    [
        ("uniform", 0.3, 0.3),
        ("normal", 0.3, 0.3),
        ("exponential", 0.4, 0.3 + 0.1 * np.log(2)),
        ("pareto", 0.4, 0.3 + 0.1 * (2**0.5 - 1)),
    ],
)
def test_delays_are_distributed_as_documented(distribution, mean, middle):
    delays = [h.delay for h in harms(until(latency=Latency(0.3, 0.1, distribution)), 20_000)]
    assert np.mean(delays) == pytest.approx(mean, rel=0.1)
    assert np.median(delays) == pytest.approx(middle, rel=0.02)
    assert min(delays) >= 0


def test_a_delay_does_not_outlast_the_fault():
    clocks = Clocks()
    board = clocks.board()
    board.switch(until(latency=Latency(fixed=100)))
    clocks.wall += 59.5
    clocks.boot += 59.5
    assert board.decide(ASKED).delay == 0.5


def test_what_was_touched_is_kept_when_the_fault_is_off_or_sent_again_and_anew_for_another():
    board = Clocks().board()
    board.switch(until(errors=Errors()))
    board.count("errors")
    board.switch(until(errors=Errors()))
    board.switch(None)
    assert board.touched["errors"] == 1
    board.switch(until(errors=Errors(500)))
    assert board.touched["errors"] == 0


def test_an_order_is_read_with_its_defaults():
    order = {"until": "2030-01-01T10:00:00Z", "fault": {"latency": {"fixed": 0.3}, "disconnect": {}}}
    deadline = datetime(2030, 1, 1, 10, tzinfo=UTC).timestamp()
    assert Requests.read(order) == Fault(deadline, 0, Latency(0.3), None, Disconnect())
    assert Requests.read({}) is None


WRONG = {
    "the order must be a JSON object": [],
    "an order has a fault and until": {"fault": {"errors": {}}},
    "the order has no field 'x'": {"x": 1},
    "the fault must be a JSON object": {"fault": 1},
    "none of latency, errors, disconnect": {"fault": {"seed": 1}},
    "latency must be a JSON object": {"fault": {"latency": 3}},
    "latency has no field 'ms'; it has fixed": {"fault": {"latency": {"ms": 3}}},
    "latency needs fixed or jitter": {"fault": {"latency": {}}},
    "latency.distribution must be one of uniform": {"fault": {"latency": {"fixed": 1, "distribution": "x"}}},
    "latency.fixed must be a number from 0 to 3600": {"fault": {"latency": {"fixed": -1}}},
    "latency.share must be a number from 0 to 1": {"fault": {"latency": {"fixed": 1, "share": 2}}},
    "errors.status must be a whole number from 400 to 599": {"fault": {"errors": {"status": 200}}},
    "errors.share must be a number": {"fault": {"errors": {"share": True}}},
    "disconnect.how must be one of reset, timeout": {"fault": {"disconnect": {"how": "slowly"}}},
    "seed must be a whole number": {"fault": {"errors": {}, "seed": "a"}},
    "until must be a time like": {"fault": {"errors": {}}, "until": "soon"},
    "until must name its time zone": {"fault": {"errors": {}}, "until": "2030-01-01T10:00:00"},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_order_is_refused_with_the_reason(message):
    order = WRONG[message]
    if isinstance(order, dict) and "fault" in order and message != "an order has a fault and until":
        order = {"until": "2030-01-01T10:00:00Z", **order}
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        Requests.read(order)
