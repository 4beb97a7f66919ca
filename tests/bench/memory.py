"""How much memory the process of a run needs at its most (VmHWM)."""

import os
import subprocess

from postgres import server

from bench.tools import CHAOSCTL, sandbox

PLAYBOOKS = ("pod-kill", "latency", "wrong-release")
GOAL = "≤ 128 MiB"


def of_a_run():
    with sandbox():
        for name in PLAYBOOKS:
            yield f"peak memory of `run {name}`", f"{peak(name):.0f} MiB", GOAL


def with_a_server():
    """The driver is in memory too."""
    with sandbox(), server() as postgres:
        found = peak(PLAYBOOKS[0], CHAOSCTL_STORE=postgres.url(postgres.database()))
        yield f"peak memory of `run {PLAYBOOKS[0]}` with PostgreSQL", f"{found:.0f} MiB", GOAL


def peak(name, **environment):
    """Of one run that passes, in MiB."""
    command = [*CHAOSCTL, "run", name, "--sandbox", "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, name
    return usage.ru_maxrss / 1024
