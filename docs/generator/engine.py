"""Why: events, states, guards and exit codes are tables in the engine; drawn from them they stay true."""

import types
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from chaosctl.engine import events as run_events
from chaosctl.engine.guards import FRESH_FOR, GUARDS, Facts, refusals
from chaosctl.engine.tables import ENTRY, OVER, RUN
from chaosctl.engine.verdict import BUG, EXIT, REVERT_INCOMPLETE, WORST_FIRST, Result
from chaosctl.model import Edit, Patch, Ref
from chaosctl.spec import Entry, Script, Target, TargetView
from chaosctl.testing import EPOCH
from chaosctl.watchdog import events as watchdog_events
from generator import markdown

EVENTS_ABOUT = """
A journal is a list of these. Everything else (verdict, clocks, post-mortem) is computed from it. Each event
carries `type` and `at` (UTC), and those about an entry `entry`. An event that the
[tables](states.md) do not allow is never written.
"""
STATES_ABOUT = """
Drawn from `chaosctl/engine/tables.py`. Labels are the [events](events.md). Every way from `applying`, which
is entered before the first write, leads through `reverting`.
"""
GUARDS_ABOUT = """
Asked in this order by `chaosctl plan` and before every run; the run is refused (exit code 2) with all reasons
at once. Guards are pure functions of facts. A fact that could not be found out forbids.
"""
MEANINGS: Mapping[Result, str] = {
    Result.PASSED: "steady before and after, effect measured, every expectation held, nothing left",
    Result.FAILED: "an expectation was refuted, or the steady state certainly did not come back",
    Result.REFUSED: "bad input, or a guard refused before the start; nothing was touched",
    Result.ABORTED: "stopped after its start: not steady, an abort check, a halt, a person, the store",
    Result.INCONCLUSIVE: "nothing refuted, but something not shown: no effect, too few samples, no data",
}
OTHERS = """
| command | code | when |
|---|---|---|
| `lint` | 2 | there are errors; warnings alone are 0 |
| `plan` | 2 | the run would be refused |
| `recover` | 5 | something is left |
| `runs verify` | 1 | the evidence was changed |
| `sandbox status` | 1 | no sandbox is up |
"""
TARGET = Ref(api_version="apps/v1", kind="Deployment", namespace="models", name="fraud")
SECOND = timedelta(seconds=1)
COMMON = ("type", "at", "entry")
CLASH = {name: (Patch(ref=TARGET, edits=(Edit(path="/spec/replicas", before=3, after=1),)),) for name in "ab"}
VIEW = TargetView(
    target=Target(workload=TARGET),
    workload={"metadata": {"name": "fraud"}},
    replicas=3,
    ready=3,
    selector="app=fraud",
    revision="1",
    settled=True,
)
UNSETTLED = VIEW.model_copy(update={"settled": False, "unsettled": "1 of 3 replicas updated"})
REFUSED: Mapping[str, Mapping[str, object]] = {
    "facts fresh": {"at": EPOCH - FRESH_FOR - SECOND},
    "target exists": {"target": None},
    "namespace opted in": {"opt_in": ""},
    "inside its windows": {
        "closed": 'the blackout "Year-end freeze" lasts until Tue 2027-01-05 00:00 CET; '
        "next possible: Tue 2027-01-05 09:00 CET"
    },
    "target settled and healthy": {"target": UNSETTLED},
    "selector matches": {"pods": 0},
    "no other run": {"holder": "7f3kxq"},
    "plans pass a dry run": {"rejected": {"a": "an admission webhook said no"}},
    "entries apart": {"plans": CLASH},
    "replicas left": {"doomed": {"a": 3}},
    "permitted to do and to undo": {"lacking": ("patch Deployment fraud in models",)},
    "nobody fights the change": {
        "fought": ("HorizontalPodAutoscaler fraud sets the replicas; pause it first",)
    },
    "guardian alive": {
        "guardian": False,
        "hindered": ("a Job of the run's own needs what you may not: create Role * in models",),
    },
}
REACHABLE = (
    "model reachable",
    "nothing answers at 10.0.0.7:8080 from here; run where its network is, or give the target a url",
)
ASTRAY = (
    "service leads to the target",
    "Service models/fraud sends to other pods (app=other); name the Service of Deployment models/fraud",
)


