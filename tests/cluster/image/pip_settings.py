"""Why: a build must find packages as this machine's pip does, and no file of ours may name an address.

Prints a pip.conf with what `pip config list` says here. The certificates come as a secret of their own.
"""

import configparser
import subprocess
import sys

HERE_ALONE = {"cert", "find-links", "cache-dir", "log"}  # paths that a build does not have


def settings() -> dict[str, str]:
    """Every setting by its name, the most specific one."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if key.split(".")[0] in {"global", "download", ":env:"} and name not in HERE_ALONE:
            found[name] = value.strip("'\"").replace("\\n", "\n    ")
    return {**found, "cert": "/run/secrets/ca"}


config = configparser.RawConfigParser()
config["global"] = settings()
config.write(sys.stdout)
