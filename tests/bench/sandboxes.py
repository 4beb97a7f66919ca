"""How long a sandbox takes from nothing to a model that answers."""

import re

from bench.tools import median, sandbox

TIMES = 3
SAID = re.compile(r"answered after ([\d.]+) s, the model ready after ([\d.]+) s")


def start():
    found = []
    for _ in range(TIMES):
        with sandbox() as (_, said):
            found.append([float(text) for text in SAID.search(said).groups()])
    api, ready = zip(*found, strict=True)
    yield f"sandbox up until its API answers, median of {TIMES}", f"{median(api):.1f} s", "≤ 1 s"
    yield f"until three pods are Ready, median of {TIMES}", f"{median(ready):.1f} s", "≤ 3 s"
