"""Why: one script and one way to fold events serve all the tests of the engine."""

from datetime import timedelta
from functools import reduce

from chaosctl.engine import events
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.model import Counts, Level
from chaosctl.spec import Bounds, Check, ClockName, Entry, EProcess, KOfN, Role, Script, Target, Workload
from chaosctl.testing import EPOCH, deployment_ref

READY = {"kind": "ready-replicas"}
ERRORS = {"kind": "error-rate"}
SERVING = {"kind": "revision"}


def seconds(number):
    return timedelta(seconds=number)


def moment(number):
    return EPOCH + seconds(number)


def check(name, role, probe=READY, decision=None, **bounds):
    others = {key: bounds.pop(key) for key in ("lasting", "over", "tells") if key in bounds}
    return Check(
        name=name, probe=probe, holds=Bounds(**bounds), role=role, decision=decision or KOfN(), **others
    )


def entry(name, at, hold=5, **fields):
    return Entry(id=name, at=seconds(at), hold=seconds(hold), fault={"kind": "scale-down"}, **fields)


STEADY = check("all ready", Role.STEADY, decision=KOfN(k=1, n=3), min=3)
ERROR_RATE = check("errors", Role.STEADY, ERRORS, EProcess(), max=0.01)
SERVED = check("serving", Role.STEADY, SERVING, KOfN(k=1, n=1), min=0.99, tells=ClockName.ROLLBACK)
BITES = check("bites", Role.EFFECT, max=2)


def script(*checks, entries=None, **fields):
    fields.setdefault("stable_for", timedelta())  # those that are about it say so
    return Script(
        playbook="example",
        target=Target(workload=deployment_ref("ranker")),
        entries=entries or (entry("scale", 0), entry("release", 1)),
        checks=checks or (STEADY,),
        **fields,
    )


def within(clock, limit):
    return Check(name=f"{clock} in time", role=Role.EXPECT, clock=clock, within=seconds(limit))


WORKLOAD = Workload(requests={"corpus": "golden"}, arrival={"process": "poisson", "rate": 50})


def fold(*some, of=None):
    started = events.Started(at=EPOCH, run="r", script=of or script())
    return reduce(evolve, some, evolve(State(), started))


def at(kind, when=0, **fields):
    return kind(at=moment(when), **fields)


def level(name, value, when=1):
    reading = None if value is None else Level(value=value, start=moment(when - 1), end=moment(when))
    return at(events.Measured, when, check=name, reading=reading)


def counts(name, bad, n, when=1, **fields):
    reading = Counts(bad=bad, n=n, start=moment(when - 1), end=moment(when), **fields)
    return at(events.Measured, when, check=name, reading=reading)


def applied(name="scale", when=0, plan=(), **fields):
    return [
        at(events.Planned, when, entry=name, plan=plan, **fields),
        at(events.Applying, when, entry=name, deadline=moment(when + 99)),
        at(events.Applied, when, entry=name),
    ]


def over(name, when=0, **fields):
    return [
        at(events.Reverting, when, entry=name),
        at(events.Reverted, when, entry=name, outcomes=(), **fields),
    ]
