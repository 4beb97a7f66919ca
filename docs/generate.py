#!/usr/bin/env python3
"""Why: a reference that people write by hand is wrong a week later. So it is made from the code.

`make docs` writes `docs/reference/`; a test fails when what is committed differs from what this makes.
"""

import sys
from pathlib import Path

from generator import chart, commands, conformance, documents, engine, kinds, operation, places

PAGES = {
    "README.md": places.index,
    "commands.md": commands.page,
    "playbook.md": documents.playbook,
    "drill.md": documents.drill,
    "playbook.schema.json": documents.playbook_schema,
    "drill.schema.json": documents.drill_schema,
    "lint.md": documents.lint,
    "faults.md": kinds.faults,
    "probes.md": kinds.probes,
    "events.md": engine.events,
    "states.md": engine.states,
    "guards.md": engine.guards,
    "exit-codes.md": engine.exit_codes,
    "environment.md": operation.environment,
    "limits.md": operation.limits,
    "sandbox.md": operation.sandbox,
    "watchdog.md": operation.watchdog,
    "proxy.md": operation.proxy,
    "chart.md": chart.page,
    "rbac.md": chart.rights,
    "conformance.md": conformance.page,
}


def main(folder: Path) -> None:
    """Write every page into a folder; what lies there beside them is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
    for other in folder.iterdir():
        if other.name not in PAGES:
            other.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "reference")
