"""Why: `python -m chaosctl` must work where the script is not on the path (make demo, child processes)."""

from chaosctl.cli import main

if __name__ == "__main__":
    main()
