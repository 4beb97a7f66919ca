"""Why: the store's tests need a run's events, and must not depend on what the engine makes of them."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from chaosctl.model import Counts, Level, Model, Reading, Ref
from chaosctl.spec import Script, Target
from chaosctl.store import Store

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class Started(Model):
    type: Literal["started"] = "started"
    at: datetime = START
    run: str = "r1"
    script: Script
    origin: str = ""


class Noted(Model):
    """Any event that is no reading."""

    type: str
    at: datetime = START
    why: str = ""


class Measured(Model):
    type: Literal["measured"] = "measured"
    at: datetime
    check: str
    reading: Reading | None
    why: str = ""


def started(run="r1", playbook="pod-kill", origin=""):
    target = Target(workload=Ref(kind="Deployment", namespace="models", name="fraud"))
    script = Script(playbook=playbook, target=target, entries=())
    return Started(run=run, script=script, origin=origin)


def second(n):
    return START + timedelta(seconds=n)


def measured(n, check="errors"):
    return Measured(at=second(n), check=check, reading=counts(n % 3, start=n))


def counts(bad, start):
    return Counts(bad=bad, n=50, start=second(start), end=second(start + 1))


def level(value, start):
    return Level(value=value, start=second(start), end=second(start + 1))


def fill(store, run="r1", readings=100):
    """A whole run: 100 readings make one full block and a part of one."""
    with store.journal(run) as journal:
        journal.append(started(run))
        journal.append(Noted(type="opened", at=second(1)))
        for n in range(readings):
            journal.append(measured(n))
        journal.append(Noted(type="closed", at=second(readings)))
        journal.append(Noted(type="finished", at=second(readings + 1)))


def place_of(text: str) -> Path | str:
    return text if "://" in text else Path(text)


def append_forever(place: str) -> None:
    """What the process that is killed does: append, and say how far it came."""
    with Store(place_of(place)) as store:
        journal = store.journal("r1")
        journal.append(started())
        n = 0
        while True:
            journal.append(measured(n) if n % 5 else Noted(type="trouble", why=str(n)))
            n += 1
            print(n, flush=True)  # noqa: T201 - the parent reads it


def append_when_told(place: str) -> None:
    """Claim the journal, then append one event for each line read; say what came of it."""
    with Store(place_of(place)) as store:
        journal = store.journal("r1")
        print("claimed", flush=True)  # noqa: T201 - the parent reads it
        for line in sys.stdin:
            try:
                journal.append(Noted(type="trouble", why=line.strip()))
                print("ok", flush=True)  # noqa: T201 - the parent reads it
            except Exception as error:  # noqa: BLE001 - the parent judges it
                print(type(error).__name__, error, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    {"forever": append_forever, "told": append_when_told}[sys.argv[1]](sys.argv[2])
