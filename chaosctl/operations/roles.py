"""Why: an account has the rights that it needs and no others, so what is needed must be said, and said once.

Each kind of fault says it for itself; here is what controller, guardian and watchdog do beside that. Roles
of the chart are written from this, and a test holds it against the requests that are really sent.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chaosctl.catalog import Catalog
from chaosctl.catalog.crds import GROUP
from chaosctl.cluster.lease import GUARDIAN
from chaosctl.model import Json
from chaosctl.spec import Rule
from chaosctl.watchdog import lease as watchdogs

CLUSTER_WIDE = frozenset({"daemonsets", "nodes"})
"""Resources that lie in no namespace, or are looked for in all, so that no Role of one can grant them."""
CONTROLLERS = "chaosctl-controller"


class Grant(NamedTuple):
    """A rule, where it is needed only for some objects with their names."""

    rule: Rule
    names: tuple[str, ...] = ()


class Rights(NamedTuple):
    """What somebody may do: in the namespaces of targets, in its own, and in the cluster as a whole."""

    targets: tuple[Grant, ...] = ()
    home: tuple[Grant, ...] = ()
    cluster: tuple[Grant, ...] = ()

    def as_json(self) -> Json:
        scopes = {name: [_as_json(grant) for grant in grants] for name, grants in self._asdict().items()}
        return {name: [*grants] for name, grants in scopes.items() if grants}


LOOKING = (
    Rule("", "namespaces", ("get",)),  # has it opted in?
    Rule("", "pods", ("list",)),
    Rule("", "services", ("get",)),
    Rule("apps", "deployments", ("get",)),
    Rule("apps", "replicasets", ("list",)),
)
LEDGERS = (Rule("", "configmaps", ("get", "list", "create", "patch", "delete")),)
OBJECTS = (
    Rule(GROUP, "playbooks", ("get",)),
    Rule(GROUP, "drills", ("get", "list")),
    Rule(GROUP, "drills/status", ("patch",)),
    Rule(GROUP, "runs", ("get", "list", "watch", "create")),
    Rule(GROUP, "runs", ("delete",)),  # finished ones, beyond what their Drill keeps
    Rule(GROUP, "runs/status", ("patch",)),
)
TELLING = (Rule("", "events", ("create",)),)
HEARING = (Rule("", "events", ("list",)),)


def controller() -> Rights:
    """Of the controller, which is guardian too, without the faults."""
    return Rights(
        targets=_grants((*OBJECTS, *LOOKING, *LEDGERS, *HEARING, *TELLING)),
        home=_lease(CONTROLLERS, GUARDIAN),
    )


def watchdog() -> Rights:
    """Of the watchdog, which rolls back Deployments."""
    deployments = Rule("apps", "deployments", ("list", "patch"))
    rules = Rule("", "configmaps", ("get",))
    return Rights(targets=_grants((*LOOKING, *TELLING, deployments, rules)), home=_lease(watchdogs.NAME))


def guardian(catalog: Catalog) -> Rights:
    """Of a guardian alone: it undoes what any fault did, and may do as much."""
    kinds = tuple(faults(catalog).values())
    return Rights(
        targets=(*_grants(LEDGERS), *(grant for kind in kinds for grant in kind.targets)),
        home=_lease(GUARDIAN),
        cluster=tuple(grant for kind in kinds for grant in kind.cluster),
    )


def rules(grants: Iterable[Grant]) -> Json:
    """The rules of a Role, as the API has them."""
    return {"rules": [_as_rule(grant) for grant in dict.fromkeys(grants)]}


def faults(catalog: Catalog) -> Mapping[str, Rights]:
    """What each kind of fault needs beside that."""
    return {name: _of((*kind.needs, *kind.looks)) for name, kind in catalog.faults.items()}


def cluster_bound(catalog: Catalog) -> tuple[str, ...]:
    """The kinds of fault that are refused where nothing beyond some namespaces is granted."""
    return tuple(name for name, kind in catalog.faults.items() if _of(kind.needs).cluster)


def as_json(catalog: Catalog) -> Json:
    """Everybody's rights, as the chart reads them."""
    kinds: Json = {name: rights.as_json() for name, rights in faults(catalog).items()}
    return {"controller": controller().as_json(), "watchdog": watchdog().as_json(), "faults": kinds}


def _of(needs: Iterable[Rule]) -> Rights:
    wide = tuple(rule for rule in needs if rule.resource in CLUSTER_WIDE)
    return Rights(targets=_grants(rule for rule in needs if rule not in wide), cluster=_grants(wide))


def _grants(rules: Iterable[Rule]) -> tuple[Grant, ...]:
    return tuple(map(Grant, rules))


def _lease(*names: str) -> tuple[Grant, ...]:
    """Hold these Leases. Creating cannot be narrowed to a name."""
    group, resource = "coordination.k8s.io", "leases"
    return (
        Grant(Rule(group, resource, ("create",))),
        Grant(Rule(group, resource, ("get", "patch")), tuple(sorted(names))),
    )


def _as_rule(grant: Grant) -> Json:
    names: Json = {"resourceNames": [*grant.names]} if grant.names else {}
    rule = grant.rule
    return {"apiGroups": [rule.group], "resources": [rule.resource], **names, "verbs": [*rule.verbs]}


def _as_json(grant: Grant) -> Json:
    names: Json = {"names": [*grant.names]} if grant.names else {}
    rule = grant.rule
    return {"group": rule.group, "resource": rule.resource, "verbs": [*rule.verbs], **names}
