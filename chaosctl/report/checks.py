"""Why: each hypothesis stands beside its outcome, with how many samples it rests on and which readings.

A check of the steady state makes two rows: before the first fault, and after the last one.
"""

from collections.abc import Sequence

from chaosctl.engine.clocks import credited, origin
from chaosctl.engine.judge import Finding, is_over_run
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import finding
from chaosctl.model import Counts, Reading
from chaosctl.report.document import CheckRow, Margin
from chaosctl.report.history import History, Sample
from chaosctl.report.text import between, bounds, length, percent, quantity
from chaosctl.report.words import ORIGIN, label
from chaosctl.spec import Check, ClockName, Role

VERDICTS = {Finding.HELD: "passed", Finding.REFUTED: "failed", Finding.OPEN: "inconclusive"}
UNSEEN = "no data"


def rows(history: History) -> tuple[CheckRow, ...]:
    """All checks, in the order in which a run asks them."""
    plot = history.state.plot
    return (
        *(_before(history, check) for check in plot.having(Role.STEADY)),
        *(effect_row(history, life.effect) for life in history.state.lives.values() if life.effect),
        *(_expectation(history, check) for check in plot.having(Role.EXPECT)),
        *(_abort(history, check) for check in plot.having(Role.ABORT)),
        *(_after(history, check) for check in plot.having(Role.STEADY) if history.state.closed_at),
    )


def effect_row(history: History, check: Check) -> CheckRow:
    """Whether a fault was felt. What was not felt proves nothing, but refutes nothing either."""
    samples = history.of(check)
    held = history.state.judge(check).finding is Finding.HELD
    good = [sample for sample in samples if sample.reading and _room(history, check, sample.reading) >= 0]
    row = _row(history, check, "", Finding.HELD if held else Finding.OPEN, samples)
    seen = [sample.reading for sample in (good if held else samples) if sample.reading]
    return row._replace(observed=_beside_steady(history, check, seen[-1:]))


def broken(history: History) -> tuple[CheckRow, ...]:
    """The steady state's checks that a reading broke since the first fault, at their worst."""
    found = [(check, *_worst(history, check)) for check in history.state.plot.having(Role.STEADY)]
    return tuple(
        _row(history, check, "", Finding.REFUTED, ())._replace(
            observed=_worst_text(history, check), evidence=(seq,)
        )
        for check, seq, reading in found
        if reading and _room(history, check, reading) < 0
    )


def margins(history: History) -> tuple[Margin, ...]:
    """How near the bounds that held came to breaking, the nearest first."""
    checks = [*history.state.plot.having(Role.EXPECT), *history.state.plot.having(Role.ABORT)]
    held = [check for check in checks if finding(history.state, check) is not Finding.REFUTED]
    found = [
        _clock_margin(history, check, check.clock) if check.clock else _margin(history, check)
        for check in held
    ]
    return tuple(sorted((margin for margin in found if margin), key=lambda margin: margin.part))


def near(some: Sequence[Margin]) -> tuple[Margin, ...]:
    """Those that a little more would have broken."""
    return tuple(margin for margin in some if margin.near)


def absent(state: State, clock: ClockName) -> str:
    """Why a clock shows no time."""
    if clock in state.clocks:
        return "only after our own undo, which does not count"
    if clock in (ClockName.MITIGATE, ClockName.RECOVER) and state.opened_at and not state.broke:
        return "not needed: the steady state never broke"
    return "not seen"


def evidence(samples: Sequence[Sample]) -> tuple[int, ...]:
    return tuple(sample.seq for sample in samples)


def pooled(check: Check, readings: Sequence[Reading]) -> str:
    """What several readings say together: one share, or from which level to which."""
    counted = [reading for reading in readings if isinstance(reading, Counts)]
    if counted:
        share = sum(reading.bad for reading in counted) / sum(reading.n for reading in counted)
        return _value(check, 1 - share if counted[0].complement else share)
    values = sorted(reading.value for reading in readings)
    if not values:
        return UNSEEN
    low, high = _value(check, values[0]), _value(check, values[-1])
    return low if low == high else f"{low} to {high}"


def _before(history: History, check: Check) -> CheckRow:
    samples = [sample for sample in history.of(check) if sample.phase is Phase.STEADY]
    return _row(history, check, "before", history.opening.judge(check).finding, samples)


def _after(history: History, check: Check) -> CheckRow:
    judge = history.state.judge(check)
    samples = [sample for sample in history.of(check) if sample.phase is Phase.RECOVERING]
    if judge.since:
        good = [sample for sample in samples if sample.reading and sample.reading.end >= judge.since.high]
        samples = good or samples
    return _row(history, check, "after", judge.finding, samples)


def _expectation(history: History, check: Check) -> CheckRow:
    if check.clock:
        return _clock(history, check, check.clock)
    row = _row(history, check, "", finding(history.state, check), _during(history, check))
    return row if is_over_run(check) else row._replace(observed=_worst_text(history, check))


