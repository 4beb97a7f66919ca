"""Why: a deadline must mean the same moment to everybody."""

from datetime import UTC, datetime, timedelta

from chaosctl.cluster.clock import ServerClock

SERVER = datetime(2031, 5, 1, 12, tzinfo=UTC)


class Boot:
    """A boot-time clock that a test moves."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def heard(clock, boot, true_offset, at, trip=0.1):
    """An answer whose `Date` is the server's time, cut to the second."""
    boot.seconds = at
    dated = datetime.fromtimestamp(int(at + true_offset), UTC)
    clock.heard(dated, at - trip / 2, at + trip / 2)


def test_before_the_first_answer_it_is_this_machines_time():
    assert abs(ServerClock().now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_answers_narrow_down_what_time_it_is():
    boot = Boot()
    clock = ServerClock(boot)
    offset = SERVER.timestamp() - 1000.3
    widths = []
    for number in range(40):
        heard(clock, boot, offset, 1000 + number * 0.37)
        widths.append(clock.high - clock.low)
        assert clock.low <= offset <= clock.high

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.3
    assert abs(clock.offset - offset) < 0.3


def test_it_does_not_go_back_when_it_learns_more():
    boot = Boot()
    clock = ServerClock(boot)
    seen = []
    for number in range(60):
        heard(clock, boot, SERVER.timestamp() - 1000.9, 1000 + number * 0.21)
        seen.append(clock.now())

    assert seen == sorted(seen)


def test_a_server_whose_clock_was_set_is_believed():
    boot = Boot()
    clock = ServerClock(boot)
    heard(clock, boot, SERVER.timestamp() - 1000, 1000)
    heard(clock, boot, SERVER.timestamp() - 1000 - 3600, 1010)

    assert abs(clock.now() - (SERVER - timedelta(seconds=3590))) < timedelta(seconds=2)


async def test_it_wakes_up_soon_after_a_suspend():
    boot = Boot()
    clock = ServerClock(boot)

    def suspended():
        boot.seconds += 500
        return boot.seconds

    when = clock.now() + timedelta(hours=1)
    clock.boot = suspended
    await clock.sleep_until(when)

    assert clock.now() >= when
