"""Why: what a check's readings say so far is decided in one place, in the same way for every role.

A judge hears one reading after the other and keeps only what its decision needs. Decisions are:

* fixed: refuted when k of the last n readings broke the bounds, or, with `lasting`, when every reading for
  so long did; held when n readings did not refute.
* eProcess and eDetector, for counted events: evidence of the present stretch. One side certifies that the
  rate is below the objective, the other raises the alarm when it is above; `lasting` raises it too. After an
  alarm the steady state is broken; the next reading inside the bounds begins a new stretch, which spends
  alpha / (k (k + 1)) for its k-th certificate. That reading was chosen for being good, so it does not count.

Once faults may be felt, a steady state holds when it was also good for long enough: as long as the run asks
for, and as any good stretch that ended in a relapse.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from chaosctl.engine.evidence import NOTHING, Evidence, alarms, certifies, objective, weighed
from chaosctl.model import Counts, Interval, Reading
from chaosctl.spec import Check, KOfN, Role, Span, Tested

NO_DATA_LIMIT = 2  # an abort check that is blind for so many readings in a row aborts
MISSED_LIMIT = timedelta(seconds=5)  # so much of a run may go unseen in what is said about all of it
LONG_AGO = datetime.min.replace(tzinfo=UTC)
WITHOUT_COUNTS = KOfN(k=1, n=3)  # how a test is decided where a probe yields no counts


class Finding(StrEnum):
    """What a check's readings say so far."""

    HELD = "held"
    REFUTED = "refuted"
    OPEN = "open"


@dataclass(frozen=True)
class Judge:
    """A check's latest readings: True held, False broke, None no data.

    `since` is when the present good stretch began, None while it is broken or unseen; `evidence` is of that
    stretch, which is the `stretch`-th. `all_*` count since the first fault; `missed` is the time in between
    that no reading speaks of. `left`: whether a fault has broken the check, `broke`: whether it was refuted
    since the first fault. `lasts` is how long a good stretch must last to be believed.

    `gap`: nobody looked for a while. What the next reading shows began after its `high` at the earliest, a
    good stretch after its `low`. `begun` is since when the last reading, with a gap before it, speaks.
    """

    recent: tuple[bool | None, ...] = ()
    count: int = 0
    at: datetime = LONG_AGO
    until: datetime = LONG_AGO
    finding: Finding = Finding.OPEN
    since: Interval | None = None
    broken_since: datetime | None = None
    evidence: Evidence = NOTHING
    all_bad: int = 0
    all_n: int = 0
    missed: timedelta = timedelta()
    stretch: int = 1
    left: bool = False
    broke: bool = False
    lasts: timedelta = timedelta()
    last: Reading | None = None
    gap: Interval | None = None
    begun: datetime = LONG_AGO


def afresh(judge: Judge) -> Judge:
    """The same judge at the start of another phase: what held before does not show that it holds now."""
    kept = ("count", "at", "until", "last", "left", "broke", "lasts", "gap", "begun")
    return Judge(**{name: getattr(judge, name) for name in kept})


def opened(judge: Judge, stable_for: timedelta) -> Judge:
    """The judge of a steady state when faults may be felt from now on."""
    return replace(afresh(judge), broke=False, lasts=stable_for)


def another_stretch(judge: Judge) -> Judge:
    """Forget the good stretch: something happened that it must be shown anew after."""
    return replace(judge, since=None, evidence=NOTHING, recent=(), finding=Finding.OPEN)


def unwatched(judge: Judge, role: Role) -> Judge:
    """The judge after a gap: a steady state must be shown anew, and may have come back before anybody saw."""
    if judge.until == LONG_AGO:
        return judge
    low = judge.since.low if judge.since else judge.until
    if role is Role.STEADY and judge.finding is not Finding.REFUTED:
        judge = another_stretch(judge)
    return replace(judge, gap=Interval(low=low, high=judge.until), broken_since=None)


def blind(judge: Judge, check: Check, at: datetime) -> Judge:
    """The judge after a probe had no data. No data is never a pass, and an abort check acts on it."""
    recent = (*judge.recent, None)[-_memory(check) :]
    lost = check.role is Role.ABORT and recent[-NO_DATA_LIMIT:] == (None,) * NO_DATA_LIMIT
    finding = Finding.REFUTED if lost else judge.finding
    return replace(judge, recent=recent, count=judge.count + 1, at=at, finding=finding)


def heard(judge: Judge, check: Check, reading: Reading, at: datetime, steady: float) -> Judge:
    """The judge after a reading. `steady` is the probe's value in the steady state."""
    ok = check.hold(reading, steady)
    gap = judge.gap
    bad, n = (reading.bad, reading.n) if isinstance(reading, Counts) else (0, 0)
    judge = replace(
        judge,
        recent=(*judge.recent, ok)[-_memory(check) :],
        count=judge.count + 1,
        at=at,
        until=reading.end,
        broken_since=None if ok else judge.broken_since or reading.start,
        last=reading,
        gap=None,
        begun=gap.high if gap else reading.start,
        all_bad=judge.all_bad + bad,
        all_n=judge.all_n + n,
        missed=judge.missed + (_unseen(judge, reading) if judge.all_n else timedelta()),
    )
    if isinstance(check.decision, Tested) and isinstance(reading, Counts):
        return _tested(judge, check, check.decision, reading, gap)
    return _counted(judge, check, reading, gap)


