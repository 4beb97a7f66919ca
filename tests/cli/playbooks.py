"""Why: what a test is about should be all that its playbook says."""

from pathlib import Path
from typing import Any

import yaml

ERRORS = {"probe": "errors", "max": "1%"}


def playbook(folder: Path, inject: Any, *, hold: str = "4s", **spec: Any) -> str:
    """The path of a playbook with one entry."""
    body = {
        "summary": "One entry, for a test.",
        "stableFor": "1s",
        "workload": {"requests": {"corpus": "golden"}, "arrival": {"rate": "100/s"}},
        "probes": {"errors": {"kind": "error-rate"}, **spec.pop("probes", {})},
        "steadyState": [ERRORS],
        "timeline": [{"at": "1s", "inject": inject, "hold": hold}],
        "expect": [{**ERRORS, "over": "run"}],
        **spec,
    }
    return written(folder / "own.yaml", "Playbook", body)


def quiet_playbook(folder: Path, inject: Any, *, hold: str = "4s", **spec: Any) -> str:
    """One that sends no traffic, as whoever does not reach the model has to write it."""
    body = {
        "summary": "One entry, seen by objects alone, for a test.",
        "stableFor": "1s",
        "probes": {"ready": {"kind": "ready-replicas"}},
        "steadyState": [{"probe": "ready", "min": 3}],
        "timeline": [{"at": "1s", "inject": inject, "hold": hold}],
        "expect": [{"clock": "recover", "within": "60s"}],
        **spec,
    }
    return written(folder / "quiet.yaml", "Playbook", body)


def written(file: Path, kind: str, spec: Any) -> str:
    """The path of a document of ours."""
    body = {"apiVersion": "chaosctl.dev/v1", "kind": kind, "metadata": {"name": file.stem}, "spec": spec}
    file.write_text(yaml.safe_dump(body, sort_keys=False))
    return str(file)
