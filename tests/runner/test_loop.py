"""Why: the loop promises few things, and every run rests on them."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from chaosctl.engine import events
from chaosctl.engine.decide import Apply, Keep, Prepare, Revert
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.errors import Lost
from chaosctl.runner import run
from chaosctl.spec import Entry, Script, Target
from chaosctl.testing import FakeClock, deployment_ref, in_virtual_time

LONG = 5  # seconds that a write takes


def script(*names):
    fault = {"kind": "noop"}
    entries = tuple(Entry(id=name, at=timedelta(), hold=timedelta(seconds=10), fault=fault) for name in names)
    return Script(playbook="loop", target=Target(workload=deployment_ref("ranker")), entries=entries)


@dataclass
class Doing:
    """Does every activity, writes slowly, and notes when what began, ended or was cancelled."""

    clock: FakeClock = field(default_factory=FakeClock)
    notes: list = field(default_factory=list)

    async def __call__(self, activity, state):  # noqa: ARG002 - the shape of a performer
        self.notes.append(("began", activity))
        try:
            event = await self._do(activity)
        except asyncio.CancelledError:
            self.notes.append(("cancelled", activity))
            raise
        self.notes.append(("ended", activity))
        return event

    async def _do(self, activity):
        if isinstance(activity, Apply | Revert):
            await asyncio.sleep(LONG)
        name, now = getattr(activity, "entry", None), self.clock.now()
        match activity:
            case Prepare():
                return events.Planned(at=now, entry=name, plan=())
            case Apply():
                return events.Applied(at=self.clock.now(), entry=name)
            case Revert():
                return events.Reverted(at=self.clock.now(), entry=name, outcomes=())
        return await asyncio.Event().wait()


class Lines(list):
    """A journal in memory; the disk is full from the `broken`-th event on."""

    broken = 10_000

    def append(self, event):
        if len(self) >= self.broken:
            raise OSError("no space left")
        super().append(event)


async def played(doing, journal, *names, stops_at=None):
    """Run entries of these names; say which tasks are left."""
    inbox, clock = asyncio.Queue(), doing.clock
    if stops_at is not None:
        stop = events.Stopped(at=clock.now() + timedelta(seconds=stops_at), why="a person")
        asyncio.get_running_loop().call_later(stops_at, inbox.put_nowait, stop)
    started = events.Started(at=clock.now(), run="r1", script=script(*names))
    await run(evolve(State(), started), journal, doing, inbox, clock)
    await asyncio.sleep(0)
    return asyncio.all_tasks() - {asyncio.current_task()}


def test_a_write_that_is_under_way_comes_to_its_end_before_its_undo_begins():
    doing = Doing()
    in_virtual_time(played(doing, Lines(), "a", stops_at=2))

    writes = [note for note in doing.notes if isinstance(note[1], Apply | Revert)]
    assert writes == [
        ("began", Apply("a")),
        ("ended", Apply("a")),
        ("began", Revert("a", 0)),
        ("ended", Revert("a", 0)),
    ]


def test_what_is_no_longer_wanted_and_writes_nothing_is_cancelled():
    doing = Doing()
    in_virtual_time(played(doing, Lines(), "a", stops_at=8))

    assert ("cancelled", Keep("a")) in doing.notes


def test_a_run_whose_journal_fails_still_lets_its_writes_come_to_their_end():
    doing, journal = Doing(), Lines()
    journal.broken = 5  # opened, two plans, two applying: the fault of the first is acknowledged to nobody

    with pytest.raises(OSError, match="no space"):
        in_virtual_time(played(doing, journal, "a", "b", stops_at=2))

    assert {note for note in doing.notes if isinstance(note[1], Apply)} == {
        (what, Apply(name)) for what in ("began", "ended") for name in ("a", "b")
    }


def test_what_is_wanted_at_once_begins_in_one_order_so_that_seeds_repeat():
    doing, names = Doing(), [f"entry-{number}" for number in range(8)]
    in_virtual_time(played(doing, Lines(), *reversed(names)))

    begun = [
        activity.entry for what, activity in doing.notes if isinstance(activity, Prepare) and what == "began"
    ]
    assert begun == names


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Lost("no answer from the API server"), "no answer from the API server"),
        (KeyError("x"), "KeyError('x')"),
    ],
)
def test_a_failure_is_told_in_its_own_words_and_a_bug_by_its_class(error, why):
    class Failing(Doing):
        async def _do(self, activity):
            if isinstance(activity, Prepare):
                raise error
            return await super()._do(activity)

    journal = Lines()
    in_virtual_time(played(Failing(), journal, "a"))

    assert [event.why for event in journal if isinstance(event, events.Skipped)] == [why]


def test_nothing_goes_on_after_a_run():
    assert in_virtual_time(played(Doing(), Lines(), "a", "b", stops_at=8)) == set()
