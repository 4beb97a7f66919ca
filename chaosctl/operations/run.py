"""Why: a person who runs a drill can stop it with a signal, and gets a name, a verdict and a post-mortem."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from chaosctl.engine.guards import Guarding
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import worst
from chaosctl.errors import ClusterError, Fenced, StoreError
from chaosctl.operations.conduct import Part, conduct, fenced
from chaosctl.operations.connect import connected
from chaosctl.operations.home import Home, home
from chaosctl.operations.interrupts import interrupts
from chaosctl.operations.order import Order, ReportKind
from chaosctl.operations.papers import documented, report
from chaosctl.operations.perform import World
from chaosctl.operations.plan import inspect
from chaosctl.operations.standing import guardian_for
from chaosctl.operations.viewing import Outcome, Viewer
from chaosctl.spec import Script
from chaosctl.store import Store
from chaosctl.targets import look

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
NAME_LENGTH = 6
SETTLED_WITHIN = timedelta(minutes=1)
LOOK_AGAIN = timedelta(milliseconds=250)


@dataclass(frozen=True)
class Done:
    """All the runs of an order."""

    drill: str
    outcomes: tuple[Outcome, ...]

    @property
    def exit_code(self) -> int:
        return worst([outcome.verdict.exit_code for outcome in self.outcomes])

    def report(self, kind: ReportKind) -> str:
        return report(kind, self.drill, self.outcomes)


async def run_all(order: Order, viewer: Viewer) -> Done:
    """Run every script of an order, until one is stopped by a person. Raises Invalid, ClusterError."""
    outcomes: list[Outcome] = []
    with Store(home().store) as store:
        async with connected(order.access, viewer.say) as world:
            for script in order.scripts:
                if outcomes:
                    await _settled(script, world)
                outcomes.append(await run_one(script, world, store, viewer, order.guarding))
                if outcomes[-1].state.stops or outcomes[-1].interrupted:
                    break
    return Done(order.drill, tuple(outcomes))


async def _settled(script: Script, world: World) -> None:
    """Wait until what the run before has put back is rolled out; if it never is, the guards say so."""
    end = world.clock.now() + SETTLED_WITHIN
    with suppress(ClusterError):
        while world.clock.now() < end and not (await look(script.target, world.cluster)).settled:
            await world.clock.sleep_until(world.clock.now() + LOOK_AGAIN)


async def run_one(script: Script, world: World, store: Store, viewer: Viewer, guarding: Guarding) -> Outcome:
    """One run, from the guards to the post-mortem."""
    name = _name(store)
    seen = await inspect(script, world, name, guarding)
    guardian = guardian_for(seen, name, world)
    part = Part(name, seen.script, world, seen.facts.guarded, guardian, warnings=seen.warnings)
    with interrupts(part.stop):
        try:
            outcome = await conduct(part, seen.refusals, store, viewer)
            outcome = written(outcome, store, home())
        except Fenced as error:
            outcome = fenced(part.name, error)
    viewer.ended(outcome)
    return outcome._replace(interrupted=outcome.interrupted or not part.inbox.empty())


def written(outcome: Outcome, store: Store, place: Home) -> Outcome:
    """The outcome with its post-mortem; a post-mortem that cannot be written does not change a verdict."""
    if outcome.state.phase is Phase.NEW:
        return outcome  # not even its start could be journalled: there is nothing to tell, now or later
    try:
        return documented(outcome, store, place.run(outcome.run))
    except (OSError, StoreError) as error:
        later = f"later: chaosctl postmortem render {outcome.run}"
        return outcome._replace(
            note=outcome.note or f"the post-mortem could not be written ({error}); {later}"
        )


def _name(store: Store) -> str:
    taken = {summary.id for summary in store.runs()}
    while (name := "".join(secrets.choice(LETTERS) for _ in range(NAME_LENGTH))) in taken:
        pass
    return name
