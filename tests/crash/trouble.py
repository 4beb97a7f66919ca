"""Why: processes are not only killed, but interrupted, stopped, out of space, locked out of their store."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from crash.deadly import Fate, Position

BLOCK = 4096  # bytes
HOLD_THE_STORE = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@dataclass
class Struck(Fate):
    """Something happens to the run, once, at one position; `mark` is there from then on."""

    strike: object = None
    mark: Path | None = None

    def reach(self, moment, operation, number):
        if Position(moment, operation, number) == self.dies_at:
            self.mark.touch()
            self.strike()


def signalled(number):
    """The run sends itself a signal."""
    return lambda: os.kill(os.getpid(), number)


def filled(folder):
    """Something else takes the rest of the disk."""

    def fill():
        ballast = (folder / "ballast").open("wb", buffering=0)
        with ballast, contextlib.suppress(OSError):  # no space left
            while ballast.write(bytes(BLOCK)):
                pass

    return fill


def locked(store):
    """Another process holds the store, as long as this one lives."""

    def lock():
        with sqlite3.connect(store):  # there is one, also when it is locked before the run
            pass
        command = [sys.executable, "-S", "-E", "-c", HOLD_THE_STORE, str(store)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout.readline() == b"held\n"
        HOLDERS.append(holder)

    return lock


HOLDERS = []  # their standard input must stay open as long as the run lives


@contextlib.contextmanager
def disk(folder, size):
    """A disk of its own, of so many bytes, at a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
