"""Why: a pod's children may outlive their parent, and a killed sandbox cannot look for them.

The keeper is a tiny process beside the sandbox. It waits until the pipe from the sandbox closes, for whatever
reason, and then kills every process that carries the sandbox's mark in its environment. Run as a script:
`keeper.py MARK`; it imports almost nothing.
"""

import contextlib
import os
import signal
import sys

VARIABLE = "CHAOSCTL_SANDBOX"


def marked(mark: bytes) -> list[int]:
    """The living processes that were started with this mark. A zombie has no environment left."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208  # pathlib takes longer to import
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as environ:  # noqa: PTH123
            if mark in environ.read().split(b"\0"):
                found.append(int(name))
    return found


def kill_all(mark: bytes) -> None:
    """Kill until none is left: one may fork while we look."""
    while victims := marked(mark):
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)


def main(mark: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    kill_all(f"{VARIABLE}={mark}".encode())


if __name__ == "__main__":
    main(sys.argv[1])
