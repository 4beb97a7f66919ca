"""Why: a laptop's run must be undone though the laptop is closed, and no guardian was ever installed."""

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from cli.background import Results, background
from cli.installation import Cluster, Installation, finished, until
from cli.playbooks import quiet_playbook

LANES = 2
TARGET = ("--target", "models/Deployment/sample-model")
ONE_REPLICA = {"kind": "scale-down", "replicas": 1}
MODELS = "api/v1/namespaces/models"
RBAC = "apis/rbac.authorization.k8s.io/v1/namespaces/models"
KINDS = {
    "jobs": "apis/batch/v1/namespaces/models/jobs",
    "serviceaccounts": f"{MODELS}/serviceaccounts",
    "roles": f"{RBAC}/roles",
    "rolebindings": f"{RBAC}/rolebindings",
    "secrets": f"{MODELS}/secrets",
    "configmaps": f"{MODELS}/configmaps",
    "pods": f"{MODELS}/pods",
}
LEDGER = f"{MODELS}/configmaps/chaosctl-deployment-sample-model"
SYSTEM = "chaosctl-system"
MAY = [
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]},
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list", "delete"]},
    {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["list"]},
]
MAKE = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["serviceaccounts", "secrets"], "verbs": ["create"]},
    {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["create"]},
]


def without_a_guardian(installation: Installation) -> Cluster:
    """The sandbox as a cluster in which nobody has installed anything of ours."""
    cluster = installation.up()
    cluster.request("DELETE", f"apis/apps/v1/namespaces/{SYSTEM}/deployments")
    until(lambda: not cluster.items("pods", SYSTEM))  # one that is alive would make its namespace again
    if SYSTEM in spaces(cluster):
        cluster.request("DELETE", f"api/v1/namespaces/{SYSTEM}")
    until(lambda: SYSTEM not in spaces(cluster))
    return cluster


def spaces(cluster: Cluster) -> list[str]:
    return [one["metadata"]["name"] for one in cluster.get("api/v1/namespaces")["items"]]


def names(cluster: Cluster) -> dict[str, list[str]]:
    """Everything that a guardian's Job comes with."""
    found = {plural: cluster.get(path)["items"] for plural, path in KINDS.items()}
    return {plural: sorted(one["metadata"]["name"] for one in items) for plural, items in found.items()}


def of_a_run(cluster: Cluster) -> dict[str, int]:
    """How many of each kind bear a run's label."""
    found = {plural: cluster.get(path)["items"] for plural, path in KINDS.items()}
    bears = {
        plural: sum("chaosctl.dev/run" in one["metadata"].get("labels", {}) for one in items)
        for plural, items in found.items()
    }
    return {plural: count for plural, count in bears.items() if count}


def running(installation: Installation, hold: str, *options: str, **environment: str):
    file = quiet_playbook(installation.home, ONE_REPLICA, hold=hold)
    return installation.start(
        "run",
        file,
        *TARGET,
        "--kubeconfig",
        str(installation.home / "sandbox" / "kubeconfig"),
        *options,
        **environment,
    )


def whole(installation: Installation):
    """A run that ends as it should."""
    cluster = without_a_guardian(installation)
    before, there = cluster.picture(), names(cluster)
    process = running(installation, "4s")
    until(lambda: cluster.model()["spec"]["replicas"] == 1)
    brought = of_a_run(cluster)
    done = finished(process)
    until(lambda: cluster.picture()["pods"] == before["pods"])
    until(lambda: len(names(cluster)["pods"]) == len(there["pods"]))
    after = names(cluster)
    same = {plural: there[plural] == after[plural] for plural in KINDS if plural != "pods"}
    return {"code": done.code, "out": done.out + done.err, "brought": brought, "same": same}


def killed(installation: Installation):
    """The runner dies in its hold, and nobody but the Job is there."""
    cluster = without_a_guardian(installation)
    before, there = cluster.picture(), names(cluster)
    process = running(installation, "8s")
    until(lambda: cluster.model()["spec"]["replicas"] == 1)
    until(lambda: line(cluster)["state"] == "applied")
    deadline = datetime.fromisoformat(line(cluster)["deadline"])
    process.send_signal(signal.SIGKILL)
    finished(process)
    answers = tried(cluster)
    until(lambda: cluster.model()["spec"]["replicas"] == 3)
    late = (datetime.now(UTC) - deadline).total_seconds()
    until(lambda: line(cluster)["state"] == "closed")
    guarded = of_a_run(cluster)
    dry = installation("recover", "--sandbox", "--dry-run")
    recovered = installation("recover", "--sandbox")
    until(lambda: cluster.picture()["pods"] == before["pods"])
    until(lambda: len(names(cluster)["pods"]) == len(there["pods"]))
    after = names(cluster)
    return {
        "late": late,
        "answers": answers,
        "guarded": guarded,
        "dry": dry.out,
        "recovered": [recovered.code, recovered.out, recovered.err],
        "same": {plural: there[plural] == after[plural] for plural in KINDS if plural != "pods"},
        "picture": cluster.picture() == before,
    }


def line(cluster: Cluster):
    (found,) = json.loads(cluster.get(LEDGER)["data"]["ledger"])["lines"]
    return found


def tried(cluster: Cluster) -> dict[str, int]:
    """What happens when somebody else gets hold of the Job's identity."""
    (account,) = [one for one in names(cluster)["serviceaccounts"] if one.startswith("chaosctl-guardian-")]
    asked = cluster.request("POST", f"{MODELS}/serviceaccounts/{account}/token", {"spec": {}})
    headers = {"Authorization": f"Bearer {asked['status']['token']}"}
    base = cluster.url.partition("/t/")[0]
    other = {"metadata": {"name": "other"}, "data": {"password": "eA=="}}
    cluster.request("POST", f"{MODELS}/secrets", other)
    cluster.request("POST", f"{MODELS}/configmaps", {"metadata": {"name": "other"}})

    def asks(method: str, path: str) -> int:
        kind = {"content-type": "application/json-patch+json"} if method == "PATCH" else {}
        content = "[]" if method == "PATCH" else None
        url = f"{base}/{path}?dryRun=All" if method != "GET" else f"{base}/{path}"
        return httpx.request(
            method, url, headers={**headers, **kind}, content=content, timeout=20
        ).status_code

    deployments = "apis/apps/v1/namespaces/models/deployments"
    answers = {
        "its target": asks("PATCH", f"{deployments}/sample-model"),
        "its ledger": asks("GET", LEDGER),
        "another deployment": asks("PATCH", f"{deployments}/other"),
        "all deployments": asks("GET", deployments),
        "a secret": asks("GET", f"{MODELS}/secrets/other"),
        "its own secret": asks("GET", f"{MODELS}/secrets/{account}"),
        "all secrets": asks("GET", f"{MODELS}/secrets"),
        "another configmap": asks("GET", f"{MODELS}/configmaps/other"),
        "all configmaps": asks("GET", f"{MODELS}/configmaps"),
        "its own role": asks("PATCH", f"{RBAC}/roles/{account}"),
        "pods": asks("GET", f"{MODELS}/pods"),
        "another namespace": asks("GET", LEDGER.replace("/models/", "/default/")),
    }
    cluster.request("DELETE", f"{MODELS}/secrets/other")
    cluster.request("DELETE", f"{MODELS}/configmaps/other")
    return answers


def hopeless(installation: Installation):
    """The Job cannot start: then nothing is changed, and nothing is left."""
    cluster = without_a_guardian(installation)
    there = names(cluster)
    done = finished(running(installation, "4s", CHAOSCTL_IMAGE="registry.example/none:1"))
    until(lambda: len(names(cluster)["pods"]) == len(there["pods"]))
    return {"code": done.code, "out": done.out + done.err, "same": names(cluster) == there}


def interrupted(installation: Installation):
    """Somebody gives up while the Job is awaited."""
    cluster = without_a_guardian(installation)
    there = names(cluster)
    process = running(installation, "4s", CHAOSCTL_IMAGE="registry.example/none:1")
    until(lambda: of_a_run(cluster).get("pods"))
    process.send_signal(signal.SIGINT)
    done = finished(process)
    until(lambda: len(names(cluster)["pods"]) == len(there["pods"]))
    return {"code": done.code, "out": done.out + done.err, "same": names(cluster) == there}


