"""Why: a drill is worth what people learn from it, so every run can be listed, shown and proven."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from chaosctl.engine.events import parse
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import verdict
from chaosctl.errors import Invalid
from chaosctl.operations.conduct import replayed
from chaosctl.operations.home import home
from chaosctl.operations.papers import document, documented, report
from chaosctl.operations.viewing import Outcome, Viewer
from chaosctl.store import Proof, Store, verify_bundle

FORMATS = ("md", "html")
LOOK_AGAIN = 0.5


def list_all(*, as_json: bool) -> str:
    """All runs, newest first."""
    with Store(home().store) as store:
        runs = store.runs()
    if as_json:
        return json.dumps([run._asdict() for run in runs], indent=2)
    if not runs:
        return "no runs yet; chaosctl demo makes some"
    rows = [(run.id, run.playbook, run.target, run.started[:19], run.phase, run.verdict) for run in runs]
    return _table(("RUN", "PLAYBOOK", "TARGET", "STARTED", "PHASE", "VERDICT"), rows)


def show(run: str, *, as_json: bool) -> str:
    """One run, from its journal."""
    with Store(home().store) as store:
        name = store.find(run)
        outcome = _outcome(name, store)._replace(document=document(name, store))
    files = tuple(sorted(home().run(name).glob("postmortem.*")))
    return report("json" if as_json else "text", "", (outcome._replace(files=files),))


async def watch(run: str, viewer: Viewer) -> None:
    """Show a run's events until it has ended."""
    state, after = State(), 0
    with Store(home().store) as store:
        name = store.find(run)
        while state.phase is not Phase.DONE:
            for record in store.records(name, after):
                event = parse(record.event)
                state, after = evolve(state, event), record.seq
                viewer.happened(state, event)
            await asyncio.sleep(LOOK_AGAIN)
    viewer.ended(Outcome(name, state, verdict(state)))


def export(run: str, out: Path) -> Path:
    """Write the evidence of a run into one file."""
    with Store(home().store) as store:
        store.export(store.find(run), out)
    return out


def verify(path_or_run: str) -> tuple[bool, str]:
    """Whether a journal is as it was written, and what to say of it."""
    path = Path(path_or_run)
    if path.exists():
        return _said(verify_bundle(path))
    place = home().store
    if isinstance(place, Path) and not place.exists():
        raise Invalid(f"{path_or_run} is neither a file nor a run")
    with Store(place) as store:
        return _said(store.verify(store.find(path_or_run)))


def render(run: str, formats: list[str], out: Path | None) -> tuple[Path, ...]:
    """Write the post-mortem anew. Raises Invalid."""
    unknown = [one for one in formats if one not in FORMATS]
    if unknown:
        raise Invalid(f'no format is called "{unknown[0]}"; known: {", ".join(FORMATS)}')
    with Store(home().store) as store:
        name = store.find(run)
        return documented(_outcome(name, store), store, out or home().run(name), formats).files


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain columns, as kubectl prints them."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def _outcome(name: str, store: Store) -> Outcome:
    state = replayed(name, store)
    return Outcome(name, state, verdict(state))


def _said(proof: Proof) -> tuple[bool, str]:
    if not proof.intact:
        return False, f"run {proof.run}: CHANGED: {proof.fault}"
    rows = f"{proof.links} links and {proof.readings} readings"
    return True, f"run {proof.run}: intact: {rows}, head {proof.head}"
