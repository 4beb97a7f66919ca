"""Why: a pod's process must die with the sandbox, even when the sandbox is killed by SIGKILL.

Run as a script between fork and exec, because code in a forked child of a busy interpreter is not safe. It
imports almost nothing, so that it costs a few milliseconds: `launcher.py PARENT PROGRAM [ARGUMENT…]`.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
ORPHANED = 113


def main(parent: int, command: list[str]) -> None:
    """Become the command, to be killed when the parent dies."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the wish was known
        sys.exit(ORPHANED)
    os.execvp(command[0], command)  # noqa: S606  # the pod's own command, no shell wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
