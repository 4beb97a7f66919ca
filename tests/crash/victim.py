"""Why: a victim is a whole run in a process of its own, forked where everything is imported already."""

import asyncio
import os
import sys
import traceback
from dataclasses import replace

from chaosctl.cli.exits import exit_code
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.engine.guards import Guarding
from chaosctl.operations import conduct as conducting
from chaosctl.operations.connect import connected
from chaosctl.operations.order import Access
from chaosctl.operations.perform import Performer
from chaosctl.operations.run import run_one
from chaosctl.operations.viewing import Silent
from chaosctl.store import Store
from crash.deadly import DeadlyCluster, DeadlyStore, Fate, in_lanes

INTERRUPTED = 130  # what the command line exits with before a run has claimed its target
REPAIR = "repair it with:"


def fork(script, home, kubeconfig, fate, **options):
    """Start a run in a child; its process id. Its output goes to `home/output`."""
    return child(home, lambda: asyncio.run(conduct(script, home, kubeconfig, fate, **options)))


def child(home, work):
    """Do something in a child that ends with its exit code, as the command line would; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        home.mkdir(parents=True, exist_ok=True)
        output = os.open(home / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = work()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        traceback.print_exc()
        code = exit_code(error)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


async def conduct(script, home, kubeconfig, fate=None, *, guarded=True, place=None):
    """A run as `chaosctl run` does it; its exit code."""
    fate = fate or Fate()
    conducting.Performer = lambda *arguments: in_lanes(Performer(*arguments))
    with Store(place or home / "store.db") as store:
        async with connected(Access(kubeconfig=str(kubeconfig))) as world:
            cluster = DeadlyCluster(world.cluster, fate)
            deadly = replace(world, cluster=cluster, ledgers=Ledgers(cluster, world.clock, world.ledgers.key))
            guarding = Guarding.ALIVE if guarded else Guarding.NONE
            outcome = await run_one(script, deadly, DeadlyStore(store, fate), Silent(), guarding)
    print(outcome.verdict, outcome.note)
    print(f"{REPAIR}\n{outcome.repair}" if outcome.repair else "")
    return outcome.verdict.exit_code