def limited(installation: Installation):
    """People who may do what the drill does, but may not give it to a Job."""
    cluster = without_a_guardian(installation)
    found = {}
    for name, rules in {"without": MAY, "with": [*MAY, *MAKE], "less": [*MAY, *MAKE[:-1]]}.items():
        config = account(cluster, installation.home, name, rules)
        file = quiet_playbook(installation.home, {"kind": "noop"})
        for mode in ("auto", "none"):
            plan = installation("plan", file, *TARGET, "--kubeconfig", str(config), "--guardian", mode)
            found[f"{name} {mode}"] = [plan.code, plan.out]
    return found


def account(cluster: Cluster, folder: Path, name: str, rules) -> Path:
    """A kubeconfig of somebody with these rights."""
    cluster.request("POST", f"{MODELS}/serviceaccounts", {"metadata": {"name": name}})
    rbac = "apis/rbac.authorization.k8s.io/v1"
    cluster.request("POST", f"{rbac}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "models"}
    binding = {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
    cluster.request("POST", f"{rbac}/clusterrolebindings", binding)
    asked = cluster.request("POST", f"{MODELS}/serviceaccounts/{name}/token", {"spec": {}})
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = cluster.url.partition("/t/")[0]
    config["users"][0]["user"] = {"token": asked["status"]["token"]}
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


CASES = {case.__name__: case for case in (killed, whole, hopeless, interrupted, limited)}


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Every case at once, each on its own sandbox."""
    with background(tmp_path_factory, "job-guardian", CASES, LANES) as results:
        yield results


def test_a_run_brings_a_guardian_along_and_takes_everything_away_again(runs: Results):
    found = runs["whole"]
    assert found["code"] == 0, found["out"]
    assert found["brought"] == dict.fromkeys(KINDS, 1)
    assert set(found["same"].values()) == {True}, found["same"]


def test_the_job_alone_puts_everything_back_when_the_runner_is_killed(runs: Results):
    found = runs["killed"]
    assert found["late"] < 15
    assert found["guarded"] == dict.fromkeys(KINDS, 1)


def test_recover_finishes_the_journal_and_takes_away_what_the_dead_run_left(runs: Results):
    found = runs["killed"]
    code, out, err = found["recovered"]
    assert code == 0, err
    assert "finished, aborted" in out
    assert "removed (nothing left to guard)" in out
    assert set(found["same"].values()) == {True}, found["same"]
    assert found["picture"]


def test_whoever_gets_hold_of_its_identity_can_undo_this_run_and_nothing_else(runs: Results):
    answers = runs["killed"]["answers"]
    assert {what for what, code in answers.items() if code == 200} == {"its target", "its ledger"}
    assert {code for what, code in answers.items() if what not in {"its target", "its ledger"}} == {403}


def test_a_job_that_cannot_start_refuses_the_run_with_what_the_cluster_says(runs: Results):
    found = runs["hopeless"]
    assert found["code"] == 2
    assert "does not start from registry.example/none:1 ($CHAOSCTL_IMAGE names another image)" in found["out"]
    assert "ImagePullBackOff" in found["out"] or "ErrImagePull" in found["out"]
    assert found["same"]


def test_a_person_who_gives_up_while_it_starts_leaves_nothing(runs: Results):
    found = runs["interrupted"]
    assert found["code"] == 3, found["out"]
    assert "interrupted (SIGINT)" in found["out"]
    assert found["same"]


def test_who_may_not_make_the_job_is_told_beforehand_and_what_else_they_can_do(runs: Results):
    found = runs["limited"]
    code, out = found["without auto"]
    assert code == 2
    assert (
        "no guardian is alive; a Job of the run's own needs what you may not: create Job * in models" in out
    )
    assert "--guardian none" in out
    assert found["less auto"][0] == 2
    assert "create Role * in models; create RoleBinding * in models;" in found["less auto"][1]
    assert found["with auto"][0] == 0, found["with auto"][1]
    assert {found[f"{name} none"][0] for name in ("without", "with", "less")} == {0}
