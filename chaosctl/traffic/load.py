"""Why: a worker of a load is the same, whether it is the only one, a process among several, or a pod."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat
from typing import NamedTuple
from urllib.parse import urlsplit

from chaosctl.errors import Invalid
from chaosctl.spec.load import Load, Share
from chaosctl.streams.arrivals import arrivals
from chaosctl.streams.codecs import codec
from chaosctl.streams.corpus import Row, golden, parse, shuffled
from chaosctl.streams.plain import Plain
from chaosctl.streams.protocol import Codec
from chaosctl.streams.readings import Totals
from chaosctl.streams.requests import NOTHING, Outgoing, encode, outgoing
from chaosctl.streams.tally import OpenTally, Second, Tally
from chaosctl.traffic.address import Address, address
from chaosctl.traffic.closed_loop import ClosedLoop
from chaosctl.traffic.open_loop import OpenLoop
from chaosctl.traffic.pool import Dialer, Limits, Pool

TELL = 0.25  # seconds between two looks for complete seconds
Hear = Callable[[int, Second], None]


class Part(NamedTuple):
    """A worker's part of a load, from `start` on (seconds since the Unix epoch); the trace that it names."""

    load: Load
    share: Share
    start: float
    trace: Sequence[float] = ()


async def play(part: Part, hear: Hear) -> Totals:
    """Do a worker's part; each second is heard once it is complete. Raises Invalid."""
    load, share, start, _ = part
    dialer = Dialer(address(load.url), trusting(load))
    requests, spoken = _requests(load, share, dialer.address), _codec(load)
    begin = time.monotonic() + start - time.time()
    tally = (Tally if load.users else OpenTally)(begin, load.answer_within.total_seconds())
    telling = asyncio.create_task(_tell(tally, hear))
    try:
        await asyncio.sleep(max(0.0, begin - time.monotonic()))
        await _send(part, Sending(requests, spoken, tally), dialer)
    finally:
        telling.cancel()
        await dialer.close()
    _told(tally, hear)
    return Totals(dialer.shared.sent, dialer.shared.received, dialer.opened, dialer.trouble)


class Sending(NamedTuple):
    """What goes out, how it is read, and where it is counted."""

    requests: Iterator[Outgoing]
    codec: Codec
    tally: Tally


async def _send(part: Part, sending: Sending, dialer: Dialer) -> None:
    load, share, _, trace = part
    requests, spoken, tally = sending
    within, begin = tally.answer_within, tally.start
    if load.users:
        requests = islice(requests, share.part(load.requests)) if load.requests else requests
        users = ClosedLoop(requests, spoken, tally, within)
        await users.run(dialer, share.part(load.users), load.lasting.total_seconds())
    elif load.arrival:
        limits = Limits(
            share.part(load.max_in_flight), share.part(load.connections), float("inf"), float("inf")
        )
        due = islice(arrivals(load.arrival, load.seed, trace), share.number, load.requests, share.of)
        pool = Pool(dialer, limits)
        try:
            sender = OpenLoop(requests, spoken, tally, within, limits.in_flight)
            await sender.run(pool, due, begin, load.lasting.total_seconds())
        finally:
            await pool.close()


async def _tell(tally: Tally, hear: Hear) -> None:
    while True:
        await asyncio.sleep(TELL)
        _told(tally, hear)


def _told(tally: Tally, hear: Hear) -> None:
    for index, second in tally.take():
        hear(index, second)


def _codec(load: Load) -> Codec:
    if load.protocol == "http":
        url = urlsplit(load.url if "://" in load.url else f"http://{load.url}")
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return Plain(path, load.ask.method, {}, load.ask.body)
    return codec(load.protocol, load.model)


def _requests(load: Load, share: Share, where: Address) -> Iterator[Outgoing]:
    spoken = _codec(load)
    prefix = "" if load.protocol == "http" else where.prefix

    def encoded(row: Row) -> bytes:
        return encode(spoken.request(row), where.authority, prefix, load.ask.headers)

    if load.protocol == "http":
        return outgoing(repeat(NOTHING.row), encoded)
    rows = shuffled(parse(load.rows, "rows") if load.rows else golden(), load.seed)
    return outgoing(islice(rows, share.number, None, share.of), encoded)


def trusting(load: Load) -> ssl.SSLContext | None:
    """Whom to trust. Raises Invalid."""
    if not load.authorities:
        return None
    try:
        return ssl.create_default_context(cadata=load.authorities)
    except ssl.SSLError as wrong:
        raise Invalid(f"the certificates of whom to trust cannot be read: {wrong}") from wrong