def events() -> str:
    run = _events(_members(run_events.AnyRunEvent))
    entries = _events(_members(run_events.AnyEntryEvent))
    dog = _events(_members(watchdog_events.AnyEvent))
    parts = ("## Of a run", *run, "## Of an entry", *entries, "## Of the watchdog", *dog)
    return markdown.page("Events", EVENTS_ABOUT, *parts)


def states() -> str:
    return markdown.page(
        "States", STATES_ABOUT, "## A run", _diagram(RUN, ()), "## An entry", _diagram(ENTRY, OVER)
    )


def guards() -> str:
    rows = [(f"{number}", guard, f"“{said}”") for number, (guard, said) in enumerate(said_by_guards(), 1)]
    return markdown.page(
        "Guards", GUARDS_ABOUT, markdown.table(("", "guard", "what it says, for example"), rows)
    )


def said_by_guards() -> Iterator[tuple[str, str]]:
    """Every guard with one of its refusals, as it really says it."""
    for name in ("facts fresh", *(guard.name for guard in GUARDS)):
        yield name, _refusal(name)
    yield REACHABLE
    yield ASTRAY


def exit_codes() -> str:
    rows = [
        (str(EXIT[result]), str(result), MEANINGS[result]) for result in sorted(EXIT, key=EXIT.__getitem__)
    ]
    left = "something could not be put back; stderr names the commands that repair it"
    rows.append((str(REVERT_INCOMPLETE), "revert incomplete", left))
    rows.append(
        (
            str(BUG),
            "a bug of ours",
            "stderr names the file to report; then look at `chaosctl recover --dry-run`",
        )
    )
    worst = ", ".join(map(str, WORST_FIRST))
    order = f"Of several runs the worst decides, in this order: {worst}."
    return markdown.page(
        "Exit codes", markdown.table(("code", "", "meaning"), rows), order, "## Of other commands", OTHERS
    )


def _refusal(name: str) -> str:
    entries = tuple(_entry(one, late=name == "deadlines ahead") for one in "ab")
    script = Script(playbook="example", target=Target(workload=TARGET), entries=entries)
    fine: dict[str, Any] = {"at": EPOCH, "target": VIEW, "pods": 3, "opt_in": "allowed", "guardian": True}
    seen = Facts(**{**fine, **REFUSED.get(name, {})})
    return next(one.refusal for one in refusals(seen, script, EPOCH) if one.guard == name and one.refusal)


def _entry(name: str, *, late: bool) -> Entry:
    return Entry(id=name, at=SECOND, hold=timedelta() if late else 5 * SECOND, fault={"kind": "scale-down"})


def _events(kinds: Iterable[type[BaseModel]]) -> Iterator[str]:
    for kind in kinds:
        shown = {name: info for name, info in kind.model_fields.items() if name not in COMMON}
        rows = [(f"`{name}`", _named(info.annotation)) for name, info in shown.items()]
        text = markdown.table(("field", "type"), rows) if rows else ""
        yield "\n\n".join(filter(None, (f"### {_type(kind)}", markdown.about(kind), text)))


def _type(kind: type[BaseModel]) -> str:
    return str(kind.model_fields["type"].default)


def _members(union: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - unions have no type of their own
    if get_origin(union) is Annotated:
        union = get_args(union)[0]
    yield from get_args(union) if isinstance(union, types.UnionType) else (union,)


def _named(annotation: Any) -> str:  # noqa: ANN401 - annotations have no type of their own
    """A type's name, without the modules in it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _named(get_args(annotation)[0])
    if origin in {types.UnionType, Union}:
        return " or ".join(map(_named, get_args(annotation))).replace("NoneType", "nothing")
    if origin is tuple:
        return f"list of {_named(get_args(annotation)[0])}"
    return str(getattr(annotation, "__name__", annotation))


def _diagram(table: Mapping[Any, Mapping[type[BaseModel], Any]], over: Iterable[Any]) -> str:
    first = next(iter(table))
    ends = sorted(set(over) | {end for moves in table.values() for end in moves.values() if end not in table})
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for start, moves in table.items():
        for end in dict.fromkeys(moves.values()):
            labels = ", ".join(_type(kind) for kind, to in moves.items() if to is end)
            lines.append(f"    {start} --> {end}: {labels}")
    return markdown.code("\n".join([*lines, *(f"    {end} --> [*]" for end in ends)]), "mermaid")
