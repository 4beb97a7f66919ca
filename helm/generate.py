#!/usr/bin/env python3
"""Why: the chart repeats what the code knows, and must not contradict it. So code writes that part of it.

`make chart` writes `helm/chaosctl/files/`; a test fails when what is committed differs from what this makes.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from chaosctl.catalog import catalog_of
from chaosctl.catalog.crds import definitions
from chaosctl.faults import FAULTS
from chaosctl.operations.roles import as_json
from chaosctl.probes import PROBES

NOTE = "# Written by helm/generate.py; change the code, then run: make chart\n"


def files() -> Mapping[str, str]:
    """What is written, by path."""
    found = {f"crds/{plural}.yaml": definition for plural, definition in definitions().items()}
    found["rights.yaml"] = as_json(catalog_of(FAULTS, PROBES))
    return {path: NOTE + text(body) for path, body in found.items()}


class Quoting(yaml.SafeDumper):
    """What kubectl and helm read must be quoted where YAML 1.1 has a word for true or false: y and n."""


def _quoted(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = '"' if value.lower() in ("y", "n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Quoting.add_representer(str, _quoted)


def text(body: object) -> str:
    return yaml.dump(body, Dumper=Quoting, sort_keys=False, width=110, allow_unicode=True)


def main(folder: Path) -> None:
    """Write every file into a folder; what lies there beside them is removed."""
    made = {folder / path: body for path, body in files().items()}
    for path, body in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    for other in folder.rglob("*"):
        if other.is_file() and other not in made:
            other.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "chaosctl" / "files")
