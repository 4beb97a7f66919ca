"""Why: a journal changes hands between processes that are killed or paused; so tests start real ones."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

HELPER = Path(__file__).with_name("samples.py")


@contextmanager
def process(what, place):
    """Another process that appends; killed at the end, whatever happened."""
    command = [sys.executable, str(HELPER), what, str(place.where)]
    environment = os.environ | {"PYTHONPATH": str(HELPER.parent.parent)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def tell(child, line):
    """Have it append something; what it says to that."""
    child.stdin.write(f"{line}\n")
    child.stdin.flush()
    return child.stdout.readline()


def acknowledged(child, at_least):
    """Wait until it has appended so many; how many it has."""
    number = 0
    while number < at_least:
        number = int(child.stdout.readline())
    return number


def rest(child, number):
    """What it had appended at its end."""
    said = child.stdout.read().split()
    return int(said[-1]) if said else number
