"""Why: the controller's account must hold what its work needs, all of it, and nothing beside."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from chart.granting import Account, Right, controller, kubectl, manifests
from chart.scenes import Controller, ours, sandbox, scene, serve
from chart.test_rights import LATER
from cli.installation import Cluster, until

SERVING = controller("noop")
MISSED = sorted(one for one in SERVING if one.home or one.group == "chaosctl.dev" or str(one) in LATER)
WITHIN = 240.0  # seconds; many start at once


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Path]:
    with sandbox(tmp_path_factory.mktemp("serving") / "sandbox", "--pods", "objects") as admin:
        yield admin


@contextmanager
def serving(
    admin: Path, folder: Path, accounts: Mapping[Account, Iterable[Right]]
) -> Iterator[list[Controller]]:
    """A controller for each account, with its rights, and in its namespace a Run of a Drill to be done."""
    bodies = []
    for account, rights in accounts.items():
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": account.home}}
        bodies += [home, *scene(*account.spaces), *manifests(rights, account)]
        bodies.append(ours("Run", account.spaces[0], "first", {"drill": "weekly"}))
    kubectl(admin, "apply", "--filename", "-", stdin=bodies)
    with ExitStack() as stack:
        found = [serve(admin, folder / account.home, account) for account in accounts]
        for one in found:
            stack.callback(one.stop)
        yield found


def test_with_its_rights_a_controller_for_some_namespaces_runs_reports_and_cleans_up(cluster, tmp_path):
    account = Account("chaosctl", "whole", ("wholly",))
    with serving(cluster, tmp_path, {account: SERVING}) as (found,):
        until(lambda: "passed" in [one.get("verdict") for one in statuses(cluster, account)], WITHIN)
        until(lambda: "Passed" in [event["reason"] for event in items(cluster, account, "api/v1", "events")])
        until(lambda: "gone" not in str(items(cluster, account, "api/v1", "configmaps")))
        until(lambda: "often-202601010000" not in names(cluster, account), WITHIN)
        assert "forbidden" not in found.said


def test_every_right_is_missed_by_name_where_it_lacks(cluster, tmp_path):
    accounts = [Account("chaosctl", f"lacks-{one}", (f"lacking-{one}",)) for one in range(len(MISSED))]
    granted = {one: SERVING - {right} for one, right in zip(accounts, MISSED, strict=True)}
    with serving(cluster, tmp_path, granted) as found:
        waiting, end = dict(zip(MISSED, found, strict=True)), time.monotonic() + WITHIN
        while waiting and time.monotonic() < end:
            waiting = {right: one for right, one in waiting.items() if not misses(cluster, one, right)}
            time.sleep(0.2)
        assert list(map(str, waiting)) == [], "nobody missed them"


def misses(admin: Path, found: Controller, right: Right) -> bool:
    """Whether it says that it may not do this, in its log or in the Run's status."""
    said = found.said + str([status.get("message") for status in statuses(admin, found.account)])
    return f'cannot {right.verb} resource "{right.resource}"' in said


def statuses(admin: Path, account: Account) -> list[dict[str, object]]:
    return [run.get("status", {}) for run in runs(admin, account)]


def names(admin: Path, account: Account) -> list[str]:
    return [run["metadata"]["name"] for run in runs(admin, account)]


def runs(admin: Path, account: Account) -> list[dict[str, Any]]:
    return items(admin, account, "apis/chaosctl.dev/v1", "runs")


def items(admin: Path, account: Account, root: str, plural: str) -> list[dict[str, Any]]:
    return Cluster(admin).get(f"{root}/namespaces/{account.spaces[0]}/{plural}")["items"]
