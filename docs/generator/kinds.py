"""Why: whoever chooses a fault must know its fields, its rights, and what will count as having felt it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from chaosctl.catalog import body_schema, library, load_playbook, resolve
from chaosctl.model import Banish, Delete, Edit, Json, Patch, Ref, Stream, Switch
from chaosctl.spec import Check, Fault, Probe, Rule, Spec, Target, TargetView
from chaosctl.spec.amounts import show_amount
from generator import markdown
from generator.documents import CATALOG

DEPLOYMENT = Ref(api_version="apps/v1", kind="Deployment", namespace="models", name="fraud")
POD = Ref(kind="Pod", namespace="models", name="fraud-1")
PLAN = (
    Patch(ref=DEPLOYMENT, edits=(Edit(path="/spec/paused", before=None, after=True),)),
    Delete(ref=POD, uid="1"),
    Banish(owner=DEPLOYMENT, nodes=("node-1",)),
    Switch(proxies=DEPLOYMENT, port=9901, fault={}),
    Stream(name="burst", arrival={"rate": "1/s"}, answer_within=5, most=1),
)
FAULTS_ABOUT = """
A fault declares changes and never makes them; chaosctl applies them, undoes them, and writes both down. Its
*effect* is the check that shows that it bit. Where the effect is not seen, the run is inconclusive, whatever
else was measured. An entry's own `effect` replaces the fault's.

*Rights* are what the fault itself needs in the target's namespace (nodes: in the cluster). What every run
needs beside them is in [rights.yaml](../how-to/examples/rights/rights.yaml), with comments. `chaosctl plan`
asks the API server for each right, and names those that lack.
"""
PROBES_ABOUT = """
A probe measures, and never judges. A probe that cannot measure says so; that is never a pass. What must hold
of its value is said in checks: see [CheckText](playbook.md#checktext).

Those that count events are decided by an e-process unless a check says otherwise; the others by k of n
readings. See [statistics](../explanation/statistics.md).
"""


def faults() -> str:
    rights = markdown.table(("fault", "group", "resource", "verbs"), _rights())
    sections = (_fault(name, kind) for name, kind in CATALOG.faults.items())
    return markdown.page("Faults", FAULTS_ABOUT, *sections, "## All rights", rights)


def probes() -> str:
    sections = (_probe(name, kind) for name, kind in CATALOG.probes.items())
    return markdown.page("Probes", PROBES_ABOUT, *sections)


def examples() -> dict[str, tuple[Path, Json]]:
    """For each kind of fault a shipped playbook that uses it, best its namesake, and its body there."""
    found: dict[str, tuple[Path, Json]] = {}
    for path in library().values():
        script = resolve(load_playbook(path, CATALOG), Target(workload=DEPLOYMENT), {}, CATALOG)
        for entry in script.entries:
            kind = str(entry.fault["kind"])
            if kind not in found or path.stem == kind:
                found[kind] = (path, entry.fault)
    return found


def effect(fault: Fault) -> Check | None:
    """The check by which this fault is felt, on a target that was made up."""
    view = TargetView(
        target=Target(workload=DEPLOYMENT, service="fraud"),
        workload={},
        replicas=3,
        ready=3,
        selector="",
        revision="present",
        settled=True,
    )
    return fault.effect(PLAN, view)


def _fault(name: str, kind: type[Fault]) -> str:
    path, body = examples()[name]
    example = f"Example: [{path.name}](../../playbooks/{path.name})"
    return "\n\n".join([_head(name, kind), *_properties(kind, CATALOG.fault(body)), example, _fields(kind)])


def _properties(kind: type[Fault], fault: Fault) -> Iterator[str]:
    check = effect(fault)
    lines = [f"- **Effect**: {_bound(check)}" if check else "- **Effect**: the entry must say it"]
    lines.append(
        f"- **Alone**: another change of the {kind.touches} may not overlap with it" if kind.touches else ""
    )
    lines.append("- **Reaction**: somebody else is expected to undo it" if kind.reaction else "")
    lines.append(f"- **Rights**: {_rules(kind.needs)}")
    lines.append(f"- **Looks at**, to warn: {_rules(kind.looks)}" if kind.looks else "")
    yield "\n".join(filter(None, lines))


def _rules(rules: tuple[Rule, ...]) -> str:
    return "; ".join(f"{rule.resource}: {', '.join(rule.verbs)}" for rule in rules)


def _bound(check: Check) -> str:
    bounds = (("≥", check.holds.min), ("≤", check.holds.max))
    said = " and ".join(f"{sign} {_amount(value, check.unit)}" for sign, value in bounds if value is not None)
    kind = (check.probe or {}).get("kind")
    return f"“{check.name}”, [{kind}](probes.md#{kind}) {said}"


def _amount(value: float, unit: str) -> str:
    return show_amount(value, unit.removesuffix("s") if value == 1 and unit != "seconds" else unit)


def _probe(name: str, kind: type[Probe]) -> str:
    facts = [f"- **Unit**: {kind.unit or 'a bare number'}"]
    facts.append("- **Counts** events, so that an e-process can decide" if kind.counts else "")
    facts.append("- The value is the **good** share: bound it by `min`" if kind.complement else "")
    facts.append(f"- **Tells** the clock `{kind.tells}`" if kind.tells else "")
    users = ", ".join(f"[{one}](faults.md#{one})" for one in _felt_by(name))
    facts.append(f"- **Effect** of {users}" if users else "")
    return "\n\n".join([_head(name, kind), "\n".join(filter(None, facts)), _fields(kind)])


def _felt_by(probe: str) -> Iterator[str]:
    for name, (_, body) in examples().items():
        check = effect(CATALOG.fault(body))
        if check and check.probe and check.probe["kind"] == probe:
            yield name


def _head(name: str, kind: type[Spec]) -> str:
    return f"## {name}\n\n{markdown.about(kind)}\n\n*Why: {markdown.why(sys.modules[kind.__module__])}*"


def _fields(kind: type[Spec]) -> str:
    schema = body_schema(kind)
    definitions = schema.get("$defs", {})
    inner = [
        f"**{name}**: {body.get('description', '')}\n\n{markdown.fields(body, definitions)}"
        for name, body in definitions.items()
        if "properties" in body
    ]
    text = "\n\n".join([markdown.fields(schema, definitions, but=["kind"]), *inner])
    for name in definitions:  # these have no headings of their own
        text = text.replace(f"[{name}](#{name.lower()})", f"**{name}**")
    return text


def _rights() -> Iterator[tuple[str, ...]]:
    for name, kind in CATALOG.faults.items():
        for rule in (*kind.needs, *kind.looks):
            yield name, rule.group or "(core)", rule.resource, ", ".join(rule.verbs)
