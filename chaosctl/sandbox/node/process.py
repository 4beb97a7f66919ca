"""Why: pods are real processes; starting, signalling, measuring and losing one is done here and nowhere else.

Waiting uses a pidfd in the event loop: no threads, no SIGCHLD handler, and it works with uvloop.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from chaosctl.sandbox.node import keeper, launcher

_QUICK_PYTHON = (sys.executable, "-I", "-S")  # neither environment nor site-packages
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """A process in a session of its own. It dies with us; what it forked dies with it."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pidfd = os.pidfd_open(popen.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    @classmethod
    def start(cls, command: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> Self:
        """Start a command; what it prints is appended to the log. OSError if that cannot be."""
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603  # running what the pod asks for is the purpose
                [*_QUICK_PYTHON, launcher.__file__, str(os.getpid()), *command],
                env=dict(env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(popen)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return not self._exited.done()

    async def wait(self) -> int:
        """The exit code once it ended; 128 + n after signal n, as shells and Kubernetes count."""
        return await asyncio.shield(self._exited)

    def signal(self, number: int) -> None:
        """Signal the whole group, if it is still there."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def resident_bytes(self) -> int:
        """The memory that the process and its descendants hold now; 0 when it is gone."""
        return _resident_bytes(self.pid) if self.running else 0

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(
                self.pid, signal.SIGKILL
            )  # before it is waited for, so that the number is still its own
        code = self._popen.wait()
        self._exited.set_result(128 - code if code < 0 else code)


class Keeper:
    """The process that leaves nobody behind when the sandbox ends, however it ends."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What every process must carry to be found."""
        return {keeper.VARIABLE: self.mark}

    def ensure(self) -> None:
        """Start it, if it does not run yet."""
        if self._popen is None:
            self._popen = subprocess.Popen(  # noqa: S603  # our own script
                [*_QUICK_PYTHON, keeper.__file__, self.mark],
                env={},
                stdin=subprocess.PIPE,
                start_new_session=True,
            )

    async def close(self) -> None:
        """Kill what is left, and return when nothing is."""
        if self._popen is None:
            return
        self._popen.stdin.close() if self._popen.stdin else None
        await asyncio.to_thread(self._popen.wait)
        self._popen = None


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (OSError, IndexError):  # it ended while we looked
        return 0
    return pages * _PAGE + sum(_resident_bytes(int(child)) for child in children)
