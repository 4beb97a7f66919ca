"""Why: whoever tries chaosctl for the first time should see the whole job once, on their own machine."""

import os
import time
from collections.abc import Callable

from chaosctl.engine.verdict import worst
from chaosctl.operations.order import Access, order
from chaosctl.operations.run import run_all
from chaosctl.operations.sandbox import down, status, up
from chaosctl.operations.viewing import Outcome, Viewer

PLAYBOOKS = ("pod-kill", "latency", "crash-release", "wrong-release")


async def demo(viewer: Viewer, say: Callable[[str], None]) -> int:
    """Run the demonstration; the worst exit code of its runs."""
    began = time.monotonic()
    was_up = status().is_up
    say("starting a small Kubernetes on this machine, with a model to break (no container, no cloud)")
    state = up(owner=os.getpid())  # a demonstration that is killed leaves nothing either
    say(f"{state.as_text()}\n")
    try:
        outcomes = await _drills(viewer)
    finally:
        if not was_up:
            down()
    for line in _summary(outcomes, time.monotonic() - began, still_up=was_up):
        say(line)
    return worst([outcome.verdict.exit_code for outcome in outcomes])


async def _drills(viewer: Viewer) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for name in PLAYBOOKS:
        wanted = order(name, "", (), Access(sandbox=True), "auto", None)
        done = await run_all(wanted, viewer)
        outcomes += done.outcomes
        if any(outcome.state.stops for outcome in done.outcomes):
            break
    return outcomes


def _summary(outcomes: list[Outcome], seconds: float, *, still_up: bool) -> list[str]:
    sandbox = "is up, as it was before" if still_up else "is gone again"
    lines = [f"{len(outcomes)} drills in {seconds:.0f} s; the sandbox {sandbox}. Post-mortems:"]
    for outcome in outcomes:
        page = next((path for path in outcome.files if path.suffix == ".html"), "")
        lines.append(f"  {outcome.verdict.result:<13} {outcome.state.plot.playbook:<15} {page}")
    return [*lines, "Next: chaosctl runs show RUN, chaosctl sandbox up, docs/tutorial.md"]
