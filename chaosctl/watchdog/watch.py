"""Why: trust what was seen to hold, and undo what does not.

Rules:

1. Only a revision that was certified is ever restored, and only away from another one.
2. It writes the pod template and nothing else, on the version of the Deployment that it has read.
3. What it cannot or may not do is said once for each revision; what it may not do yet is tried again.
"""

import asyncio
import hashlib
import json
from datetime import datetime
from typing import TypedDict, cast

import structlog

from chaosctl.changes import at_version, look
from chaosctl.errors import Conflict, Lost, Refused
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Answers
from chaosctl.spec import Target, TargetView
from chaosctl.targets import look as look_at
from chaosctl.targets.deployment import REVISION
from chaosctl.targets.fields import text, uid
from chaosctl.watchdog.drills import drill_on
from chaosctl.watchdog.events import (
    AnyEvent,
    Certified,
    Failing,
    Helpless,
    Revision,
    RollbackFinished,
    RollbackRefused,
    RollbackStarted,
)
from chaosctl.watchdog.evidence import Trial
from chaosctl.watchdog.memory import Memory, too_many
from chaosctl.watchdog.rules import Rules
from chaosctl.watchdog.symptoms import symptom
from chaosctl.watchdog.world import World

TEMPLATE = "/spec/template"
TRIES = 4  # controllers write the status of a Deployment that fails all the time
log = structlog.get_logger(__name__)


class _Here(TypedDict):
    at: datetime
    workload: Ref


