"""`make bench-stats`: how often the decisions of a run are wrong, and how soon they come, beside naive ones.

Every figure is of seeded runs of 50 requests a second. What decides is the judge of the engine, with checks
as the catalogue resolves them; only the naive methods are written here. Horizons are in the rows' names.
`python -m bench.decisions PART…` prints some parts only.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from statistics import NormalDist, median

import numpy as np

from chaosctl.catalog.resolve import shared
from chaosctl.engine.judge import Finding, Judge, heard, opened
from chaosctl.model import Counts, Ref
from chaosctl.spec import Bounds, Check, EDetector, Entry, EProcess, KOfN, Role, Script, Target
from chaosctl.stats import log_evidence_below, threshold
from chaosctl.streams.samples import Sample, Window

RUNS = 2_000
RATE = 50
OBJECTIVE = 0.01
ALPHA = 0.05
START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OUTAGE = [RATE] * 5  # the recovery is from this
CLUSTER, PERIOD = 37, 50  # so many requests of a second fail, once in so many seconds
ZERO = timedelta()
STABLE = timedelta(seconds=30)


# --- what is decided, by the engine


def check(role, decision, every=SECOND, allowed=OBJECTIVE, name="errors"):
    holds = Bounds(max=allowed)
    return Check(name=name, role=role, probe={"kind": "e"}, holds=holds, decision=decision, every=every)


def resolved(checks, lasts):
    """The checks of a run that lasts so long, with their shares of its alpha."""
    return shared(
        Script(
            playbook="bench",
            target=Target(workload=Ref(kind="Deployment", name="model")),
            entries=(Entry(id="fault", at=ZERO, hold=lasts, fault={}),),
            checks=tuple(checks),
            alpha=ALPHA,
            set_up=ZERO,
            steady_within=ZERO,
            recover_within=ZERO,
        )
    )


@lru_cache(maxsize=1024)
def moment(second):
    return START + second * SECOND


@lru_cache(maxsize=100_000)
def counted(bad, n, start, end):
    return Counts(bad=bad, n=n, start=start, end=end)


def judged(one, bad, stable_for=ZERO, seconds=1):
    """The judge after each reading, of which these are the bad ones."""
    judge, n = opened(Judge(), stable_for), RATE * seconds
    for number, found in enumerate(bad):
        start, end = moment(number * seconds), moment(number * seconds + seconds)
        judge = heard(judge, one, counted(found, n, start, end), end, 0.0)
        yield judge


def first(one, bad, finding, stable_for=ZERO, seconds=1):
    """After how many readings it is found; None if never."""
    steps = enumerate(judged(one, bad, stable_for, seconds), 1)
    return next((number for number, judge in steps if judge.finding is finding), None)


def recovered(one, bad, stable_for=STABLE):
    """After how many seconds from the end of an outage the steady state is called back."""
    return first(one, [*OUTAGE, *bad], Finding.HELD, stable_for)


def share(rows, decided):
    return sum(decided(row) is not None for row in rows) / len(rows)


# --- what happens


def drawn(rate, seconds, seed, n=RATE):
    return np.random.default_rng(seed).binomial(n, rate, (RUNS, seconds)).tolist()


def together(rate, spread, seconds, seed):
    """Beta-binomial: requests of the same second are correlated by `spread`."""
    draw, more = np.random.default_rng(seed), 1 / spread - 1
    return draw.binomial(RATE, draw.beta(rate * more, (1 - rate) * more, (RUNS, seconds))).tolist()


def relapsing(seconds, seed):
    """20 s at 0.3 %, 5 s at 6.3 %, and again: 1.5 % in the mean."""
    rates = [0.003 if second % 25 < 20 else 0.063 for second in range(seconds)]
    return np.random.default_rng(seed).binomial(RATE, rates, (RUNS, seconds)).tolist()


def regular(phase, seconds):
    return [CLUSTER if (second - phase) % PERIOD == 0 else 0 for second in range(seconds)]


def irregular(seconds, seed):
    struck = np.random.default_rng(seed).random((RUNS, seconds)) < 1 / PERIOD
    return (CLUSTER * struck).tolist()


# --- naive methods


def z_test(bad, each=RATE):
    """Look at every reading, stop when z is above the 95 % quantile."""
    seen, limit = 0, NormalDist().inv_cdf(1 - ALPHA)
    for second, found in enumerate(bad, 1):
        seen += found
        n = each * second
        if (seen - n * OBJECTIVE) / (n * OBJECTIVE * (1 - OBJECTIVE)) ** 0.5 > limit:
            return second
    return None


def four_windows(bad):
    """Four windows of 5 s in a row within the objective."""
    fine = 0
    for end in range(5, len(bad) + 1, 5):
        fine = fine + 1 if sum(bad[end - 5 : end]) <= OBJECTIVE * 5 * RATE else 0
        if fine == 4:
            return end
    return None


def certificate_alone(bad):
    """The e-process from the beginning, at its whole alpha; what is certified has recovered."""
    seen = 0
    for second, found in enumerate(bad, 1):
        seen += found
        if evidence(seen, RATE * second) >= threshold(ALPHA):
            return second
    return None


def naive_restarts(bad):
    """The same, begun anew with its whole alpha whenever it is losing."""
    seen = n = 0
    for second, found in enumerate(bad, 1):
        seen, n = seen + found, n + RATE
        if evidence(seen, n) >= threshold(ALPHA):
            return second
        if evidence(seen, n) < 0:
            seen = n = 0
    return None


@lru_cache(maxsize=100_000)
def evidence(bad, n):
    return log_evidence_below(bad, n, OBJECTIVE)


# --- the figures


def false_alarms():
    """Exactly at the objective."""
    lasts, rule = 300 * SECOND, check(Role.EXPECT, KOfN(k=3, n=5))
    rows = drawn(OBJECTIVE, 300, seed=1)
    yield "z-test, looked at every second, 300 s", share(rows, z_test), "naive"
    found = share(rows, lambda row: first(rule, row, Finding.REFUTED))
    yield "3 of 5 readings above, 300 s", found, "naive"
    for role, decision in (
        (Role.EXPECT, EProcess()),
        (Role.EXPECT, EDetector()),
        (Role.EXPECT, EDetector(window=SECOND)),
    ):
        (one,) = resolved([check(role, decision)], lasts)
        name = f"{decision.decision}, {role}{', windows of 1 s' if decision.window else ''}, 300 s"
        yield name, share(rows, lambda row, one=one: first(one, row, Finding.REFUTED)), ALPHA
    hour = check(Role.EXPECT, EDetector())
    found = share(rows, lambda row: first(hour, row, Finding.REFUTED))
    yield "eDetector at a run length of 1 h exactly, 300 s", found, 300 / 3600
    (one,) = resolved([check(Role.EXPECT, EDetector())], lasts)
    found = share(rows, lambda row: first(one, row, Finding.HELD))
    yield "held though exactly at the objective, 300 s", found, ALPHA


def recoveries():
    """At 1.5 times the objective, after an outage."""
    one = check(Role.STEADY, EProcess())
    rows = drawn(1.5 * OBJECTIVE, 600, seed=2)
    yield "4 windows of 5 s all fine, 600 s", share(rows, four_windows), "naive"
    yield "e-process begun anew at its whole alpha, 600 s", share(rows, naive_restarts), "naive"
    yield "certificate without stableFor, 600 s", share(rows, back(one, ZERO)), ALPHA
    yield "certificate and stableFor 30 s, 600 s", share(rows, back(one)), ALPHA


def relapses():
    """20 s at 0.3 %, 5 s at 6.3 %, after an outage."""
    one, rows = check(Role.STEADY, EProcess()), relapsing(600, seed=3)
    yield "4 windows of 5 s all fine, 600 s", share(rows, four_windows), "naive"
    yield "e-process begun anew at its whole alpha, 600 s", share(rows, naive_restarts), "naive"
    yield "certificate and stableFor 30 s, 600 s", share(rows, back(one)), ALPHA


def hanging():
    """2 % of requests are never answered."""
    one, rows = check(Role.STEADY, EProcess()), drawn(0.02, 600, seed=4)
    assert all(in_scheduled_order(row[:60]) == row[:60] for row in rows[:5])
    completed = [[0] * len(row) for row in rows]
    yield "the same judge, in the order of completion, 600 s", share(completed, back(one)), "naive"
    yield "in scheduled order, failed after answerWithin, 600 s", share(rows, back(one)), ALPHA


def clusters():
    """37 of 50 requests fail in one second of 50: 1.48 %."""
    phases = [int(phase) for phase in np.random.default_rng(5).integers(0, PERIOD, RUNS)]
    request, window = check(Role.STEADY, EProcess()), check(Role.STEADY, EProcess(window=SECOND))

    def found(decided, before=0):
        known = {phase: decided(regular(phase, 600 + before)) is not None for phase in range(PERIOD)}
        return sum(known[phase] for phase in phases) / RUNS

    yield "every 50 s: certificate alone, 600 s", found(certificate_alone), "naive"
    yield "every 50 s: per request, stableFor 30 s, 600 s", found(back(request)), ALPHA
    yield "every 50 s: the same, 600 s after 120 s of it", found(later(request, 120), 120), ALPHA
    minute = back(request, timedelta(seconds=60))
    yield "every 50 s: per request, stableFor 60 s, 600 s", found(minute), ALPHA
    yield "every 50 s: unit window of 1 s, 600 s", found(back(window)), ALPHA
    rows = irregular(600, seed=6)
    yield "at random: per request, stableFor 30 s, 600 s", share(rows, back(request)), "assumes independence"
    yield "at random: unit window of 1 s, 600 s", share(rows, back(window)), ALPHA


def certificates():
    """Without a bad answer, 50/s."""
    one = check(Role.STEADY, EProcess())
    plain = next(second for second in count(1) if evidence(0, RATE * second) >= threshold(ALPHA, 1))
    seconds = first(one, [0] * 60, Finding.HELD)
    assert plain == seconds
    yield "certified, before stableFor", f"{seconds} s", "≤ 10 s"


def detections():
    """5 % of errors, after a minute at 0.1 %; median of those seen after the change."""
    calm = drawn(0.001, 60, seed=7)
    even, uneven = drawn(0.05, 120, seed=8), together(0.05, 0.1, 120, seed=9)
    hour, windows = check(Role.EXPECT, EDetector()), check(Role.EXPECT, EDetector(window=SECOND))
    rule = check(Role.EXPECT, KOfN(k=3, n=5))
    for name, one, rows, goal in (
        ("3 of 5 readings above, independent", rule, even, "naive"),
        ("eDetector, run length 1 h, independent", hour, even, "≤ 6 s"),
        ("eDetector, windows of 1 s, independent", windows, even, "≤ 10 s"),
        ("eDetector, windows of 1 s, correlation 0.1", windows, uneven, "≤ 20 s"),
    ):
        alarms = [
            first(one, [*before, *after], Finding.REFUTED) or np.inf
            for before, after in zip(calm, rows, strict=True)
        ]
        later_ones = [alarm - 60 for alarm in alarms if alarm > 60]
        early = f", {percent(1 - len(later_ones) / RUNS)} too early"
        yield name, f"{median(later_ones):.0f} s{early}", goal


def run_level():
    """Ten checks, each exactly at its objective; readings of 10 s."""
    rows = [drawn(OBJECTIVE, 30, seed=10 + number, n=10 * RATE) for number in range(10)]
    kinds = [EDetector() if number % 2 else EProcess() for number in range(10)]
    ten = [check(Role.EXPECT, kind, 10 * SECOND, name=str(number)) for number, kind in enumerate(kinds)]
    checks = resolved(ten, 300 * SECOND)

    def refuted(number, run):
        return first(checks[number], rows[number][run], Finding.REFUTED, seconds=10) is not None

    def z_tested(number, run):
        return z_test(rows[number][run], 10 * RATE) is not None

    for name, decided, goal in (
        ("ten z-tests at 5 %, looked at every 10 s, 300 s", z_tested, "naive"),
        ("five eProcess, five eDetector, one alpha, 300 s", refuted, ALPHA),
    ):
        wrong = [any(decided(number, run) for number in range(10)) for run in range(RUNS)]
        yield name, sum(wrong) / RUNS, goal


def back(one, stable_for=STABLE):
    return lambda row: recovered(one, row, stable_for)


def later(one, seconds):
    """Whether it is called back at any time after so many seconds of the same."""

    def found(row):
        steps = enumerate(judged(one, [*OUTAGE, *row], STABLE))
        since = seconds + len(OUTAGE)
        return next((at for at, judge in steps if at >= since and judge.finding is Finding.HELD), None)

    return found


def in_scheduled_order(bad):
    """What a window of samples reads, second by second, when those that hang come in last."""
    window, begun = Window(answer_within=2.0), START.timestamp()
    due = [
        (begun + second + number / RATE, number < failed)
        for second, failed in enumerate(bad)
        for number in range(RATE)
    ]
    for scheduled, hangs in sorted(due, key=lambda one: one[0] + (2.0 if one[1] else 0.02)):
        window.add(
            Sample(
                scheduled, scheduled, None if hangs else scheduled + 0.02, error="timeout" if hangs else None
            )
        )
    return [window.failures(moment(second), moment(second + 1)).bad for second in range(len(bad))]


PARTS = {
    "false-alarms": false_alarms,
    "recoveries": recoveries,
    "relapses": relapses,
    "hanging": hanging,
    "clusters": clusters,
    "certificates": certificates,
    "detections": detections,
    "run-level": run_level,
}


def beside(value, goal):
    """The goal as text, and whether it was missed."""
    if isinstance(goal, str):
        return goal
    return f"≤ {percent(goal)}" + (" MISSED" if value > goal else "")


def percent(part):
    return f"{100 * part:.1f} %"


def main(names):
    began = time.monotonic()
    for name in names or PARTS:
        print(f"{name}: {PARTS[name].__doc__}")
        for what, value, goal in PARTS[name]():
            shown = value if isinstance(value, str) else percent(value)
            print(f"  {what:<58} {shown:>20}   {beside(value, goal)}", flush=True)
    print(f"{RUNS} runs each, 50 requests/s, objective 1 %; took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
