"""Why: whoever asks for a run's documents gets them from the journal, by one way, in any format."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from chaosctl.engine.events import parse
from chaosctl.operations.viewing import Outcome
from chaosctl.report import Chain, Document, Record, compose, data, html, junit, markdown
from chaosctl.report.terminal import ending
from chaosctl.store import Store

NAME = "postmortem"


def document(run: str, store: Store) -> Document:
    """The post-mortem of a run, with its chain checked. Raises StoreError, Invalid."""
    proof = store.verify(run)
    records = [Record(one.seq, parse(one.event)) for one in store.records(run)]
    return compose(records, Chain(proof.head, proof.intact, proof.fault))


def documented(
    outcome: Outcome, store: Store, folder: Path, formats: Sequence[str] = ("md", "html")
) -> Outcome:
    """The outcome with its post-mortem, written; what people wrote into an earlier one stays.

    Raises OSError, StoreError.
    """
    made = document(outcome.run, store)
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{NAME}.md"
    earlier = own.read_text(encoding="utf-8") if own.exists() else ""
    render = {"md": markdown, "html": html}
    files = tuple(_written(folder / f"{NAME}.{kind}", render[kind](made, earlier)) for kind in formats)
    return outcome._replace(document=made, files=files)


def report(kind: str, drill: str, outcomes: Sequence[Outcome]) -> str:
    """All runs of an order that have a document, as "json", "junit" or "text"."""
    made = [(outcome.document, _paths(outcome)) for outcome in outcomes if outcome.document]
    if kind == "junit":
        return junit(one for one, _ in made)
    if kind == "text":
        return "\n\n".join("\n".join(ending(one, paths)) for one, paths in made)
    runs: list[JsonValue] = [data(one, paths) for one, paths in made]
    return json.dumps({"drill": drill, "runs": runs} if drill or len(runs) != 1 else runs[0], indent=2)


def summary(outcome: Outcome) -> tuple[str, ...]:
    """The last lines of a run on a terminal."""
    if outcome.document is None:
        return (f"{outcome.verdict.result.upper()}  {'; '.join(outcome.verdict.why)}",)
    return ending(outcome.document, _paths(outcome))


def _paths(outcome: Outcome) -> dict[str, str]:
    return {path.suffix.lstrip("."): str(path) for path in outcome.files}


def _written(path: Path, text: str) -> Path:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    return draft.replace(path)
