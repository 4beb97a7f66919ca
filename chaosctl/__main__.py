"""Why: our image starts everything as `chaosctl ROLE`, and `python -m chaosctl` is the same.

A proxy stands in a Service's way: it must be there at once and be small, so it is started without the command
line's own imports.
"""

import sys


def main() -> None:
    """Run a command."""
    if sys.argv[1:2] == ["proxy"]:
        from chaosctl.traffic.proxy.serve import run  # noqa: PLC0415 - only what is needed is imported

        run(sys.argv[2:])
    else:
        from chaosctl.cli import main as command_line  # noqa: PLC0415 - as above

        command_line()


if __name__ == "__main__":
    main()
