"""Why: whoever narrows a Role must know what an account really asks for, as a cluster's audit log tells."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chaosctl.sandbox.api.objects import Json

Audit = Callable[[Json], None]


def nowhere(_: Json) -> None:
    """No log is kept."""


@contextmanager
def into(file: Path) -> Iterator[Audit]:
    """Write a line for each request, as a cluster does at the level Metadata."""
    with file.open("a", encoding="utf-8", buffering=1) as stream:

        def write(entry: Json) -> None:
            stream.write(json.dumps(entry) + "\n")

        yield write
