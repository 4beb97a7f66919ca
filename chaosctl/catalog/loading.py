"""Why: a file is right or it is not, and whoever wrote it wants to know of everything at once.

A playbook is checked as it would run: with the values given, else its defaults, else its examples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from chaosctl.catalog.files import find_playbook, inside
from chaosctl.catalog.kinds import Catalog
from chaosctl.catalog.traces import recorded
from chaosctl.errors import Invalid
from chaosctl.model import Json
from chaosctl.spec import Spec
from chaosctl.spec import parameters as names
from chaosctl.spec.drill import Drill, PlaybookRef
from chaosctl.spec.places import Source
from chaosctl.spec.playbook import Playbook
from chaosctl.spec.problems import LONGEST_NAME, Mistakes, Problem, did_you_mean
from chaosctl.spec.problems import Path as Place
from chaosctl.spec.run import Run
from chaosctl.spec.source import read
from chaosctl.spec.validation import problems_of
from chaosctl.spec.windows import Windows

ARRIVAL_FILE: Place = ("spec", "workload", "arrival", "file")
CHECKS = ("steadyState", "expect", "abort")
Document = TypeVar("Document", bound=BaseModel)


@dataclass(frozen=True)
class PlaybookFile:
    """A playbook, and where every part of it stands. Read with defaults and examples."""

    path: Path
    source: Source
    playbook: Playbook
    trace: Sequence[float] = ()
    """When the requests of the trace came that its workload follows, if it does."""

    @property
    def name(self) -> str:
        return self.playbook.metadata.name


@dataclass(frozen=True)
class Bound:
    """A playbook of a drill, with the parameters it gets there."""

    playbook: PlaybookFile
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class DrillFile:
    """A drill with its playbooks, in the order in which they run."""

    path: Path
    source: Source
    drill: Drill
    playbooks: tuple[Bound, ...]

    @property
    def name(self) -> str:
        return self.drill.metadata.name

    @property
    def windows(self) -> Windows | None:
        """When it may run; the file of its blackout lies beside it."""
        spec = self.drill.spec
        if spec.windows is None:
            return None
        return spec.windows.resolve(spec.timezone, self.path.parent.resolve())


def load(path: Path, catalog: Catalog) -> PlaybookFile | DrillFile:
    """The playbook or drill in a file. Raises Invalid; Mistakes where it has places to point at."""
    source = read(path)
    kind = names.look(source.tree, ("kind",))
    if kind == "Playbook":
        return playbook_in(path, source, catalog)
    if kind == "Drill":
        return _drill(path, source, catalog)
    known = ("Playbook", "Drill")
    if kind is None:
        problem = source.problem(("kind",), "missing", 'write "kind: Playbook" or "kind: Drill"')
    else:
        problem = source.problem(("kind",), "no kind of document", did_you_mean(str(kind), known))
    raise Mistakes([*source.problems, problem])


def load_playbook(path: Path, catalog: Catalog) -> PlaybookFile:
    """The playbook in a file. Raises Invalid."""
    found = load(path, catalog)
    if isinstance(found, PlaybookFile):
        return found
    raise Invalid(f"{path} is a drill; here a playbook is needed")


def load_drill(path: Path, catalog: Catalog) -> DrillFile:
    """The drill in a file, with its playbooks. Raises Invalid."""
    found = load(path, catalog)
    if isinstance(found, DrillFile):
        return found
    raise Invalid(f"{path} is a playbook; here a drill is needed")


def with_parameters(file: PlaybookFile, given: Mapping[str, str], catalog: Catalog) -> PlaybookFile:
    """The same playbook, read with the values that a run was given. Raises Mistakes."""
    problems = list(names.given_problems(file.source, given))
    if problems:
        raise Mistakes(problems)
    return playbook_in(file.path, file.source, catalog, given)


def playbook_in(
    path: Path, source: Source, catalog: Catalog, given: Mapping[str, str] | None = None
) -> PlaybookFile:
    """The playbook in a document that was read, with the values that a run was given. Raises Mistakes."""
    declared = names.declared(source.tree)
    texts = [(*names.PARAMETERS, name, field) for name in declared for field in ("default", "example")]
    source_tree = names.as_texts(source, texts)
    values = {**names.samples(source_tree), **(given or {})}
    tree = names.filled(source_tree, values)
    problems = [*source.problems, *names.declaration_problems(source)]
    playbook = _validated(Playbook, source, tree, problems)
    problems += _body_problems(source, tree, catalog)
    problems += _reference_problems(source, tree)
    problems += _file_problems(source, tree, ("spec", "workload", "requests", "file"), path.parent)
    problems += _file_problems(source, tree, ARRIVAL_FILE, path.parent)
    if problems or playbook is None:
        raise Mistakes(_in_order(problems))
    return PlaybookFile(path, source, playbook, _trace(path, source, playbook))


def _trace(path: Path, source: Source, playbook: Playbook) -> Sequence[float]:
    """Raises Mistakes."""
    if playbook.spec.workload is None:
        return ()
    try:
        return recorded(playbook.spec.workload.arrival, path.parent)
    except Invalid as wrong:
        raise Mistakes([source.problem(ARRIVAL_FILE, str(wrong))]) from None


def drill_in(source: Source) -> Drill:
    """The drill in a document that was read; whoever runs it finds its playbooks. Raises Mistakes."""
    entries = _items(names.look(source.tree, ("spec", "playbooks")))
    return _of_model(Drill, source, [("spec", "playbooks", index, "parameters") for index, _ in entries])


def run_in(source: Source) -> Run:
    """The run in a document that was read. Raises Mistakes."""
    return _of_model(Run, source, [("spec", "playbook", "parameters")])


def _of_model(model: type[Document], source: Source, texts: Sequence[Place]) -> Document:
    """A document in which everything under these places is text, however it was written."""
    scalars = [
        path for path, _ in names.scalars(source.tree) if any(path[: len(one)] == one for one in texts)
    ]
    tree = names.as_texts(source, scalars)
    problems = list(source.problems)
    found = _validated(model, source, tree, problems)
    if found is None or problems:
        raise Mistakes(_in_order(problems))
    return found


def _drill(path: Path, source: Source, catalog: Catalog) -> DrillFile:
    drill = drill_in(source)
    bound: list[Bound] = []
    problems: list[Problem] = []
    for index, reference in enumerate(drill.spec.playbooks):
        try:
            bound.append(_bound(path, source, index, reference, catalog))
        except Mistakes as mistakes:
            problems += mistakes.problems
    problems += _file_problems(source, source.tree, ("spec", "windows", "blackout"), path.parent)
    if problems:
        raise Mistakes(problems)
    return DrillFile(path, source, drill, tuple(bound))


def _bound(path: Path, source: Source, index: int, reference: PlaybookRef, catalog: Catalog) -> Bound:
    place: Place = ("spec", "playbooks", index)
    try:
        file = inside(path.parent, reference.file) if reference.file else find_playbook(str(reference.name))
        playbook = load_playbook(file, catalog)
        with_parameters(playbook, reference.parameters, catalog)
    except Mistakes as mistakes:
        here = source.problem(place, "this playbook cannot run as it is here")
        raise Mistakes([here, *mistakes.problems]) from None
    except Invalid as error:
        field = "file" if reference.file else "name"
        raise Mistakes([source.problem((*place, field), str(error))]) from None
    return Bound(playbook, reference.parameters)


def _validated(
    model: type[Document], source: Source, tree: JsonValue, problems: list[Problem]
) -> Document | None:
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        problems += problems_of(error, model, source, tree)
        return None


def _body_problems(source: Source, tree: JsonValue, catalog: Catalog) -> Iterator[Problem]:
    probes = names.look(tree, ("spec", "probes"))
    for name in probes if isinstance(probes, dict) else ():
        yield from _of_a_body(source, tree, ("spec", "probes", name), "probe", catalog.probes)
    for index, _ in _items(names.look(tree, ("spec", "timeline"))):
        yield from _of_a_body(source, tree, ("spec", "timeline", index, "inject"), "fault", catalog.faults)


def _of_a_body(
    source: Source, tree: JsonValue, place: Place, what: str, kinds: Mapping[str, type[Spec]]
) -> Iterator[Problem]:
    name = names.look(tree, (*place, "kind"))
    if not isinstance(name, str):
        return  # the playbook's own model has said so
    if name not in kinds:
        yield source.problem(
            (*place, "kind"), f'unknown {what} "{name[:LONGEST_NAME]}"', did_you_mean(name, kinds)
        )
        return
    body = names.look(tree, place)
    try:
        kinds[name].model_validate(body)
    except ValidationError as error:
        yield from problems_of(error, kinds[name], source, body, place)


def _reference_problems(source: Source, tree: JsonValue) -> Iterator[Problem]:
    """Checks of probes that the playbook does not have."""
    probes = names.look(tree, ("spec", "probes"))
    known = list(probes) if isinstance(probes, dict) else []
    for place in _checks(tree):
        name = names.look(tree, (*place, "probe"))
        if isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known) or 'define it under "probes"'
            yield source.problem((*place, "probe"), f'no probe is called "{name[:LONGEST_NAME]}"', hint)


def _checks(tree: JsonValue) -> Iterator[Place]:
    for section in CHECKS:
        for index, _ in _items(names.look(tree, ("spec", section))):
            yield ("spec", section, index)
    for index, _ in _items(names.look(tree, ("spec", "timeline"))):
        yield ("spec", "timeline", index, "effect")


def _file_problems(source: Source, tree: JsonValue, place: Place, folder: Path) -> Iterator[Problem]:
    name = names.look(tree, place)
    if isinstance(name, str):
        try:
            inside(folder, name)
        except Invalid as error:
            yield source.problem(place, str(error))


def _items(value: JsonValue) -> list[tuple[int, Json]]:
    elements = value if isinstance(value, list) else []
    return [(index, one) for index, one in enumerate(elements) if isinstance(one, dict)]


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By place; the first of several at the same one, as the others follow from it."""
    first: dict[tuple[int, int, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.line, problem.column, problem.field), problem)
    return sorted(first.values(), key=lambda problem: (problem.line, problem.column))
