"""Why: a reader who comes to the reference by its folder should see what is in it."""

from generator import markdown

INDEX = """
Made from the code by `make docs`. A test fails when a page is out of date.

| page | what |
|---|---|
| [commands](commands.md) | every command with its options |
| [playbook](playbook.md), [drill](drill.md) | every field of the files that people write |
| [lint rules](lint.md) | what `chaosctl lint` finds in files that can be read |
| [faults](faults.md) | what can be broken: fields, effect, rights |
| [probes](probes.md) | what can be measured |
| [guards](guards.md) | why a run is refused |
| [exit codes](exit-codes.md) | how a run, or a command, ends |
| [events](events.md), [states](states.md) | what a journal holds, and in which order |
| [watchdog](watchdog.md) | its rules |
| [fault proxy](proxy.md) | its options, what it can be told, and what it answers |
| [Helm chart](chart.md), [rights](rbac.md) | every value of the chart, and every right that it grants |
| [sandbox](sandbox.md) | its configuration, images and resources |
| [conformance](conformance.md) | what was asked of the sandbox and of a real cluster, and where they differ |
| [environment](environment.md), [limits](limits.md) | variables, files, and every limit |
"""


def index() -> str:
    return markdown.page("Reference", INDEX)
