"""Why: whoever tries chaosctl for the first time should see the whole job once, on their own machine."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from chaosctl.operations.guest import guest
from chaosctl.operations.interrupts import interrupts
from chaosctl.operations.order import SAMPLE, Access, Order, order
from chaosctl.operations.run import Done, run_all
from chaosctl.operations.sandbox import down, status, up
from chaosctl.operations.viewing import Outcome, Viewer

PLAYBOOKS = ("pod-kill", "latency", "crash-release", "wrong-release")
ABORTED = 3
Say = Callable[[str], None]


async def demo(access: Access, viewer: Viewer, say: Say) -> int:
    """Run the demonstration; the worst exit code of its runs. Raises Invalid, ClusterError."""
    began = time.monotonic()
    showing = asyncio.ensure_future(_show(access, viewer, say))

    def stop(why: str) -> None:
        showing.cancel(why)

    with interrupts(stop):
        try:
            done = await showing
        except asyncio.CancelledError:
            say("interrupted")
            return ABORTED
    for line in _summary(done.outcomes, time.monotonic() - began):
        say(line)
    return done.exit_code


async def _show(access: Access, viewer: Viewer, say: Say) -> Done:
    async with _stage(access, say):
        return await run_all(_drills(access), viewer)


def _stage(access: Access, say: Say) -> AbstractAsyncContextManager[None]:
    return _sandbox(say) if access.sandbox else guest(access, say)


@asynccontextmanager
async def _sandbox(say: Say) -> AsyncIterator[None]:
    """The one that is up, or one that lasts as long as this block."""
    was_up = status().is_up
    say("starting a small Kubernetes on this machine, with a model to break (no container, no cloud)")
    try:
        say(f"{up(owner=os.getpid()).as_text()}\n")  # one that is killed leaves nothing either
        yield
    finally:
        if not was_up:
            down()
    say(f"the sandbox {'is up, as it was before' if was_up else 'is gone again'}")


def _drills(access: Access) -> Order:
    each = [order(name, SAMPLE, (), access, "auto", None) for name in PLAYBOOKS]
    return replace(each[0], scripts=tuple(script for one in each for script in one.scripts))


def _summary(outcomes: Sequence[Outcome], seconds: float) -> list[str]:
    lines = [f"{len(outcomes)} drills in {seconds:.0f} s. Post-mortems:"]
    for outcome in outcomes:
        page = next((path for path in outcome.files if path.suffix == ".html"), "")
        lines.append(f"  {outcome.verdict.result:<13} {outcome.state.plot.playbook:<15} {page}")
    return [*lines, "Next: chaosctl runs show RUN, chaosctl sandbox up, docs/tutorial.md"]
