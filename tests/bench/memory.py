"""How much memory the process of a run needs at its most (VmHWM)."""

import os
import subprocess

from bench.tools import CHAOSCTL, sandbox

PLAYBOOKS = ("pod-kill", "latency", "wrong-release")


def of_a_run():
    with sandbox():
        for name in PLAYBOOKS:
            command = [*CHAOSCTL, "run", name, "--sandbox", "--quiet"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, name
            yield f"peak memory of `run {name}`", f"{usage.ru_maxrss / 1024:.0f} MiB", "≤ 128 MiB"
