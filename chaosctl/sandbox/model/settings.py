"""Why: a release or a configuration can hurt only if the server reads what a Deployment can change.

Arguments come before environment variables, those before the configuration file.

* `--version`  / `CHAOSCTL_MODEL_VERSION`: stable, wrong-weights, crash, slow, memory-hog
* `--host`, `--port` / `CHAOSCTL_MODEL_HOST`, `CHAOSCTL_MODEL_PORT`
* `--delay` / `CHAOSCTL_MODEL_DELAY`: seconds added to every inference, besides what the version adds
* `--linger` / `CHAOSCTL_MODEL_LINGER`: seconds that it still serves after SIGTERM, not ready; 0.7 by default,
  so that clients of connections no older than that never meet a closed one
* `--memory-cap` / `CHAOSCTL_MODEL_MEMORY_CAP`: MiB at which memory-hog stops growing
* `--threshold` / `MODEL_THRESHOLD`: probability from which a row is called malignant
* `--config` / `MODEL_CONFIG`: a JSON file, `{"threshold": 0.5}`, as mounted from a ConfigMap; read again
  when it changes
* `POD_NAME`, else `HOSTNAME`: sent with every answer as the header `x-pod`
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from chaosctl.sandbox.model.classifier import THRESHOLD
from chaosctl.sandbox.model.versions import VERSIONS

MODEL_NAME = "breast-cancer"


class Settings(NamedTuple):
    """Durations are in seconds, memory is in MiB."""

    version: str
    host: str
    port: int
    delay: float
    linger: float
    memory_cap: int
    threshold: float | None
    config: Path | None
    pod: str


def share(text: str) -> float:
    """A number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(f"{text} is not between 0 and 1")
    return number


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError(f"{text} is not a number of seconds")
    return number


def settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read arguments and environment. Exits with status 2 and a message where they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m chaosctl.sandbox.model", description="The sample model.")
    own = {key.removeprefix("CHAOSCTL_"): value for key, value in environment.items()}
    parser.add_argument("--version", choices=sorted(VERSIONS), default=own.get("MODEL_VERSION", "stable"))
    parser.add_argument("--host", default=own.get("MODEL_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=own.get("MODEL_PORT", "8080"))
    parser.add_argument("--delay", type=seconds, default=own.get("MODEL_DELAY", "0"))
    parser.add_argument("--linger", type=seconds, default=own.get("MODEL_LINGER", "0.7"))
    parser.add_argument("--memory-cap", type=int, default=own.get("MODEL_MEMORY_CAP", "512"))
    parser.add_argument("--threshold", type=share, default=own.get("MODEL_THRESHOLD"))
    parser.add_argument("--config", type=Path, default=own.get("MODEL_CONFIG"))
    given = vars(parser.parse_args(arguments))
    if given["version"] not in VERSIONS:
        parser.error(f"no version {given['version']!r}; there are {', '.join(VERSIONS)}")
    return Settings(**given, pod=header_safe(environment.get("POD_NAME") or environment.get("HOSTNAME", "")))


def header_safe(name: str) -> str:
    return name if name.isascii() and name.isprintable() else ""


def configured_threshold(path: Path) -> float:
    """The threshold in a configuration file. Raises ValueError, also where the file cannot be read."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return share(str(config.get("threshold", THRESHOLD)))
    except (OSError, ValueError, AttributeError, RecursionError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong
