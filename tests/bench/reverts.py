"""How long a target stays broken after the end of a hold, until the ledger is closed."""

import asyncio
import io
from contextlib import redirect_stdout
from datetime import datetime

from crash.scene import Cluster, script
from crash.victim import conduct
from crash.world import wait_for, world

from bench.tools import quantile, run, sandbox
from chaosctl.store import Store

RUNS = 20  # of three entries each
PROXIED = ("latency", "errors", "disconnect")


def of_changes():
    with world() as (folder, kubeconfig):
        cluster = Cluster(kubeconfig)
        for number in range(RUNS):
            name = f"bench-{number}"
            cluster.furnish(name)
            wait_for(lambda name=name: cluster.is_ready(name), folder)
            (folder / "bench").mkdir(exist_ok=True)
            with redirect_stdout(io.StringIO()):
                asyncio.run(conduct(script(name), folder / "bench", kubeconfig))
        found = times(folder / "bench" / "store.db")
    yield from rows(found, f"end of hold to ledger closed, {len(found)} reverts", "≤ 1 s")


def of_proxies():
    with sandbox() as (folder, _):
        for name in PROXIED:
            run("run", name, "--sandbox", "--quiet")
        found = times(folder / "store.db")
    yield from rows(found, f"the same with proxies to hand back, {len(found)} reverts", "(apart)")


def times(file):
    """Seconds from `reverting` to `reverted`, for every entry of every run."""
    found = []
    with Store(file) as store:
        for one in store.runs():
            began = {}
            for event in store.events(one.id):
                if event["type"] == "reverting":
                    began[event["entry"]] = datetime.fromisoformat(event["at"])
                elif event["type"] == "reverted":
                    end = datetime.fromisoformat(event["at"])
                    found.append((end - began[event["entry"]]).total_seconds())
    return found


def rows(found, what, goal):
    text = f"p50 {quantile(found, 0.5):.2f} s, p99 {quantile(found, 0.99):.2f} s"
    yield what, text, goal
