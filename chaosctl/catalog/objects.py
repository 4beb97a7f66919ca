"""Why: an object of a cluster says what a file says, but has no lines to point at, and no folder beside."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from chaosctl.catalog.files import library
from chaosctl.catalog.kinds import Catalog
from chaosctl.catalog.loading import PlaybookFile, drill_in, load_playbook, playbook_in, run_in
from chaosctl.catalog.resolve import resolve
from chaosctl.changes import look
from chaosctl.errors import Invalid
from chaosctl.model import Json
from chaosctl.spec import Script, Target
from chaosctl.spec.drill import Drill, PlaybookRef
from chaosctl.spec.places import Source
from chaosctl.spec.problems import Mistakes, Problem, did_you_mean
from chaosctl.spec.run import Run
from chaosctl.spec.source import parse
from chaosctl.spec.windows import Windows

KEPT = ("name", "labels", "annotations")
NO_FILES = "a cluster has no files"


def run_of(body: Json) -> Run:
    """What a Run object asks for. Raises Invalid."""
    with in_words():
        return run_in(_source(body))


def drill_of(body: Json) -> Drill:
    """What a Drill object says. Raises Invalid."""
    with in_words():
        return drill_in(_source(body))


def playbook_of(body: Json, catalog: Catalog) -> PlaybookFile:
    """What a Playbook object says. Raises Invalid."""
    source = _source(body)
    if look(body, "/spec/workload/requests/file") is not None:
        raise Invalid(f'{source.name}: spec.workload.requests.file: {NO_FILES}; write "corpus: golden"')
    with in_words():
        return playbook_in(Path(source.name), source, catalog)


def shipped(name: str, catalog: Catalog) -> PlaybookFile:
    """A playbook of the library, by its name alone. Raises Invalid."""
    known = library()
    if name not in known:
        hint = did_you_mean(name, known)
        raise Invalid(f'no Playbook is called "{name[:80]}", here or in the library; {hint}')
    return load_playbook(known[name], catalog)


def scripted(  # noqa: PLR0913, PLR0917 - all that makes a run
    file: PlaybookFile,
    target: Target,
    wanted: PlaybookRef,
    catalog: Catalog,
    seed: int,
    windows: Windows | None = None,
) -> Script:
    """The script of a playbook with the parameters that it is given. Raises Invalid."""
    with in_words():
        return resolve(file, target, wanted.parameters, catalog, seed, windows)


def windows_of(drill: Drill) -> Windows | None:
    """When a Drill object lets its runs run. Raises Invalid where that is in a file."""
    spec = drill.spec
    if spec.windows is None:
        return None
    try:
        return spec.windows.resolve(spec.timezone)
    except Invalid as error:
        raise Invalid(f"spec.windows.blackout: {error}") from None


@contextmanager
def in_words() -> Iterator[None]:
    """Mistakes as one text without lines: what, where, and what to do. Raises Invalid."""
    try:
        yield
    except Mistakes as mistakes:
        raise Invalid("; ".join(map(_in_words, mistakes.problems))) from None


def _in_words(problem: Problem) -> str:
    parts = (problem.file, problem.field, problem.message)
    said = ": ".join(part for part in parts if part)
    return f"{said} ({problem.hint})" if problem.hint else said


def _source(body: Json) -> Source:
    """The document in an object, without what only the API server writes. Raises Invalid."""
    metadata = cast("Mapping[str, object]", body.get("metadata") or {})
    name = f"{body.get('kind')} {metadata.get('namespace')}/{metadata.get('name')}"
    kept = {key: metadata[key] for key in KEPT if key in metadata}
    written = {key: body.get(key) for key in ("apiVersion", "kind", "spec") if key in body}
    text = json.dumps({**written, "metadata": kept}, indent=1, ensure_ascii=False)
    with in_words():
        return parse(text, name)
