"""Why: `recover` must not take the target away from a run that is still alive."""

import os
import socket
from functools import cache
from pathlib import Path

from chaosctl.model import Model

_PROC = Path("/proc")
_START_TIME = 19  # of the fields after the name in /proc/PID/stat: ticks after boot


class Owner(Model):
    """A process, by what no later process shares: machine, boot, number and time of birth."""

    host: str
    boot: str
    pid: int
    born: str


def myself() -> Owner:
    """The process that asks."""
    return process_owner(os.getpid())


def process_owner(pid: int) -> Owner:
    """A process of this machine."""
    return Owner(host=socket.gethostname(), boot=_boot(), pid=pid, born=_born(pid))


def lives(owner: Owner) -> bool:
    """Whether the process is alive, as far as can be seen from here; on other machines it may be."""
    if owner.host != socket.gethostname():
        return True
    return owner.boot == _boot() and bool(owner.born) and owner.born == _born(owner.pid)


@cache
def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""  # not Linux; then processes of before the boot look like others


def _born(pid: int) -> str:
    """When the process was started; empty when there is none, or only its remains."""
    try:
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[_START_TIME - 1]