def realised(check: Check, judge: Judge) -> Finding:
    """Over the whole run: a fact, not a test. What went unseen may refute it still, so it does not hold."""
    if not judge.all_n or judge.last is None:
        return Finding.OPEN
    share = judge.all_bad / judge.all_n
    complement = isinstance(judge.last, Counts) and judge.last.complement
    if not check.holds.hold(1 - share if complement else share):
        return Finding.REFUTED
    return Finding.OPEN if judge.missed > MISSED_LIMIT else Finding.HELD


def _memory(check: Check) -> int:
    n = check.decision.n if isinstance(check.decision, KOfN) else WITHOUT_COUNTS.n
    return max(n, NO_DATA_LIMIT)


def _unseen(judge: Judge, reading: Reading) -> timedelta:
    """The time between the last reading and this one."""
    return max(reading.start - judge.until, timedelta())


def _counted(judge: Judge, check: Check, reading: Reading, gap: Interval | None) -> Judge:
    rule = check.decision if isinstance(check.decision, KOfN) else WITHOUT_COUNTS
    recent, ok = judge.recent[-rule.n :], judge.recent[-1]
    if check.lasting is not None:
        refuted = _broken_for_long(judge, check, reading)
    else:
        refuted = recent.count(False) >= rule.k
    finding = _fixed(judge, check, rule, recent, refuted=refuted)
    if finding is Finding.REFUTED and judge.finding is not Finding.REFUTED:
        judge = _relapsed(judge, reading)
    since = None if refuted and not ok else judge.since or (_from(reading, gap) if ok else None)
    return _believed(replace(judge, since=since, finding=finding))


def _fixed(
    judge: Judge, check: Check, rule: KOfN, recent: tuple[bool | None, ...], *, refuted: bool
) -> Finding:
    if judge.finding is Finding.HELD and check.role is Role.EFFECT:
        return Finding.HELD  # once felt, always felt
    if refuted or (judge.finding is Finding.REFUTED and check.role in (Role.EXPECT, Role.ABORT)):
        return Finding.REFUTED
    return Finding.HELD if recent.count(True) + recent.count(False) >= rule.n else Finding.OPEN


def _tested(judge: Judge, check: Check, rule: Tested, reading: Counts, gap: Interval | None) -> Judge:
    if judge.finding is Finding.REFUTED:
        mends = judge.recent[-1] and check.role is Role.STEADY
        return _mended(judge, _from(reading, gap)) if mends else judge
    if judge.since is None:
        judge = replace(judge, since=_from(reading, gap), evidence=NOTHING)
    allowed = objective(check, reading)
    judge = replace(judge, evidence=weighed(judge.evidence, check, rule, reading))
    if alarms(judge.evidence, check, rule, allowed) or _broken_for_long(judge, check, reading):
        return replace(_relapsed(judge, reading), finding=Finding.REFUTED, stretch=judge.stretch + 1)
    if judge.finding is Finding.OPEN and certifies(judge.evidence, rule, allowed, judge.stretch):
        return _believed(replace(judge, finding=Finding.HELD))
    return judge


def _mended(judge: Judge, stretch: Interval) -> Judge:
    """A new stretch. The reading that began it was chosen for being good, so it does not count in it."""
    return replace(judge, since=stretch, evidence=NOTHING, finding=Finding.OPEN)


def _relapsed(judge: Judge, reading: Reading) -> Judge:
    """The end of a stretch. After one that had followed a break, only a longer one is believed."""
    lasted = reading.end - judge.since.high if judge.broke and judge.since else timedelta()
    return replace(judge, since=None, broke=True, lasts=max(judge.lasts, lasted))


def _believed(judge: Judge) -> Judge:
    """What is good, but not yet for long enough, does not hold yet."""
    if judge.finding is not Finding.HELD or lasting_left(judge) <= timedelta():
        return judge
    return replace(judge, finding=Finding.OPEN)


def _broken_for_long(judge: Judge, check: Check, reading: Reading) -> bool:
    since = judge.broken_since
    return check.lasting is not None and since is not None and reading.end - since >= check.lasting


def _from(reading: Reading, gap: Interval | None) -> Interval:
    """A stretch begins in this reading, after its last bad observation; without one, in the gap before."""
    last_bad = reading.last_bad if isinstance(reading, Counts) else None
    return Interval(low=last_bad or (gap.low if gap else reading.start), high=reading.end)


def lasting_left(judge: Judge) -> timedelta:
    """How much longer it must be good to be believed."""
    lasted = judge.until - judge.since.high if judge.since else timedelta()
    return judge.lasts - lasted


def is_over_run(check: Check) -> bool:
    """Whether the check is a fact about the whole run."""
    return check.over is Span.RUN
