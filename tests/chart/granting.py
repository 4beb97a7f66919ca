"""Why: to see what a right is for, it must be possible to give an account all but that one."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from cli.installation import Installation

from chaosctl.catalog import catalog_of
from chaosctl.faults import FAULTS
from chaosctl.operations import roles
from chaosctl.probes import PROBES

CATALOG = catalog_of(FAULTS, PROBES)
HOME = "chaosctl-system"
ACCOUNT = f"system:serviceaccount:{HOME}:chaosctl"
RBAC = "rbac.authorization.k8s.io"
REVIEWS = {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}  # every account may create these
Rule = Mapping[str, Any]


class Right(NamedTuple):
    """One verb on one resource; `home` where it is needed in our own namespace only."""

    group: str
    resource: str
    verb: str
    home: bool = False
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{' at home' if self.home else ''}"


def controller(*kinds: str) -> frozenset[Right]:
    """The controller's rights with these faults; by default with all."""
    faults = roles.faults(CATALOG)
    chosen = [roles.controller(), *(faults[kind] for kind in kinds or faults)]
    return frozenset(right for rights in chosen for right in flat(rights))


def flat(rights: roles.Rights) -> Iterable[Right]:
    for home, grants in ((False, (*rights.targets, *rights.cluster)), (True, rights.home)):
        for rule, names in grants:
            yield from (Right(rule.group, rule.resource, verb, home, names) for verb in rule.verbs)


def rules(rights: Iterable[Right]) -> list[Rule]:
    """As a Role writes them."""
    verbs = defaultdict(list)
    for right in sorted(rights):
        verbs[right.group, right.resource, right.names].append(right.verb)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": found}
        | ({"resourceNames": [*names]} if names else {})
        for (group, resource, names), found in verbs.items()
    ]


def manifests(rights: Iterable[Right], account: str = "chaosctl") -> list[Rule]:
    """The Roles of these rights, bound to an account."""
    home = [right for right in rights if right.home]
    away = [right for right in rights if not right.home]
    return [*_role("ClusterRole", away, account, {}), *_role("Role", home, account, {"namespace": HOME})]


def limited(installation: Installation, rights: Iterable[Right], account: str) -> Path:
    """A kubeconfig of an account with these rights in the installation's sandbox."""
    file = installation.home / f"{account}.yaml"
    file.write_text(yaml.safe_dump_all(manifests(rights, account)))
    installation.kubectl("--namespace", HOME, "create", "serviceaccount", account)
    installation.kubectl("apply", "--filename", str(file))
    token = installation.kubectl("--namespace", HOME, "create", "token", account).strip()
    config = yaml.safe_load((installation.home / "sandbox" / "kubeconfig").read_text())
    config["users"][0]["user"] = {"token": token}
    server = config["clusters"][0]["cluster"]["server"]
    config["clusters"][0]["cluster"]["server"] = server.partition("/t/")[0]  # the administrator's token
    file.write_text(yaml.safe_dump(config))
    return file


def _role(kind: str, rights: Iterable[Right], account: str, where: Mapping[str, str]) -> list[Rule]:
    head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": account, **where}}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": HOME}
    reference = {"apiGroup": RBAC, "kind": kind, "name": account}
    role = {**head, "kind": kind, "rules": rules(rights)}
    return [role, {**head, "kind": f"{kind}Binding", "roleRef": reference, "subjects": [subject]}]


def used(log: Path, account: str = "chaosctl") -> frozenset[Right]:
    """What an account asked for, by a sandbox's audit log; names are left out."""
    user = f"system:serviceaccount:{HOME}:{account}"
    entries = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return frozenset(_asked(one) for one in entries if one["user"]["username"] == user and _counts(one))


def nameless(rights: Iterable[Right]) -> frozenset[Right]:
    return frozenset(right._replace(names=()) for right in rights)


def _counts(entry: Rule) -> bool:
    return "objectRef" in entry and entry["objectRef"]["resource"] not in REVIEWS


def _asked(entry: Rule) -> Right:
    what = entry["objectRef"]
    resource = "/".join(filter(None, [what["resource"], what.get("subresource", "")]))
    return Right(what.get("apiGroup", ""), resource, entry["verb"], what["resource"] == "leases")
