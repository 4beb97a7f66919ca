"""Why: whoever sees that a drill does harm must be able to stop it, from another terminal, for everybody."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from chaosctl.changes import forward, look, patch
from chaosctl.errors import ChaosError, Invalid
from chaosctl.model import Json, Ref
from chaosctl.operations.connect import connected
from chaosctl.operations.home import home
from chaosctl.operations.order import Access
from chaosctl.ports import Reader
from chaosctl.store import DONE, Store

DRILLS = "chaosctl.dev/drills"
LABEL = f"/metadata/labels/{DRILLS.replace('/', '~1')}"
HALTED, ALLOWED = "halted", "allowed"
REQUEST = "stop"
LOOK_AGAIN = 1.0


def abort(run: str, *, all_runs: bool) -> list[str]:
    """Ask runs of this machine to stop; their names. Raises Invalid, StoreError."""
    if not run and not all_runs:
        raise Invalid("name a run, or say --all; chaosctl runs lists them")
    with Store(home().store) as store:
        going = {summary.id: summary.origin for summary in store.runs() if summary.phase != DONE}
        ours = [name for name, origin in going.items() if not origin]
        names = ours if all_runs else [store.find(run)]
    if names and names[0] not in going:
        raise Invalid(f"{names[0]} has ended already")
    if names and (origin := going[names[0]]):
        space, _, name = origin.partition("/")
        raise Invalid(f"a Run asked for it, so: kubectl -n {space} delete runs.chaosctl.dev {name}")
    for name in names:
        folder = home().run(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REQUEST).write_text("a person asked for it (chaosctl abort)")
    return names


async def halt(sandbox: bool, context: str, kubeconfig: str, namespace: str, *, halted: bool) -> list[str]:  # noqa: FBT001
    """Halt drills, or allow them again, in every namespace that has opted in; their names."""
    async with connected(Access(sandbox=sandbox, context=context, kubeconfig=kubeconfig)) as world:
        found = await world.cluster.find(Ref(kind="Namespace", name=""), selector=DRILLS)
        chosen = [body for body in found if namespace in ("", look(body, "/metadata/name"))]
        for body in chosen:
            ref = Ref(kind="Namespace", name=str(look(body, "/metadata/name")))
            if look(body, LABEL) != (HALTED if halted else ALLOWED):
                await world.cluster.patch(
                    ref, forward(patch(ref, body, {LABEL: HALTED if halted else ALLOWED}))
                )
        return [str(look(body, "/metadata/name")) for body in chosen]


async def watch_for_stop(folder: Path, namespace: str, see: Reader, stop: Callable[[str], None]) -> None:
    """Tell a run when somebody asks it to stop, here or by halting its namespace. Cancelled at its end."""
    told: set[str] = set()
    while True:
        for why in (*_asked(folder), *await _halted(namespace, see)):
            if why not in told:
                told.add(why)
                stop(why)
        await asyncio.sleep(LOOK_AGAIN)


def _asked(folder: Path) -> Sequence[str]:
    try:
        return ((folder / REQUEST).read_text(),)
    except OSError:
        return ()


async def _halted(namespace: str, see: Reader) -> Sequence[str]:
    ref = Ref(kind="Namespace", name=namespace)
    try:
        body: Json = await see.get(ref)
    except ChaosError:
        return ()  # whether it is halted is not known; the run's own checks see a cluster that fails
    return (f"drills are halted in {namespace}",) if look(body, LABEL) == HALTED else ()
