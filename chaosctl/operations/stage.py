"""Why: a run's traffic is its workload, and what entries of the timeline send on top of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from random import Random

from chaosctl.catalog.traces import recorded
from chaosctl.errors import CannotPlan, Invalid
from chaosctl.model import Stream
from chaosctl.operations.address import service_address
from chaosctl.ports import Answers, Clock, Reader
from chaosctl.spec import Script, Target, Workload
from chaosctl.spec.arrivals import written
from chaosctl.streams.arrivals import arrivals
from chaosctl.streams.codecs import codec
from chaosctl.streams.corpus import Corpus, golden, parse, shuffled
from chaosctl.streams.samples import Window
from chaosctl.traffic.address import Address
from chaosctl.traffic.files import enough_files
from chaosctl.traffic.pool import BRIEF, MAX_IN_FLIGHT, Limits
from chaosctl.traffic.workload import Traffic
from chaosctl.traffic.workload import Workload as Sender

KEPT = 200_000  # answers; checks look at the latest seconds, and a run has 128 MiB


class Player:
    """Plays a script's workload against its target."""

    def __init__(self, see: Reader, clock: Clock) -> None:
        self._see = see
        self._clock = clock

    @asynccontextmanager
    async def __call__(self, script: Script, target: Target) -> AsyncIterator["Playing"]:
        """The stage, while the workload is being sent. Raises Invalid, ClusterError."""
        if script.workload is None:
            raise Invalid("the script has no workload")
        where = await service_address(target, self._see)
        async with asyncio.TaskGroup() as group:  # a sender that fails ends whoever reads its answers
            playing = Playing(script, where, self._clock, group)
            try:
                yield playing
            finally:
                playing.stop()


class Playing:
    """The traffic of one run; a Stage. Its senders end with the group."""

    def __init__(self, script: Script, where: Address, clock: Clock, group: asyncio.TaskGroup) -> None:
        assert script.workload is not None  # noqa: S101  who plays has one
        self.script = script
        self.workload = script.workload
        self.where = where
        self.clock = clock
        self.group = group
        self.senders: dict[str, asyncio.Task[None]] = {}
        self.windows: dict[str, Window] = {}
        self.in_flight = MAX_IN_FLIGHT
        process = written(self.workload.arrival)
        due = arrivals(process, script.seed, recorded(process))
        within = self.workload.answer_within.total_seconds()
        self.answers = self._send("", self._traffic(due, script.seed), within, BRIEF)

    def begin(self, name: str, stream: Stream, until: datetime) -> None:
        """Send a stream on top of the workload until then. Raises CannotPlan."""
        try:
            enough_files(self.in_flight + stream.most)
        except Invalid as few:
            raise CannotPlan(str(few)) from few
        self.in_flight += stream.most
        seed = _seed(self.script, name)
        due = arrivals(written(stream.arrival), seed)
        lasting = (until - self.clock.now()).total_seconds()
        limits = Limits(stream.most, stream.most)
        self._send(name, self._traffic(due, seed), stream.answer_within, limits, lasting)

    async def end(self, name: str) -> None:
        """Send no more of it, and wait for nothing that is under way."""
        sender = self.senders.pop(name, None)
        if sender is not None:
            sender.cancel()
            await asyncio.wait([sender])

    def of(self, name: str) -> Answers | None:
        """What a stream saw; None where it has not begun."""
        return self.windows.get(name)

    def stop(self) -> None:
        """Send nothing more."""
        for sender in self.senders.values():
            sender.cancel()

    def _send(
        self, name: str, traffic: Traffic, within: float, limits: Limits, lasting: float = float("inf")
    ) -> Window:
        window = self.windows[name] = Window(within, KEPT)
        sender = Sender(
            self.where, traffic, window, limits=limits, clock=lambda: self.clock.now().timestamp()
        )
        self.senders[name] = self.group.create_task(sender.run(lasting))
        return window

    def _traffic(self, due: Iterator[float], seed: int) -> Traffic:
        target = self.script.target
        return Traffic(due, shuffled(_corpus(self.workload), seed), codec(target.protocol, target.model))


def _seed(script: Script, name: str) -> int:
    """Of an entry's stream: the same in every run of the same script."""
    return Random(f"{script.seed} {name}").getrandbits(63)  # noqa: S311  repeatable, not secret


def _corpus(workload: Workload) -> Corpus:
    file = workload.requests.get("file")
    return parse(Path(str(file)).read_text(encoding="utf-8"), str(file)) if file else golden()