class Watch:
    """One Deployment under one set of rules."""

    def __init__(self, target: Target, rules: Rules, memory: Memory, world: World) -> None:
        self.target = target
        self.rules = rules
        self.memory = memory
        self.world = world
        self._trial: Trial | None = None
        self._unanswered: RollbackStarted | None = None

    @property
    def ref(self) -> Ref:
        return self.target.workload

    async def look(self, answers: Answers) -> None:
        """Look once, and act upon it. Raises ClusterError."""
        view = await look_at(self.target, self.world.cluster)
        trial = self._on_trial(view)
        await self._follow_up(trial, view)
        ailment = await symptom(
            view, self.rules.objectives, self.world.cluster, is_new=not self._is_certified(trial)
        )
        if ailment:
            trial.doubt()
        else:
            await self._listen(trial, view, answers)
        await self._act(trial, view, ailment)

    async def _act(self, trial: Trial, view: TargetView, ailment: str) -> None:
        why = ailment or trial.alarm
        if why and not trial.failing:
            trial.fail(why)
            await self._say(Failing(**self._here(), revision=str(trial.revision), why=why), view.workload)
        if trial.proven:
            await self._certify(trial, view)
        elif why:
            await self._react(trial, view, why)

    # --- what is on trial

    def _on_trial(self, view: TargetView) -> Trial:
        """The trial of the current revision; a new one for a new revision."""
        revision = _revision(view)
        if self._trial is None or not _same(self._trial.revision, revision):
            self._trial = Trial(revision, self.rules.objectives, self.world.settings, self._now())
        self._trial.revision = revision
        return self._trial

    def _is_certified(self, trial: Trial) -> bool:
        certified = self.memory.certified
        return certified is not None and _same(certified, trial.revision)

    def _predecessor(self, trial: Trial) -> Revision | None:
        """The certified revision that the one on trial came after."""
        certified = self.memory.certified
        is_ours = certified is not None and certified.uid == trial.revision.uid
        return certified if is_ours and not self._is_certified(trial) else None

    async def _follow_up(self, trial: Trial, view: TargetView) -> None:
        """See what became of a rollback."""
        if not self._is_certified(trial):
            self.memory.rolling = None
            return
        if self._unanswered:
            started, self._unanswered = self._unanswered, None
            await self._say(started, view.workload)
        if self.memory.rolling and view.settled:
            await self._say(RollbackFinished(**self._here(), to=self.memory.rolling.to), view.workload)

    # --- evidence

    async def _listen(self, trial: Trial, view: TargetView, answers: Answers) -> None:
        """Take the answers since the last look. A revision that never stood is not blamed for silence."""
        end = self._now()
        try:
            async with asyncio.timeout(self.world.settings.settle_within.total_seconds()):
                await answers.settled(end)
        except TimeoutError:
            log.warning("its answers do not settle", workload=str(self.ref))
            return
        predecessor = self._predecessor(trial)
        trusted = predecessor.versions if predecessor else None
        if view.settled or predecessor:
            trial.hear(answers, end, trusted)
        if view.settled and trial.settled and not trial.is_mixed(answers, end, trusted or ()):
            trial.prove(answers, end)
        else:
            trial.doubt()
        trial.until, trial.settled = end, view.settled

    async def _certify(self, trial: Trial, view: TargetView) -> None:
        revision = trial.revision.model_copy(update={"versions": trial.versions})
        known = self.memory.certified
        is_news = known is None or not _same(known, revision) or known.number != revision.number
        if is_news or trial.failing:
            await self._say(Certified(**self._here(), revision=revision), view.workload)
        if trial.failing:
            self._trial = None  # it recovered by itself: what comes now is judged afresh

    # --- reaction

    async def _react(self, trial: Trial, view: TargetView, why: str) -> None:
        certified = self._predecessor(trial)
        if certified is None:
            await self._tell_helpless(trial, view, why)
            return
        drill = await drill_on(self.ref, self.world.cluster)
        obstacle = self._obstacle(view, drill) or await self._roll_back(trial, certified, why, drill)
        if obstacle:
            name = str(trial.revision)
            refused = RollbackRefused(**self._here(), revision=name, why=why, obstacle=obstacle)
            await self._say_once(trial, refused, view)

    def _obstacle(self, view: TargetView, drill: str) -> str:
        if look(view.workload, "/spec/paused") is True:
            return "its rollout is paused"
        return too_many(self.memory.rollbacks, drill, self.rules.limits, self._now())

    async def _tell_helpless(self, trial: Trial, view: TargetView, why: str) -> None:
        obstacle = "there is no other revision that was certified"
        if self._is_certified(trial):
            obstacle = "it is the certified revision itself"
        helpless = Helpless(**self._here(), revision=str(trial.revision), why=why, obstacle=obstacle)
        await self._say_once(trial, helpless, view)

    async def _roll_back(self, trial: Trial, certified: Revision, why: str, drill: str) -> str:
        """Restore the certified template, unless somebody changed the failing one. Says what is in the way.

        Raises ClusterError.
        """
        names = {"away_from": str(trial.revision), "to": str(certified)}
        started = RollbackStarted(**self._here(), **names, why=why, drill=drill)
        for _ in range(TRIES):
            workload = await self.world.cluster.get(self.ref)
            if _digest(workload) != trial.revision.digest or uid(workload) != trial.revision.uid:
                return ""
            if await self._restore(certified, workload, started):
                await self._say(started, workload)
                return ""
        return "the cluster does not take the certified template"

    async def _restore(self, certified: Revision, workload: Json, started: RollbackStarted) -> bool:
        restored = Op(op="replace", path=TEMPLATE, value=certified.template)
        try:
            await self.world.cluster.patch(self.ref, (at_version(workload), restored))
        except Lost:
            self._unanswered = started  # the next look tells whether it arrived
            raise
        except (Conflict, Refused) as error:  # a failed `test` is refused as what is not valid is
            log.info("the certified template was not taken", workload=str(self.ref), error=str(error))
            return False
        self._unanswered = None
        return True

    # --- telling

    async def _say(self, event: AnyEvent, workload: Json) -> None:
        self.memory.learn(event)
        await self.world.voice.say(event, workload)

    async def _say_once(self, trial: Trial, event: Helpless | RollbackRefused, view: TargetView) -> None:
        if event.obstacle not in trial.told:
            trial.told.add(event.obstacle)
            await self._say(event, view.workload)

    def _here(self) -> _Here:
        return {"at": self._now(), "workload": self.ref}

    def _now(self) -> datetime:
        return self.world.clock.now()


def _revision(view: TargetView) -> Revision:
    return Revision(
        uid=uid(view.workload),
        digest=_digest(view.workload),
        hash=view.revision,
        number=text(view.workload, REVISION),
        template=cast("Json", look(view.workload, TEMPLATE)),
    )


def _digest(workload: Json) -> str:
    template = json.dumps(look(workload, TEMPLATE), sort_keys=True)
    return hashlib.sha256(template.encode()).hexdigest()


def _same(one: Revision, other: Revision) -> bool:
    return (one.uid, one.digest) == (other.uid, other.digest)
