"""Why: whoever installs the chart must find every value, and every right that it grants, as they are."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from chaosctl.operations import roles
from chaosctl.operations.roles import Grant, Rights
from generator import markdown
from generator.documents import CATALOG

CHART = Path(__file__).parents[2] / "helm" / "chaosctl"
RECORDED = Path(__file__).parent / "recorded" / "can-i-list.txt"
ABOUT = """
How to install it: [with Helm](../how-to/install-with-helm.md). Values that are not listed are errors
(`values.schema.json`). What each Role holds is in [rights](rbac.md).
"""
RIGHTS_ABOUT = """
The Roles of the chart are written from this, and from `faults.enabled`: a fault that is not enabled adds no
right. There is no wildcard. With `namespaces: []` there is one ClusterRole; with names there is a Role in
each of them, and no ClusterRole. A test compares what is granted with the requests that are really sent,
and takes away each right in turn to see that it is missed.

Nobody needs a right to ask whether something is permitted (`selfsubjectaccessreviews`): every account has
it.
"""
NARROW = """
A release for some namespaces has no right beyond them, so faults that look at the whole cluster are refused
there, by the guard “permitted to do and to undo” or “plans pass a dry run”: {refused}. Whether a namespace
has opted in can be read with its own Role: Kubernetes counts a Namespace as lying in itself.
"""
CAN_I = """
As the cluster itself tells it, of the controller of a release with its default values, in the namespace
`models` (`kubectl auth can-i --list --namespace models --as
system:serviceaccount:chaosctl-system:chaosctl`). What every account may do is in it, too.
"""


class Value(NamedTuple):
    """One value of the chart: its path, its default, and its comment."""

    path: str
    default: object
    about: str


def page() -> str:
    rows = [(f"`{one.path}`", _shown(one.default), one.about) for one in values()]
    return markdown.page("Helm chart", ABOUT, markdown.table(("value", "default", "what"), rows))


def values() -> Iterator[Value]:
    """Every value that a comment stands above."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(text)
    for path, about in _comments(text):
        yield Value(".".join(path), _at(tree, path), about)


def rights() -> str:
    controller, watchdog, faults = roles.controller(), roles.watchdog(), roles.faults(CATALOG)
    refused = ", ".join(roles.cluster_bound(CATALOG))
    return markdown.page(
        "Rights in a cluster",
        RIGHTS_ABOUT,
        "## Controller",
        _table(controller),
        "## Faults, in addition",
        *(f"### {name}\n\n{_table(kind)}" for name, kind in faults.items()),
        "## Watchdog",
        _table(watchdog),
        "## In some namespaces only",
        NARROW.format(refused=refused),
        "## All of it",
        CAN_I,
        markdown.code(RECORDED.read_text(encoding="utf-8"), "text"),
    )


def _comments(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path of every key with a comment above it, and the comment."""
    path: list[str] = []
    said: list[str] = []
    for line in text.splitlines():
        key = re.match(r"( *)(\w+):", line)
        if key:
            path = [*path[: len(key[1]) // 2], key[2]]
            if said:
                yield tuple(path), " ".join(said)
        said = [*said, line.strip(" #")] if line.lstrip().startswith("#") else []


def _at(tree: Any, path: Iterable[str]) -> object:  # noqa: ANN401 - YAML
    for key in path:
        tree = tree[key]
    return tree


def _shown(value: object) -> str:
    return "" if value in ("", None) else f"`{json.dumps(value)}`"


def _table(rights: Rights) -> str:
    where: Mapping[str, tuple[Grant, ...]] = {
        "in namespaces of targets": rights.targets,
        "in its own namespace": rights.home,
        "in the whole cluster": rights.cluster,
    }
    rows = [(*_row(grant), place) for place, grants in where.items() for grant in grants]
    return markdown.table(("group", "resource", "verbs", "names", "where"), rows)


def _row(grant: Grant) -> tuple[str, str, str, str]:
    rule = grant.rule
    return rule.group or "(core)", rule.resource, ", ".join(rule.verbs), ", ".join(grant.names) or "any"
