"""Why: one process sends what one core can; more is done by several, and their counts are added.

Each of several workers is a process that gets its order on its standard input, and tells what it counted on
its standard output. All of them begin at one moment. One that is lost makes the whole invalid: a smaller
number must never look like a slower server.
"""

import asyncio
import base64
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue, ValidationError

from chaosctl.catalog.traces import recorded
from chaosctl.errors import Invalid
from chaosctl.spec.load import Load, Share
from chaosctl.streams.loaded import Loaded
from chaosctl.streams.readings import Listener, Teller
from chaosctl.streams.tally import Second
from chaosctl.traffic.files import enough_files
from chaosctl.traffic.load import Hear, Part, play

SOON = 0.05  # seconds until one worker begins
ASSEMBLE = 2.0  # seconds that several have to get ready
LINE = 1 << 24  # bytes of the longest one that a worker may tell
GRACE = 30.0  # seconds after its end that a worker may take to say so
USERS = 10  # of a closed loop, where nothing else is said
_INNER = frozenset({"poisson", "constant", "gamma", "mmpp", "step", "ramp", "sine"})  # of an arrival's place
WORKER = (sys.executable, "-m", "chaosctl", "load", "--worker")


class Order(NamedTuple):
    """What a worker does, and when it begins (seconds since the Unix epoch)."""

    load: Load
    share: Share
    start: float

    def text(self) -> str:
        """As one line of JSON."""
        given = self.load.model_dump(mode="json", by_alias=True)
        return json.dumps({"load": given, "share": self.share.model_dump(), "start": self.start})

    @classmethod
    def read(cls, text: str) -> "Order":
        """From what `text` gave. Raises Invalid."""
        try:
            body = json.loads(text)
            load, share = Load.model_validate(body["load"]), Share.model_validate(body["share"])
            return cls(load, share, float(body["start"]))
        except (ValueError, KeyError, TypeError) as wrong:
            raise Invalid(f"not an order of a load: {wrong}") from wrong


def ordered(body: Mapping[str, JsonValue]) -> Load:
    """From the fields of a load. Raises Invalid."""
    try:
        return Load.model_validate(body)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in _INNER)
        raise Invalid(f"{where}: {first['msg']}" if where else first["msg"]) from wrong


def loop(users: int | None, rate: str, arrival: str) -> dict[str, JsonValue]:
    """Which loop, and how fast. Raises Invalid."""
    if arrival.startswith("{"):
        if users is not None or rate:
            raise Invalid("--arrival says it all as JSON: leave --connections and --rate out")
        try:
            return {"arrival": json.loads(arrival)}
        except ValueError as wrong:
            raise Invalid(f"--arrival is not JSON: {wrong}") from wrong
    if rate and users is not None:
        raise Invalid("say either --connections (closed loop) or --rate (open loop)")
    return {"arrival": {"process": arrival, "rate": rate}} if rate else {"users": users or USERS}


def asked(method: str, headers: Sequence[str], body: str) -> dict[str, JsonValue]:
    """A request by hand. Raises Invalid."""
    pairs = [header.partition(":") for header in headers]
    for (name, colon, _), header in zip(pairs, headers, strict=True):
        if not name or not colon:
            raise Invalid(f"--header {header!r}: write NAME: VALUE")
    data = content_bytes(Path(body[1:])) if body.startswith("@") else body.encode()
    given: dict[str, JsonValue] = {name.strip(): value.strip() for name, _, value in pairs}
    text = base64.b64encode(data).decode()
    return {"method": method or ("POST" if data else "GET"), "headers": given, "body": text}


def content(file: Path | None) -> str:
    """The text of a file; nothing without one. Raises Invalid."""
    try:
        return content_bytes(file).decode() if file else ""
    except UnicodeDecodeError as wrong:
        raise Invalid(f"{file} is not UTF-8") from wrong


def content_bytes(file: Path) -> bytes:
    """What is in a file. Raises Invalid."""
    try:
        return file.read_bytes()
    except OSError as wrong:
        raise Invalid(f"{file} cannot be read: {wrong.strerror}") from wrong


async def run(load: Load, workers: int, heard: Callable[[Second], None]) -> Loaded:
    """Send it all; `heard` gets each second as soon as a worker has counted it. Raises Invalid."""
    enough_files(-(-_connections(load) // workers))
    trace = recorded(load.arrival) if load.arrival else ()
    loaded = Loaded(closed=load.users is not None)
    began = time.time() + (SOON if workers == 1 else ASSEMBLE)

    def hear(index: int, second: Second) -> None:
        loaded.whole.merge(second)
        loaded.lasting = max(loaded.lasting, index + 1)
        heard(second)

    if workers == 1:
        loaded.totals.append(await play(Part(load, Share(), began, trace), hear))
    else:
        shares = [Share(number=number, of=workers) for number in range(workers)]
        await asyncio.gather(*(_worker(Order(load, share, began), hear, loaded) for share in shares))
    loaded.lasting = min(loaded.lasting, load.lasting.total_seconds())
    return loaded


async def work(text: str) -> None:
    """Be a worker: do what the order says, and tell it on standard output. Raises Invalid."""
    order = Order.read(text)
    teller = Teller(lambda line: print(line, flush=True))  # noqa: T201
    enough_files(order.share.part(_connections(order.load)))
    trace = recorded(order.load.arrival) if order.load.arrival else ()
    teller.end(await play(Part(*order, trace), teller.tell))


async def _worker(order: Order, hear: Hear, loaded: Loaded) -> None:
    """Let a process do a share."""
    name = f"worker {order.share.number + 1} of {order.share.of}"
    listener = Listener(hear)
    with tempfile.TemporaryFile() as written:  # nothing is written to a process that may be gone
        written.write(order.text().encode())
        written.seek(0)
        process = await asyncio.create_subprocess_exec(
            *WORKER, stdin=written, stdout=asyncio.subprocess.PIPE, limit=LINE
        )
    try:
        async with asyncio.timeout_at(_end(order)):
            await _listen(process, listener)
    except (Invalid, TimeoutError, OSError) as wrong:
        loaded.lost.append(f"{name} was lost: {wrong or 'it did not end'}")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    if listener.totals is not None:
        loaded.totals.append(listener.totals)
    elif not any(reason.startswith(name) for reason in loaded.lost):
        loaded.lost.append(f"{name} was lost: it ended with {process.returncode}")


def _end(order: Order) -> float:
    """When it must be over, in the loop's time."""
    lasting = order.load.lasting + order.load.answer_within
    return asyncio.get_running_loop().time() + ASSEMBLE + lasting.total_seconds() + GRACE


async def _listen(process: asyncio.subprocess.Process, listener: Listener) -> None:
    assert process.stdout is not None  # noqa: S101  it was asked for
    async for line in process.stdout:
        listener.line(line.decode())
    await process.wait()


def _connections(load: Load) -> int:
    return load.users or load.connections
