"""Why: what a playbook and a drill may say is fixed by their models; people want it as tables."""

import inspect
import json

from chaosctl.catalog import catalog_of, library, schema
from chaosctl.catalog.lint import RULES
from chaosctl.catalog.lint import __doc__ as about_lint
from chaosctl.catalog.lint_drill import RULES as DRILL_RULES
from chaosctl.faults import FAULTS
from chaosctl.probes import PROBES
from generator import markdown

CATALOG = catalog_of(FAULTS, PROBES)
HEAD = """
Unknown fields are errors; each error names file, line, column, and the nearest known name. `chaosctl lint`
finds them. The same as JSON Schema, for editors: [{name}.schema.json]({name}.schema.json), or
`chaosctl schema {name}`. In the first line of a file,
`# yaml-language-server: $schema=PATH` makes most editors check it.
"""
AMOUNTS = """
| what | how it is written |
|---|---|
| duration | `90s`, `3m`, `1h30m`, `250ms`; a bare number is an error |
| share | `2%` or `0.02` |
| rate | `50/s`, `300/m` |
| bound | in the probe's unit: `1%` of a share, `250ms` of seconds, `3` of a count |

A parameter, `${name}`, may stand for any whole value but a `kind` or a `process`. It is replaced before the
file is checked, and never becomes a part of a longer text.
"""
ORDER = (
    "PlaybookSpec",
    "Parameter",
    "WorkloadText",
    "Requests",
    "Poisson",
    "Constant",
    "Gamma",
    "Mmpp",
    "Step",
    "Stretch",
    "Ramp",
    "Sine",
    "Trace",
    "Scale",
    "CheckText",
    "Fixed",
    "EProcessText",
    "EDetectorText",
)
ENTRIES = ("EntryText", "Repeat", "Metadata")
BODIES = """
### FaultBody

`kind`, and the fields of that kind: see [faults](faults.md).

### ProbeBody

`kind`, and the fields of that kind: see [probes](probes.md).
"""


def playbook() -> str:
    example = library()["pod-kill"].read_text(encoding="utf-8")
    return markdown.page(
        "Playbook",
        HEAD.format(name="playbook"),
        "## A whole one",
        markdown.code(example, "yaml"),
        "## How amounts are written",
        AMOUNTS,
        "## Fields",
        "The envelope is `apiVersion: chaosctl.dev/v1`, `kind: Playbook`, `metadata` and `spec`.",
        *_objects(schema("playbook", CATALOG), (*ORDER, *ENTRIES)),
        BODIES,
    )


def drill() -> str:
    envelope = "The envelope is `apiVersion: chaosctl.dev/v1`, `kind: Drill`, `metadata` and `spec`."
    names = (
        "DrillSpec",
        "TargetText",
        "PlaybookRef",
        "Schedule",
        "WindowsText",
        "BlackoutText",
        "DrillMetadata",
    )
    objects = _objects(schema("drill", CATALOG), names)
    return markdown.page("Drill", HEAD.format(name="drill"), "## Fields", envelope, *objects)


def playbook_schema() -> str:
    return json.dumps(schema("playbook", CATALOG), indent=2) + "\n"


def drill_schema() -> str:
    return json.dumps(schema("drill", CATALOG), indent=2) + "\n"


def lint() -> str:
    rules = (*RULES, *DRILL_RULES)
    rows = [(rule.__name__.replace("_", " "), _severity(rule), markdown.about(rule)) for rule in rules]
    intro = inspect.cleandoc(about_lint or "").removeprefix("Why: ")
    usage = "Errors end with exit code 2, warnings do not. `--output json` gives both to programs."
    return markdown.page("Lint rules", intro, usage, markdown.table(("rule", "", "why"), rows))


def _severity(rule: object) -> str:
    """What a rule's own lines say; where it leaves them to another, they are errors."""
    lines = inspect.getsource(rule)  # type: ignore[arg-type]  # rules are functions
    lines = lines.replace("Severity.WARNING", "draft.warning(")
    found = [word for word in ("error", "warning") if f"draft.{word}(" in lines]
    return " or ".join(found) or "error"


def _objects(whole: markdown.Schema, names: tuple[str, ...]) -> list[str]:
    definitions = whole["$defs"]
    return [
        f"### {name}\n\n{definitions[name].get('description', '')}\n\n"
        + markdown.fields(definitions[name], definitions)
        for name in names
    ]
