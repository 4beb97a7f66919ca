"""Why: every kind of bad day once, in the time that a test may take; `make chaos` tries hundreds."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent


def test_bad_days_leave_nothing_behind_or_name_the_command_that_repairs_it():
    command = [
        sys.executable,
        "-m",
        "crash.chaos",
        "--once",
    ]  # it forks, which a process with threads must not
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)

    assert "; 0 left something or went wrong" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
