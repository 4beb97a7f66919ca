"""Why: scripts depend on exit codes, and people on one clear message. Both are decided here."""

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import typer

BAD_INPUT = 2
BUG = 70


def exit_code(error: Exception) -> int:
    """Say on stderr what went wrong; the code to exit with."""
    from chaosctl.errors import ChaosError, Illegal

    if isinstance(error, ChaosError) and not isinstance(error, Illegal):
        typer.echo(f"chaosctl: {error}", err=True)
        return BAD_INPUT
    return _bug(error)


def _bug(error: Exception) -> int:
    """A mistake of ours: keep the traceback for the report, show where it lies."""
    folder = Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - also when the state folder is the trouble
    file = folder / f"chaosctl-bug-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    text = "".join(traceback.format_exception(error))
    try:
        file.write_text(text)
    except OSError:
        typer.echo(text, err=True)
    typer.echo(
        f"chaosctl: a bug of ours: {type(error).__name__}: {error}\n"
        f"  The details are in {file}. Please report it with that file, and say what you ran:\n"
        f"  chaosctl {' '.join(sys.argv[1:])}\n"
        "  Then run: chaosctl recover --dry-run (it shows whether anything was left behind)",
        err=True,
    )
    return BUG
