"""Why: these are the facts of a run. Their order is the evidence; everything else is a fold of it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from chaosctl.changes import Outcome
from chaosctl.errors import Unreadable
from chaosctl.model import Json, Model, Plan, Reading
from chaosctl.spec import Check, Script


class Event(Model):
    at: datetime


class Started(Event):
    """Carries the whole script, so that no journal is resumed with another one.

    `process` names the process that writes, so that others can tell whether it is alive; `images` are what
    ran in the target's pods, by digest; `warnings` say what may keep a fault from being felt. `origin` is
    the Run object that asked for it (NAMESPACE/NAME) and `uid` its UID; empty where a person ran it.
    """

    type: Literal["started"] = "started"
    run: str
    script: Script
    version: str = ""
    images: tuple[str, ...] = ()
    process: str = ""
    origin: str = ""
    uid: str = ""
    warnings: tuple[str, ...] = ()


class Refused(Event):
    """A guard forbade the run before it started; nothing was touched."""

    type: Literal["refused"] = "refused"
    run: str
    script: Script
    version: str = ""
    reasons: tuple[str, ...]
    origin: str = ""
    uid: str = ""


class Resumed(Event):
    """Another process goes on with the journal; what happened in between is unknown."""

    type: Literal["resumed"] = "resumed"
    process: str = ""


class Stopped(Event):
    """A person, a guard or a signal wants the run to end."""

    type: Literal["stopped"] = "stopped"
    why: str


class Measured(Event):
    """One reading for one check; None when the probe had no data."""

    type: Literal["measured"] = "measured"
    check: str
    reading: Reading | None
    why: str = ""


class Noticed(Event):
    """Somebody other than the run saw that something is wrong: an alert, a watchdog, a person."""

    type: Literal["noticed"] = "noticed"
    by: str
    what: str
    when: datetime


class Trouble(Event):
    """Something that goes on beside the entries (the workload, listening) ended; it is started again."""

    type: Literal["trouble"] = "trouble"
    what: str
    why: str


class Opened(Event):
    """The steady state was seen; the timeline begins."""

    type: Literal["opened"] = "opened"


class Closed(Event):
    """No entry has anything left to do."""

    type: Literal["closed"] = "closed"


class Finished(Event):
    """The steady state came back, or the time for it is over."""

    type: Literal["finished"] = "finished"


class EntryEvent(Event):
    entry: str
    why: str = ""


class Planned(EntryEvent):
    """Enough to apply and to undo, before anything is touched.

    `reaction`: somebody else is expected to undo it, so our own undo must not be taken for theirs.
    """

    type: Literal["planned"] = "planned"
    plan: Plan
    effect: Check | None = None
    reaction: bool = False


class Skipped(EntryEvent):
    """Nothing was touched, and nothing will be."""

    type: Literal["skipped"] = "skipped"


class Applying(EntryEvent):
    """From here on the cluster may have been changed. Undone by `deadline`, by whomever."""

    type: Literal["applying"] = "applying"
    deadline: datetime


class Applied(EntryEvent):
    """Every write was acknowledged."""

    type: Literal["applied"] = "applied"


class ApplyFailed(EntryEvent):
    """Some write was refused, or nobody knows."""

    type: Literal["apply-failed"] = "apply-failed"


class Restored(EntryEvent):
    """The reaction under test put back every path that we had changed."""

    type: Literal["restored"] = "restored"
    by: str


class EffectLost(EntryEvent):
    """What should have lasted as long as the hold ended early."""

    type: Literal["effect-lost"] = "effect-lost"


class Reverting(EntryEvent):
    """The hold is over, or the run stops."""

    type: Literal["reverting"] = "reverting"


class Reverted(EntryEvent):
    """Everything is as before. `by`: who put it back; ourselves, unless somebody was faster."""

    type: Literal["reverted"] = "reverted"
    outcomes: tuple[Outcome, ...]
    by: str = ""


class Superseded(EntryEvent):
    """Somebody else changed what we had changed; theirs was left alone."""

    type: Literal["superseded"] = "superseded"
    outcomes: tuple[Outcome, ...]


class RevertFailed(EntryEvent):
    """Some part of it could not be undone; it is tried again, after a pause. `unheard`: nobody answered."""

    type: Literal["revert-failed"] = "revert-failed"
    unheard: bool = False


class GaveUp(EntryEvent):
    """The bounded retries are used up; a person must repair it."""

    type: Literal["gave-up"] = "gave-up"


AnyEntryEvent = (
    Planned
    | Skipped
    | Applying
    | Applied
    | ApplyFailed
    | Restored
    | EffectLost
    | Reverting
    | Reverted
    | Superseded
    | RevertFailed
    | GaveUp
)
AnyRunEvent = (
    Started | Refused | Resumed | Stopped | Measured | Noticed | Trouble | Opened | Closed | Finished
)
AnyEvent = Annotated[AnyRunEvent | AnyEntryEvent, Field(discriminator="type")]
_any: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def parse(content: Json) -> AnyEvent:
    """An event of a journal. Raises Unreadable where this version does not know it."""
    try:
        return _any.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or str(content.get("type"))
        raise Unreadable(
            f"another version of chaosctl wrote this journal ({where}: {first['msg']}); read it with that one"
        ) from error
