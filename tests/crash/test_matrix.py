"""Why: a few of the positions of `make crash` are tried with every change; the whole takes minutes."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent


def test_runs_that_are_killed_leave_nothing_behind():
    command = [sys.executable, "-m", "crash.matrix", "--most", "6"]

    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False, timeout=240)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "runs killed by SIGKILL" in done.stdout
    assert "0 in trouble" in done.stdout
