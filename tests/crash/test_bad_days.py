"""Why: every kind of bad day once, in the time that a test may take; `make chaos` tries hundreds."""

import pytest

from crash import chaos, rough
from crash.matrix import Matrix
from crash.scene import Cluster
from crash.ward import Ward
from crash.world import world

SIGNALLED, APPENDED = 2, 2  # positions


@pytest.fixture(scope="module")
def results():
    """All days at once: most of their time is waiting."""
    with world() as (folder, kubeconfig):
        cluster = Cluster(kubeconfig)
        positions = [
            one for one in Matrix(folder, cluster, kubeconfig).recorded() if "release" in one.operation
        ]
        with chaos.rough_server(folder, cluster) as proxy:
            seeds = range(len(rough.KINDS))
            days = [
                *chaos.rough_days(seeds, proxy, cluster, folder, guarded=True),
                *chaos.own_days(positions, SIGNALLED, APPENDED),
            ]
            return list(Ward(folder, kubeconfig, cluster).run(days))


def test_nothing_is_left_behind_or_a_command_is_named_that_repairs_it(results):
    assert [(one.day.row, one.trouble) for one in results if one.trouble] == []


def test_a_run_that_is_interrupted_is_aborted(results):
    assert {one.code for one in results if one.day.row in ("SIGINT", "SIGTERM")} == {3}
