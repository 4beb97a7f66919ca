"""Why: every figure starts programs in a home of their own and leaves nothing."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

CHAOSCTL = (sys.executable, "-m", "chaosctl")


@contextmanager
def home():
    """A state folder of its own, named in the environment."""
    with tempfile.TemporaryDirectory(prefix="chaosctl-bench-") as folder:
        os.environ["CHAOSCTL_HOME"] = folder
        yield Path(folder)


def run(*arguments, expect=0):
    """Run chaosctl; its output, and the seconds that it took."""
    began = time.monotonic()
    done = subprocess.run([*CHAOSCTL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout, time.monotonic() - began


@contextmanager
def sandbox(*options):
    """A sandbox with the model, as `chaosctl sandbox up` starts it; what it printed."""
    with home() as folder:
        said, _ = run("sandbox", "up", *options)
        try:
            yield folder, said
        finally:
            run("sandbox", "down")


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def median(values):
    return statistics.median(values)
