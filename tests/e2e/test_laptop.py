"""Why: people run drills from laptops, which reach the API server alone, and are closed at any time.

No guardian is installed here. Each run brings its own: a Job beside the target.
"""

import os
import signal
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from e2e.drilling import PROGRAM, Drill, limited
from e2e.place import until

ROOT = Path(__file__).parents[2]
NODE = os.environ.get("CHAOSCTL_TESTNODE_NAME", "knode")
OUTSIDE = (str(ROOT / "tests/cluster/testnode/laptop"),) if Path(f"/run/netns/{NODE}").exists() else ()
OURS = "app.kubernetes.io/component=guardian"
KINDS = ["job", "pod", "role", "rolebinding", "secret", "serviceaccount"]
RIGHTS = ROOT / "docs/how-to/examples/rights"
TTL_WITHIN = 150.0  # seconds: a minute until the Job goes, and what the garbage collector takes
ITS_UNDO = ["patch deployment/model", "get configmap/chaosctl-deployment-model"]
PASSED, REFUSED = 0, 2


class Laptop(Drill):
    """What is started here stands outside of the cluster's network."""

    program = (*OUTSIDE, *PROGRAM)

    def line(self):
        (found,) = self.place.ledger(self.namespace)["lines"]
        return found

    def ours(self):
        """The kinds of what runs have brought along and not taken away."""
        listed = self.kubectl("get", ",".join(KINDS), "-l", OURS, "-o", "name").split()
        return sorted({name.partition("/")[0].partition(".")[0] for name in listed})

    def kubectl(self, *arguments):
        return self.place.kubectl("-n", self.namespace, *arguments)

    def everything(self):
        """All that is in the namespace, ledgers and Leases too, but for the target's pods."""
        named = self.kubectl("get", "cm,lease", "-o", "name").split()
        return self.place.facts(self.namespace), named, self.ours()

    def killed(self):
        """Kill a run in its hold, and wait for the Job; seconds past the deadline until all was back."""
        process = self.begin()
        self.injected()
        until(lambda: self.line()["state"] == "applied", say=self.said)
        deadline = datetime.fromisoformat(self.line()["deadline"])
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert self.ours() == KINDS
        until(lambda: self.replicas() == 3, say=self.said)
        return (datetime.now(UTC) - deadline).total_seconds()


