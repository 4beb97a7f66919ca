"""Why: a pod's process must say when it is ready, and must leave without dropping an answer."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path

from chaosctl.sandbox.model.application import Application
from chaosctl.sandbox.model.classifier import THRESHOLD, load
from chaosctl.sandbox.model.connection import Connection, connections_of
from chaosctl.sandbox.model.inference import Model
from chaosctl.sandbox.model.metrics import Metrics
from chaosctl.sandbox.model.settings import MODEL_NAME, Settings, configured_threshold
from chaosctl.sandbox.model.versions import VERSIONS

LOOK_AT_CONFIG_SECONDS = 0.5
LEAK_MIB = 8
LEAK_SECONDS = 0.1
LAST_ANSWER_SECONDS = 5.0


class ModelServer:
    """One process of the model, from the first request to the last."""

    def __init__(self, settings: Settings) -> None:
        """Load the weights. Raises ValueError if they, or the configuration, are broken."""
        version = VERSIONS[settings.version]
        classifier = load(Path(__file__).parent / version.weights)
        self.settings = settings
        self.pod = settings.pod
        self.connections: set[Connection] = set()
        self.leaving = False  # every answer is the last of its connection
        self.deaf = False  # nobody new is let in
        self.stopped = asyncio.Event()
        self.alone = asyncio.Event()
        model = Model(MODEL_NAME, settings.version, classifier, starting_threshold(settings))
        self.application = Application(
            model, Metrics(model.name, model.version), version.delay + settings.delay
        )

    async def serve(self) -> None:
        """Until SIGTERM or SIGINT, and then until the requests in flight are answered."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        async with asyncio.TaskGroup() as group:
            await self.start()
            habits = [group.create_task(habit) for habit in self.habits()]
            await self.stopped.wait()
            await self.leave()
            for habit in habits:
                habit.cancel()

    async def start(self) -> int:
        """Listen; the port, for those who asked for any."""
        loop = asyncio.get_running_loop()
        self.listener = await loop.create_server(
            connections_of(self, loop), self.settings.host, self.settings.port, backlog=1024
        )
        host, port = self.listener.sockets[0].getsockname()[:2]
        log(f"serving {MODEL_NAME} {self.settings.version} on http://{host}:{port}")
        return int(port)

    def habits(self) -> list[Coroutine[None, None, None]]:
        """What goes on beside answering."""
        habits = []
        if VERSIONS[self.settings.version].leaks:
            habits.append(leak(self.settings.memory_cap))
        if self.settings.config is not None and self.settings.threshold is None:
            habits.append(self.follow_config(self.settings.config))
        return habits

    async def leave(self) -> None:
        """Not ready first, and a little later deaf, so that a load balancer can look elsewhere in between."""
        log("asked to stop: finishing what is in flight")
        self.application.ready = False
        self.leaving = True
        await asyncio.sleep(self.settings.linger)
        self.listener.close()
        self.deaf = True
        for connection in tuple(self.connections):
            connection.leave()
        if not self.connections:
            self.alone.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_ANSWER_SECONDS):
                await self.alone.wait()
        for connection in tuple(self.connections):
            connection.transport.abort()

    def gone(self, connection: Connection) -> None:
        """The connection is closed."""
        self.connections.discard(connection)
        if self.deaf and not self.connections:
            self.alone.set()

    async def follow_config(self, path: Path) -> None:
        """Take over a changed threshold; a file that became unreadable changes nothing but the log."""
        seen = ""
        while True:
            await asyncio.sleep(LOOK_AT_CONFIG_SECONDS)
            try:
                threshold = configured_threshold(path)
            except ValueError as wrong:
                if seen != str(wrong):
                    log(f"keeping threshold {self.application.model.threshold}: {wrong}")
                seen = str(wrong)
                continue
            if threshold != self.application.model.threshold:
                log(f"threshold is now {threshold}")
                self.application.model = self.application.model._replace(threshold=threshold)


def starting_threshold(settings: Settings) -> float:
    if settings.threshold is not None:
        return settings.threshold
    return THRESHOLD if settings.config is None else configured_threshold(settings.config)


async def leak(cap: int) -> None:
    """Grow until somebody's limit, or the cap in MiB."""
    held = []
    for _ in range(0, cap, LEAK_MIB):
        held.append(b"\xff" * (LEAK_MIB * 1024 * 1024))  # zeros would be pages that nobody touched
        await asyncio.sleep(LEAK_SECONDS)
    log(f"holding {cap} MiB; no limit ended this")
    await asyncio.Event().wait()


def log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
