"""Why: to see what a right is for, it must be possible to give an account all but that one."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from cli.installation import Cluster

from chaosctl.catalog import catalog_of
from chaosctl.faults import FAULTS
from chaosctl.operations import roles
from chaosctl.probes import PROBES

CATALOG = catalog_of(FAULTS, PROBES)
HOME = "chaosctl-system"
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


class Account(NamedTuple):
    """A ServiceAccount, its own namespace, and those where it has rights: everywhere where none is named."""

    name: str
    home: str = HOME
    spaces: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.home}:{self.name}"


CONTROLLER = Account("chaosctl")


def controller(*kinds: str) -> frozenset[Right]:
    """The controller's rights with these faults; by default with all."""
    faults = roles.faults(CATALOG)
    chosen = [roles.controller(), *(faults[kind] for kind in kinds or faults)]
    return frozenset(right for rights in chosen for right in flat(rights))


def flat(rights: roles.Rights) -> Iterable[Right]:
    for home, grants in ((False, (*rights.targets, *rights.cluster)), (True, rights.home)):
        for rule, names in grants:
            yield from (Right(rule.group, rule.resource, verb, home, names) for verb in rule.verbs)


def nameless(rights: Iterable[Right]) -> frozenset[Right]:
    return frozenset(right._replace(names=()) for right in rights)


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


def manifests(rights: Iterable[Right], account: Account = CONTROLLER) -> list[Rule]:
    """An account with the Roles of these rights."""
    home = [right for right in rights if right.home]
    away = [right for right in rights if not right.home]
    where = {"name": account.name, "namespace": account.home}
    found = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where}]
    found += _role("home", home, account, account.home)
    for space in account.spaces or ("",):
        found += _role("targets", away, account, space)
    return found


def _role(name: str, rights: Iterable[Right], account: Account, space: str) -> list[Rule]:
    kind, where = ("Role", {"namespace": space}) if space else ("ClusterRole", {})
    head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": f"{account.name}-{name}", **where}}
    subject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.home}
    reference = {"apiGroup": RBAC, "kind": kind, "name": f"{account.name}-{name}"}
    role = {**head, "kind": kind, "rules": rules(rights)}
    return [role, {**head, "kind": f"{kind}Binding", "roleRef": reference, "subjects": [subject]}]


def kubectl(kubeconfig: Path, *arguments: str, stdin: object = None) -> str:
    """What the real program prints; `stdin` are objects."""
    command = ["kubectl", "--kubeconfig", str(kubeconfig), *arguments]
    sent = None if stdin is None else yaml.safe_dump_all(stdin)
    done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def limited(admin: Path, account: Account, file: Path) -> Path:
    """Write a kubeconfig of an account in a sandbox."""
    path = f"api/v1/namespaces/{account.home}/serviceaccounts/{account.name}/token"
    token = Cluster(admin).request("POST", path, {"spec": {}})["status"]["token"]
    config = yaml.safe_load(admin.read_text())
    config["users"][0]["user"] = {"token": token}
    server = config["clusters"][0]["cluster"]["server"]
    config["clusters"][0]["cluster"]["server"] = server.partition("/t/")[
        0
    ]  # without the administrator's token
    file.write_text(yaml.safe_dump(config))
    return file


def used(log: Path, account: Account = CONTROLLER) -> frozenset[Right]:
    """What an account asked for, by a sandbox's audit log; names are left out."""
    entries = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    mine = (one for one in entries if one["user"]["username"] == account.user and "objectRef" in one)
    return frozenset(_asked(one) for one in mine if one["objectRef"]["resource"] not in REVIEWS)


def _asked(entry: Rule) -> Right:
    what = entry["objectRef"]
    resource = "/".join(filter(None, [what["resource"], what.get("subresource", "")]))
    return Right(what.get("apiGroup", ""), resource, entry["verb"], what["resource"] == "leases")