def _abort(history: History, check: Check) -> CheckRow:
    samples = _during(history, check)
    found = history.state.judge(check).finding
    if found is Finding.OPEN and samples:
        found = Finding.HELD  # it had only to stay unbroken
    row = _row(history, check, "", found, samples)
    return row._replace(observed=_worst_text(history, check))


def _clock(history: History, check: Check, clock: ClockName) -> CheckRow:
    state = history.state
    start, at = origin(state), credited(state, clock)
    since = f" of the {ORIGIN[start[0]]}" if start else ""
    expected = "never" if check.never or check.within is None else f"within {length(check.within)}{since}"
    seen = between(*at.since(start[1])) if at and start else "seen"
    observed = absent(state, clock) if at is None else seen
    seq = history.clocks.get(clock)
    found = VERDICTS[finding(state, check)]
    rows = (seq,) if seq else ()
    return CheckRow(check.name, check.role, expected, observed, 1 if at else 0, found, rows, label(check))


def _row(history: History, check: Check, when: str, found: Finding, samples: Sequence[Sample]) -> CheckRow:
    readings = [sample.reading for sample in samples if sample.reading]
    observed = _beside_steady(history, check, readings)
    n = sum(reading.n for reading in readings)
    expected = bounds(check.holds, check.unit)
    name, short = (f"{text} {when}".strip() for text in (check.name, label(check)))
    verdict, rows = VERDICTS[found], evidence(samples)
    return CheckRow(name, check.role, expected, observed, n, verdict, rows, short, when)


def _beside_steady(history: History, check: Check, readings: Sequence[Reading]) -> str:
    """What was read, and where it counts from."""
    observed = pooled(check, readings)
    if not check.holds.from_steady or not readings:
        return observed
    return f"{observed} (steady {_value(check, history.state.steady_value(check))})"


def _during(history: History, check: Check) -> list[Sample]:
    return [sample for sample in history.of(check) if sample.phase is not Phase.STEADY]


def _worst(history: History, check: Check) -> tuple[int, Reading | None]:
    """The reading nearest to breaking the bounds, or farthest past them, and its number."""
    seen = [(sample.seq, sample.reading) for sample in _during(history, check) if sample.reading]
    return min(seen, key=lambda pair: _room(history, check, pair[1]), default=(0, None))


def _worst_text(history: History, check: Check) -> str:
    _, worst = _worst(history, check)
    return f"at worst {_value(check, worst.value)}" if worst else UNSEEN


def _room(history: History, check: Check, reading: Reading) -> float:
    """How far the reading is from the nearest bound, in the check's unit; negative where it broke it."""
    value = reading.value - (history.state.steady_value(check) if check.holds.from_steady else 0.0)
    low = [] if check.holds.min is None else [value - check.holds.min]
    high = [] if check.holds.max is None else [check.holds.max - value]
    return min(low + high, default=0.0)


def _margin(history: History, check: Check) -> Margin | None:
    seq, reading = _worst(history, check)
    allowed = _allowed(check)
    if reading is None or not allowed:
        return None
    if is_over_run(check):
        reading = _whole(history.state, check, reading)
    room, seen = _room(history, check, reading), _value(check, reading.value)
    distance = f"held by {_distance(room, check.unit)}" if room >= 0 else "was broken for a moment"
    text = f"{label(check)}: {bounds(check.holds, check.unit)} {distance} ({seen})"
    return Margin(check.name, text, max(room, 0.0) / allowed, (seq,))


def _whole(state: State, check: Check, like: Reading) -> Reading:
    """Everything since the first fault as one reading, where it was counted."""
    judge = state.judge(check)
    counted = isinstance(like, Counts) and judge.all_n
    return like.model_copy(update={"bad": judge.all_bad, "n": judge.all_n}) if counted else like


def _allowed(check: Check) -> float:
    """What a bound leaves: of a share's minimum, the rest to one."""
    if check.holds.max is not None:
        return abs(check.holds.max)
    low = check.holds.min or 0.0
    return 1 - low if check.unit == "share" else abs(low)


def _clock_margin(history: History, check: Check, clock: ClockName) -> Margin | None:
    start, at = origin(history.state), credited(history.state, clock)
    if start is None or at is None or not check.within:
        return None
    _, longest = at.since(start[1])
    room = check.within - longest
    text = f"{label(check)}: within {length(check.within)} held by {length(room)}"
    return Margin(check.name, text, room / check.within, (history.clocks[clock],))


def _distance(room: float, unit: str) -> str:
    if unit != "share":
        return quantity(room, unit)
    points = percent(room).removesuffix(" %")
    return f"{points} point" if points == "1" else f"{points} points"


def _value(check: Check, value: float) -> str:
    return quantity(value, check.unit)