@pytest.fixture
def somebody(laptop):
    """Makes a person with these rights in the namespace; gone afterwards, with what they may see outside."""
    name, group = {"name": f"somebody-{laptop.namespace}"}, "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
    role = {"apiGroup": group, "kind": "ClusterRole", **name}
    subject = {"kind": "ServiceAccount", "name": "somebody", "namespace": laptop.namespace}
    wide = {"roleRef": role, "subjects": [subject]}

    def made(allowed):
        laptop.place.apply(
            {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": name, "rules": rules},
            {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": name, **wide},
        )
        return limited(laptop.place, laptop.namespace, laptop.folder, allowed)

    yield made
    laptop.place.kubectl("delete", "clusterrole,clusterrolebinding", name["name"])


@pytest.fixture
def laptop(place, namespace, tmp_path):
    place.furnish(namespace)
    return Laptop(place, namespace, tmp_path)


def test_a_laptop_reaches_the_api_server_and_no_service(laptop):
    address = laptop.kubectl("get", "service", "model", "-o", "jsonpath={.spec.clusterIP}")
    until(lambda: answers(address), say=laptop.said)  # a node hears of a Service a moment later

    code, said = laptop.command("plan", "noop", "--target", f"{laptop.namespace}/Deployment/model")

    assert "✓ target exists" in said
    assert (code, f"nothing answers at {address}:8080 from here" in said) == (REFUSED, True) or not OUTSIDE


def test_the_job_puts_everything_back_and_goes_by_itself(laptop):
    before = laptop.everything()

    assert laptop.killed() < 15

    until(lambda: laptop.line()["state"] == "closed", say=laptop.said)
    laptop.kubectl("delete", "cm", "-l", "chaosctl.dev/ledger")  # of a run that nobody will recover
    until(lambda: not laptop.ours(), within=TTL_WITHIN, say=laptop.ours)
    until(lambda: laptop.place.is_ready(laptop.namespace))
    assert laptop.everything() == before


def test_recover_takes_away_what_a_dead_run_left(laptop):
    before = laptop.everything()
    laptop.killed()

    code, said = laptop.command("recover", "--namespace", laptop.namespace)

    assert code == 0, said
    assert "finished, aborted" in said
    until(lambda: laptop.place.is_ready(laptop.namespace) and not laptop.ours(), say=laptop.ours)
    assert laptop.everything() == before
    assert "reverted clean" in laptop.post_mortem()


def test_people_with_the_rights_of_the_guide_run_a_drill_and_nothing_of_it_is_left(laptop, somebody):
    config = somebody(guide())
    before = laptop.everything()

    process = laptop.begin(None, "--kubeconfig", config)
    laptop.injected()
    (pod,) = laptop.kubectl("get", "pod", "-l", OURS, "-o", "name").split()
    account = laptop.kubectl("get", "serviceaccount", "-l", OURS, "-o", "jsonpath={.items[0].metadata.name}")
    warnings, may = refused_by_pod_security(laptop), rights_of(laptop, account)
    code = laptop.end(process)

    assert code == PASSED, laptop.said()
    assert pod.partition("/")[2] not in warnings
    assert [what for what, allowed in may.items() if allowed] == ITS_UNDO
    until(lambda: laptop.place.is_ready(laptop.namespace) and not laptop.ours(), say=laptop.ours)
    assert laptop.everything() == before


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [("jobs", "create Job"), ("roles", "create Role"), ("secrets", "create Secret")],
)
def test_people_who_may_not_make_the_job_are_told_before_anything_happens(
    laptop, somebody, left_out, missing
):
    config = somebody([rule for rule in guide() if left_out not in rule["resources"]])
    before = laptop.everything()

    code = laptop.end(laptop.begin(None, "--kubeconfig", config))

    assert code == REFUSED, laptop.said()
    assert missing in laptop.said().partition("needs what you may not: ")[2]
    assert laptop.everything() == before


@pytest.mark.parametrize(
    ("hindrance", "said"),
    [
        ({"image": "chaosctl.dev/none:1"}, "ErrImagePull"),
        ({"quota": {"pods": "3"}}, "exceeded quota"),
        ({"quota": {"secrets": "0"}}, "exceeded quota"),
    ],
)
def test_a_job_that_cannot_start_says_why_and_nothing_was_changed(laptop, hindrance, said):
    if "quota" in hindrance:
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": hindrance["quota"]}}
        laptop.place.apply({**quota, "metadata": {"name": "tight", "namespace": laptop.namespace}})
        until(lambda: "used" in laptop.kubectl("get", "resourcequota", "tight", "-o", "jsonpath={.status}"))
    if "image" in hindrance:
        laptop.environment["CHAOSCTL_IMAGE"] = hindrance["image"]
    before, version = laptop.everything(), version_of(laptop)

    code = laptop.end(laptop.begin())

    assert code == REFUSED, laptop.said()
    assert said in laptop.said() or "ImagePullBackOff" in laptop.said()
    assert "nothing was touched" in laptop.said()
    until(lambda: not laptop.ours(), say=laptop.ours)
    assert laptop.everything() == before
    assert version_of(laptop) == version


def answers(address):
    try:
        socket.create_connection((address, 8080), 30).close()
    except OSError:
        return False
    return True


def version_of(laptop):
    return laptop.place.workload(laptop.namespace)["metadata"]["generation"]


def guide():
    """The rules of the Roles that the guide tells people to ask for."""
    files = [*yaml.safe_load_all((RIGHTS / "rights.yaml").read_text())]
    files += yaml.safe_load_all((RIGHTS / "guardian-job.yaml").read_text())
    return [rule for body in files if body["kind"] == "Role" for rule in body["rules"]]


def refused_by_pod_security(laptop):
    """The pods that the level `restricted` would not let in, as the API server warns."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    command = ["kubectl", "--kubeconfig", str(laptop.place.kubeconfig), "label", "--dry-run=server"]
    done = subprocess.run(
        [*command, "namespace", laptop.namespace, label],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "model-" in done.stderr  # pods that have no security context are warned of
    return done.stderr


def rights_of(laptop, account):
    """Which of these the API server allows to the Job's account."""
    asked = [*ITS_UNDO, "patch deployment/other", "get configmap/settings", "list configmaps", "create pods"]
    asked += [f"get secret/{account}", "list secrets", f"patch role/{account}", "list pods"]
    who = f"--as=system:serviceaccount:{laptop.namespace}:{account}"
    config = ["--kubeconfig", str(laptop.place.kubeconfig), "-n", laptop.namespace]

    def may(what):
        command = ["kubectl", *config, "auth", "can-i", who, *what.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip() == "yes"

    return {what: may(what) for what in asked}
