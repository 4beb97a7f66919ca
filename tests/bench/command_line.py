"""How long the first answer takes."""

from bench.tools import median, run

TIMES = 15


def help_time():
    seconds = [run("--help")[1] for _ in range(TIMES)]
    yield f"chaosctl --help, median of {TIMES}", f"{1000 * median(seconds):.0f} ms", "≤ 200 ms"
