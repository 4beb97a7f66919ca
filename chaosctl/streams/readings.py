"""Why: what a worker counted reaches others through a pipe or a pod's log, and a lost line must be seen.

One JSON object a line. Each has its number; the last one says what the worker did in all, and the SHA-256 of
all lines before it. Lines that begin otherwise are somebody else's, and are left out.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from chaosctl.errors import Invalid
from chaosctl.streams.tally import Second

BEGIN = '{"reading":'


class Totals(NamedTuple):
    """What is known of a worker's connections once it has ended. `trouble`: the last failure to open one."""

    sent: int
    received: int
    opened: int
    trouble: str


class Teller:
    """Writes lines."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write
        self.number = 0
        self.digest = hashlib.sha256()

    def tell(self, index: int, second: Second) -> None:
        """A second is complete."""
        self.line({"second": index, **second.encode()})

    def end(self, totals: Totals) -> None:
        """Nothing more will come."""
        self.line({"end": {**totals._asdict()}, "sha256": self.digest.hexdigest()})

    def line(self, body: Mapping[str, JsonValue]) -> None:
        text = json.dumps({"reading": self.number, **body}, separators=(",", ":"))
        self.digest.update(text.encode())
        self.number += 1
        self.write(text)


class Listener:
    """Reads the lines of one worker, and calls `hear` with each second. `totals` is None until the end."""

    def __init__(self, hear: Callable[[int, Second], None]) -> None:
        self.hear = hear
        self.number = 0
        self.digest = hashlib.sha256()
        self.totals: Totals | None = None

    def line(self, text: str) -> None:
        """The next line. Raises Invalid where one is missing or changed."""
        text = text.strip()
        if not text.startswith(BEGIN):
            return
        try:
            self.read(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise Invalid(f"line {self.number} of a worker's readings is broken") from wrong
        self.digest.update(text.encode())
        self.number += 1

    def read(self, body: Mapping[str, JsonValue]) -> None:
        if body["reading"] != self.number or self.totals is not None:
            raise Invalid(f"of a worker's readings, line {self.number} is missing; {body['reading']} came")
        if "end" not in body:
            self.hear(int(str(body["second"])), Second.decode(body))
            return
        if body["sha256"] != self.digest.hexdigest():
            raise Invalid("a worker's readings are not those that it wrote: their digest differs")
        self.totals = Totals(**body["end"])  # type: ignore[arg-type]
