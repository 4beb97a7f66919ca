"""Why: golden post-mortems need journals that are the same every time, one for each way a run can end."""

from datetime import UTC, datetime, timedelta

from chaosctl.changes import Outcome
from chaosctl.engine import events
from chaosctl.model import Counts, Edit, Level, Patch, Ref
from chaosctl.report import Record
from chaosctl.spec import (
    Bounds,
    Check,
    ClockName,
    Entry,
    EProcess,
    KOfN,
    Role,
    Script,
    Span,
    Target,
    Workload,
)

START = datetime(2026, 3, 3, 10, tzinfo=UTC)
RATE = 40  # requests a second
DEPLOYMENT = Ref(api_version="apps/v1", kind="Deployment", namespace="models", name="fraud")
IMAGE = "/spec/template/spec/containers/0/image"


def seconds(n):
    return timedelta(seconds=n)


def moment(n):
    return START + seconds(n)


def check(name, role, kind, **fields):
    bounds = {key: fields.pop(key) for key in ("min", "max") if key in fields}
    fields = {"unit": "share"} | fields
    return Check(name=name, role=role, probe={"kind": kind}, holds=Bounds(**bounds), **fields)


def within(clock, limit):
    return Check(name=f"{clock} in time", role=Role.EXPECT, clock=clock, within=seconds(limit))


ERRORS = check("errors", Role.STEADY, "error-rate", decision=EProcess(), max=0.05)
CORRECT = check("correct", Role.STEADY, "agreement", decision=EProcess(), min=0.95)
SERVING = check("serving", Role.STEADY, "revision", tells=ClockName.ROLLBACK, min=0.99)
LATENCY = check("p99", Role.STEADY, "latency", unit="seconds", decision=KOfN(k=2, n=3), max=0.2)
FELT = check("release felt", Role.EFFECT, "revision", max=0.9)
OVERALL = check("correct over the run", Role.EXPECT, "agreement", over=Span.RUN, min=0.9)
ABORT = check("not all wrong", Role.ABORT, "agreement", decision=KOfN(k=3, n=3), min=0.1)
PROMISES = (within(ClockName.DETECT, 30), within(ClockName.ROLLBACK, 60), within(ClockName.RECOVER, 90))
TARGET = Target(context="staging", workload=DEPLOYMENT, service="fraud", model="fraud", rollback="watchdog")
RELEASE = Entry(
    id="release", at=seconds(5), hold=seconds(180), fault={"kind": "release", "image": "fraud:2.4"}
)
CHECKS = (ERRORS, CORRECT, SERVING, LATENCY, OVERALL, ABORT, *PROMISES)
PLAN = (Patch(ref=DEPLOYMENT, edits=(Edit(path=IMAGE, before="fraud:2.3", after="fraud:2.4"),)),)


def script(**changes):
    fields = {
        "playbook": "bad-release",
        "digest": "sha256:6f1c0e5b",
        "summary": "A release that answers wrongly is rolled back before users notice.",
        "hypothesis": "The stable revision serves again within 60 s of the first wrong answer.",
        "target": TARGET,
        "parameters": {"image": "fraud:2.4"},
        "workload": Workload(requests={"corpus": "golden"}, arrival={"process": "poisson", "rate": RATE}),
        "entries": (RELEASE,),
        "checks": CHECKS,
        "seed": 7,
        "stable_for": seconds(5),
    }
    return Script(**fields | changes)


def at(kind, when, /, **fields):
    return kind(at=moment(when), **fields)


def started(**changes):
    images = ("fraud:2.3@sha256:93ab",)
    return at(events.Started, 0, run="7f3k", script=script(**changes), version="0.1.0", images=images)


def counts(name, when, bad, n=RATE, **fields):
    fields |= {"complement": True} if name.startswith(("correct", "serving", "not all", "release")) else {}
    if bad and name == "correct":
        fields |= {"first_bad": moment(when - 0.9), "last_bad": moment(when - 0.1)}
    reading = Counts(bad=bad, n=n, start=moment(when - 1), end=moment(when), **fields)
    return at(events.Measured, when, check=name, reading=reading)


def level(name, when, value):
    reading = Level(value=value, start=moment(when - 1), end=moment(when), n=RATE)
    return at(events.Measured, when, check=name, reading=reading)


def blind(name, when, why="nobody answered"):
    return at(events.Measured, when, check=name, reading=None, why=why)


def second(when, wrong=0, failed=0, slow=0.0):
    """What the steady state's checks read in one second."""
    return [
        counts("errors", when, failed),
        counts("correct", when, wrong),
        counts("serving", when, wrong),
        level("p99", when, 0.041 + slow),
    ]


def readings(first, last, **fields):
    return [event for when in range(first, last) for event in second(when, **fields)]


