"""Why: "nothing left behind, or exit 5 with a command that repairs it" is tried on all kinds of bad days.

`python -m crash.chaos [--once] [--seeds N]`: signals at many positions, a full disk, a locked store,
an API server that misbehaves; a table of what came of it.
"""

import argparse
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx

from chaosctl.operations.home import home
from crash import rough, trouble
from crash.matrix import Matrix
from crash.scene import Cluster
from crash.ward import AT_ONCE, Day, Ward, roomy
from crash.world import start, wait_for, world

SEEDS = 15 * len(rough.KINDS)
POSITIONS = 40
DISKS = (100_000, 250_000, 400_000, 550_000)  # bytes; each is full at another moment
LARGE = 8_000_000
LEFT_BEHIND = 1


def every(positions, most):
    """So many of them, from the first to the last."""
    step = max(1, len(positions) // most)
    return positions[::step][:most]


def signals(positions):
    for position in positions:
        for number in (signal.SIGINT, signal.SIGTERM):
            yield Day(f"{number.name}", position, lambda _, number=number: trouble.signalled(number))
        yield Day("SIGSTOP, SIGCONT", position, lambda _: trouble.signalled(signal.SIGSTOP))


def disks(positions):
    """A disk that is full from some position on, and some that are too small."""
    full = {"heal": roomy, "recovers": True, "says": "store.db"}
    for size in DISKS:
        yield Day("disk too small", size=size, **full)
    for position in positions:
        yield Day("disk full", position, trouble.filled, size=LARGE, **full)


def locks(positions):
    yield Day("store locked before", strike=held, codes=(2,), says="another process holds the store")
    for position in positions:
        says = "another process holds the store"
        yield Day("store locked", position, held, codes=(3, 5), says=says, recovers=True)


def held(state):
    return trouble.locked(state / "store.db")


def rough_days(seeds, proxy, ward, *, guarded):
    """One run for each seed, through a proxy that misbehaves."""
    cluster = ward.cluster
    token = urlsplit(cluster.url).path
    text = cluster.kubeconfig.read_text()
    for seed in seeds:
        file = ward.folder / f"kubeconfig-{seed}"
        file.write_text(text.replace(cluster.url, f"{proxy}/{seed}{token}"))
        file.chmod(0o600)

        def heal(_, seed=seed):
            httpx.post(f"{proxy}/heal/{seed}").raise_for_status()

        yield Day(rough.kind_of(seed), guarded=guarded, kubeconfig=str(file), heal=heal)


@contextmanager
def rough_server(folder, cluster):
    """The URL of a proxy that misbehaves."""
    parts = urlsplit(cluster.url)
    file = folder / "rough"
    origin = f"{parts.scheme}://{parts.netloc}"
    process = start(folder, "-m", "crash.rough", "--to", origin, "--file", str(file))
    try:
        wait_for(file.exists, folder)
        yield file.read_text()
    finally:
        process.terminate()
        process.wait(timeout=30)


def own_days(positions, signalled, appended):
    """Signals at so many positions, full disks and locked stores at so many appends."""
    appends = [one for one in positions if one.operation.startswith("append") and one.moment == "before"]
    chosen = every(appends, appended)
    return [*signals(every(positions, signalled)), *disks(chosen), *locks(chosen)]


def recorded_in(ward):
    """Where a run can be struck."""
    return Matrix(ward.folder, ward.cluster, ward.kubeconfig, AT_ONCE).recorded()


def own_troubles(positions):
    """Signals, disks and locks; a guardian stands by."""
    with clinic() as (ward, _):
        recorded = recorded_in(ward)
        yield from ward.run(own_days(recorded, positions, positions // 4))


def rough_servers(seeds, *, guarded):
    """API servers that misbehave; without a guardian the run is alone with its promise."""
    with clinic(guarded=guarded) as (ward, proxy):
        days = list(rough_days(seeds, proxy, ward, guarded=guarded))
        days.sort(key=lambda day: day.row not in rough.FOR_GOOD)  # these take longest
        yield from ward.run(days)


def once():
    """Every kind of day once, in little time: signals where a release is under way, short patience."""
    with clinic() as (ward, proxy):
        recorded = recorded_in(ward)
        positions = [one for one in recorded if "release" in one.operation]
        days = [*rough_days(range(len(rough.KINDS)), proxy, ward, guarded=True), *own_days(positions, 2, 2)]
        yield from ward.run([replace(day, hasty=True) for day in reversed(days)])


@contextmanager
def clinic(*, guarded=True):
    """A sandbox, with a ward and a proxy that misbehaves."""
    with world(guardian=guarded) as (folder, kubeconfig):
        home().key()  # one installation, so that a guardian and `recover` know the ledgers
        cluster = Cluster(kubeconfig)
        with rough_server(folder, cluster) as proxy:
            yield Ward(folder, kubeconfig, cluster), proxy
        cluster.close()


def table(results):
    """What happened, how the runs ended, how long they took, what was left."""
    rows = {}
    for one in results:
        rows.setdefault(one.day.row, []).append(one)
    print(f"{'what happened':<22} {'runs':>5}  {'exit code: runs':<34} {'longest':>8}  left or wrong")
    for row, found in rows.items():
        codes = ", ".join(
            f"{code}: {count}" for code, count in sorted(Counter(one.code for one in found).items())
        )
        wrong = sum(bool(one.trouble) for one in found)
        longest = max(one.seconds for one in found)
        print(f"{row:<22} {len(found):>5}  {codes:<34} {longest:>6.1f} s  {wrong or 'nothing'}")


def survey(given):
    """Everything that was asked for."""
    if given.positions:
        yield from own_troubles(given.positions)
    middle, end = given.first + given.seeds // 2, given.first + given.seeds
    yield from rough_servers(range(given.first, middle), guarded=True)
    yield from rough_servers(range(middle, end), guarded=False)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--positions", type=int, default=POSITIONS)
    parser.add_argument("--once", action="store_true", help="every kind of bad day once")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    results = list(once() if given.once else survey(given))
    table(results)
    bad = [one for one in results if one.trouble]
    for one in bad:
        print(f"\n{one.day.row} {one.day.position or one.day.kubeconfig}: {one.trouble}")
    took = time.monotonic() - began
    print(f"{len(results)} bad days in {took:.0f} s; {len(bad)} left something or went wrong")
    return LEFT_BEHIND if bad else 0


if __name__ == "__main__":
    sys.exit(main())
