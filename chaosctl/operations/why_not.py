"""Why: "it did not run" is what people ask every scheduler about; all reasons belong in one answer.

What the cluster says is of now. Windows and schedule can be asked about any time, past or to come.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime

from chaosctl.calendars.schedule import Firing, Timed, coming, next_open
from chaosctl.calendars.windows import ALWAYS, Calendar
from chaosctl.engine.guards import Guarding
from chaosctl.errors import ChaosError
from chaosctl.model import Json
from chaosctl.operations.connect import connected
from chaosctl.operations.order import Access
from chaosctl.operations.perform import World
from chaosctl.operations.plan import PREVIEW, inspect
from chaosctl.operations.timing import Subject, in_file, in_namespace, moment_in
from chaosctl.report.text import clean
from chaosctl.spec.zones import zone

WINDOWS, SCHEDULE = "inside its windows", "schedule"
LONGEST_REASON = 600


@dataclass(frozen=True)
class Reason:
    """One thing that stands in the way. `playbook` is empty where it is about the whole drill."""

    playbook: str
    guard: str
    refusal: str

    def __str__(self) -> str:
        about = f"{self.playbook}: " if self.playbook else ""
        return f"{about}{self.guard}: {clean(self.refusal, LONGEST_REASON)}"


@dataclass(frozen=True)
class Answer:
    """Why a drill does not run at a time, when its windows let it, and when its schedule runs it."""

    subject: Subject
    at: datetime
    reasons: tuple[Reason, ...]
    possible: datetime | None
    next: Firing | None

    def as_text(self) -> str:
        return "\n".join(_lines(self))

    def as_json(self) -> Json:
        return {
            "drill": self.subject.name,
            "target": str(self.subject.scripts[0].target),
            "at": self.at.isoformat(),
            "wouldRun": not self.reasons,
            "reasons": [
                {"playbook": one.playbook, "guard": one.guard, "refusal": one.refusal} for one in self.reasons
            ],
            "nextPossible": self.possible.isoformat() if self.possible else None,
            "nextRun": {"run": self.next.name, "starts": self.next.at.isoformat()} if self.next else None,
        }


async def why_not(name: str, namespace: str, at: str, access: Access, guardian: str) -> Answer:
    """Everything that keeps a drill in a file, or a Drill object of a namespace, from running at a time.

    `at` "" is now. Raises Invalid, Lost.
    """
    here = None if namespace else in_file(name)  # what is wrong with a file needs no cluster
    async with connected(access) as world:
        subject = here or await in_namespace(name, namespace, world.cluster)
        asked = moment_in(at, subject.timezone, "--at") if at else None
        return await answer(subject, asked, world, Guarding(guardian))


async def answer(subject: Subject, asked: datetime | None, world: World, guarding: Guarding) -> Answer:
    """The same on a cluster that is connected; `asked` is None for now."""
    calendar, blind = await _calendar(subject, world)
    at_cluster = [reason async for reason in _of_the_guards(subject, world, guarding)]
    now = world.clock.now()
    when = asked or now
    drill = subject.timed(calendar, min(when, now))
    return Answer(
        subject=subject,
        at=when,
        reasons=(
            *blind,
            *_of_the_windows(calendar, when, subject),
            *_of_the_schedule(drill, asked),
            *at_cluster,
        ),
        possible=None if blind else calendar.opening(max(when, now), subject.lasts),
        next=next_open(drill, max(when, now)) if drill and not drill.suspend and not blind else None,
    )


async def _calendar(subject: Subject, world: World) -> tuple[Calendar, tuple[Reason, ...]]:
    try:
        return await subject.calendar(world.cluster), ()
    except ChaosError as error:
        return ALWAYS, (Reason("", WINDOWS, f"cannot be checked: {error}"),)


def _of_the_windows(calendar: Calendar, at: datetime, subject: Subject) -> Iterator[Reason]:
    refusal = calendar.refusal(at, subject.lasts)
    if refusal is not None:
        yield Reason("", WINDOWS, refusal)


def _of_the_schedule(drill: Timed | None, asked: datetime | None) -> Iterator[Reason]:
    if drill is None:
        if asked is not None:
            yield Reason("", SCHEDULE, "it has none; it runs when somebody runs it")
        return
    if drill.suspend:
        yield Reason(
            "", SCHEDULE, "suspended; set spec.suspend to false, and what it slept over stays undone"
        )
    if asked is None:
        return
    deadline = drill.schedule.starting_deadline
    near = next(coming(drill, asked - deadline))
    if near.scheduled > asked:
        local = near.scheduled.astimezone(zone(drill.schedule.timezone))
        why = f"{drill.schedule} does not come then; the next time is {local:%a %Y-%m-%d %H:%M %Z}"
        yield Reason("", SCHEDULE, why)


async def _of_the_guards(subject: Subject, world: World, guarding: Guarding) -> AsyncIterator[Reason]:
    """What the cluster says of each playbook; the windows are asked about the time in question instead."""
    for script in subject.scripts:
        look = await inspect(script, world, PREVIEW, guarding)
        for found in look.findings:
            if found.refusal is not None and found.guard != WINDOWS:
                yield Reason(script.playbook, found.guard, found.refusal)


def _lines(answer: Answer) -> Iterator[str]:
    subject, where = answer.subject, zone(answer.subject.timezone)
    shown = f"{answer.at.astimezone(where):%a %Y-%m-%d %H:%M %Z}"
    yield f"{subject.name} on {subject.scripts[0].target}, {shown}"
    for reason in answer.reasons:
        yield f"  ✗ {reason}"
    if not answer.reasons:
        yield "  ✓ nothing keeps it from running"
    if answer.reasons and answer.possible is not None:
        yield f"Its windows let it run: {answer.possible.astimezone(where):%a %Y-%m-%d %H:%M %Z}"
    if answer.next is not None:
        local = answer.next.at.astimezone(zone(subject.drill.spec.timezone))
        yield f"Its schedule runs it next: {local:%a %Y-%m-%d %H:%M:%S %Z}, as {answer.next.name}"