def during(first, last, wrong):
    """The expectations' and abort checks' readings besides."""
    return [
        event
        for when in range(first, last)
        for event in (
            *second(when, wrong=wrong),
            counts("correct over the run", when, wrong),
            counts("not all wrong", when, wrong),
        )
    ]


STEADY = readings(1, 13)
OPENED = at(events.Opened, 13)
INJECTED = [
    at(events.Planned, 18, entry="release", plan=PLAN, effect=FELT, reaction=True),
    at(events.Applying, 18, entry="release", deadline=moment(213)),
    at(events.Applied, 19, entry="release"),
]
FELT_IT = counts("release felt", 23, 13)
CAUGHT = at(
    events.Noticed,
    38,
    by="watchdog",
    what="agreement 91 % < 99 %: rolled back to revision 3",
    when=moment(37.5),
)
RESTORED = at(events.Restored, 41, entry="release", by="watchdog")
REVERTED = [
    at(events.Reverting, 75, entry="release", why="restored by watchdog, and every clock is decided"),
    at(events.Reverted, 76, entry="release", outcomes=(Outcome.ALREADY_BACK,), by="watchdog"),
    at(events.Closed, 76),
]
CERTIFIED = [*readings(77, 90), at(events.Finished, 90)]


def passed():
    return [
        started(),
        *STEADY,
        OPENED,
        *during(14, 18, 0),
        *INJECTED,
        *during(20, 23, 0),
        FELT_IT,
        *during(23, 38, 5),
        CAUGHT,
        *during(39, 41, 4),
        RESTORED,
        *during(41, 75, 0),
        *REVERTED,
        *CERTIFIED,
    ]


def failed():
    """Nobody rolls it back; our own undo is not credited."""
    return [
        started(target=TARGET.model_copy(update={"rollback": "none"})),
        *STEADY,
        OPENED,
        *INJECTED,
        *during(20, 23, 0),
        FELT_IT,
        *during(23, 118, 9),
        at(events.Reverting, 118, entry="release", why="the hold is over"),
        at(events.RevertFailed, 118, entry="release", why="no answer"),
        at(events.Reverted, 119, entry="release", outcomes=(Outcome.UNDONE,)),
        at(events.Closed, 119),
        *readings(120, 134),
        at(events.Finished, 134),
    ]


def aborted():
    return [
        started(),
        *STEADY,
        OPENED,
        *INJECTED,
        *during(20, 22, 2),
        at(events.Stopped, 22, why="SIGINT: a person pressed Ctrl-C"),
        at(events.Reverting, 22, entry="release", why="SIGINT: a person pressed Ctrl-C"),
        at(events.Superseded, 23, entry="release", outcomes=(Outcome.SUPERSEDED,)),
        at(events.Closed, 23),
        *CERTIFIED,
    ]


def inconclusive():
    """Nobody felt it, one probe was blind, and the driver of the traffic fell over once."""
    return [
        started(checks=CHECKS[:-3]),
        *STEADY,
        OPENED,
        *INJECTED,
        counts("release felt", 20, 0),
        at(events.Trouble, 21, what="play", why="connection refused"),
        *during(30, 33, 0),
        *(blind("p99", 33 + n) for n in range(3)),
        *during(40, 60, 0),
        at(events.EffectLost, 60, entry="release", why="somebody put it back"),
        at(events.Reverted, 61, entry="release", outcomes=(Outcome.ALREADY_BACK,)),
        at(events.Closed, 61),
        at(events.Finished, 121),
    ]


def refused():
    reasons = ("the target is not settled: 2 of 3 replicas are ready", "namespace models has not opted in")
    return [at(events.Refused, 0, run="7f3k", script=script(), version="0.1.0", reasons=reasons)]


def crashed():
    """The process died in the hold and nobody has finished its journal."""
    return [started(), *STEADY, OPENED, *INJECTED, *during(20, 26, 5)]


def stuck():
    """Taken over by another process, which could not undo it."""
    tries = [at(events.RevertFailed, 31 + n, entry="release", why="403: forbidden") for n in range(8)]
    return [
        *crashed(),
        at(events.Resumed, 30),
        at(events.Reverting, 30, entry="release", why="the run was interrupted"),
        *tries,
        at(events.GaveUp, 40, entry="release", why="403: forbidden"),
        at(events.Closed, 40),
        *readings(41, 44, wrong=5),
        at(events.Finished, 101),
    ]


def not_steady():
    return [
        started(),
        *readings(1, 8, failed=20),
        at(events.Stopped, 8, why="not steady before the first fault: errors does not hold"),
        at(events.Finished, 8),
    ]


ENDINGS = {
    "passed": passed,
    "failed": failed,
    "aborted": aborted,
    "inconclusive": inconclusive,
    "refused": refused,
    "unfinished": crashed,
    "incomplete": stuck,
    "not-steady": not_steady,
}


def records(some):
    return [Record(seq, event) for seq, event in enumerate(some, 1)]
