"""What may go wrong around a run on a real cluster: the right verdict each time, and nothing of ours left."""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from e2e.drilling import SHRINK, Drill, limited, playbook
from e2e.place import until

DEPLOYMENTS = {"apiGroups": ["apps"], "resources": ["deployments"]}
LEDGERS = {
    "apiGroups": [""],
    "resources": ["configmaps"],
    "verbs": ["get", "list", "create", "patch", "delete"],
}
LOOKING = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["get", "list", "delete"]},
    {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["list"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]},
]
REFUSED, ABORTED, INCONCLUSIVE, INCOMPLETE = 2, 3, 4, 5


@pytest.fixture
def drill(place, namespace, tmp_path):
    """A target of its own, with a guardian."""
    place.furnish(namespace)
    found = Drill(place, namespace, tmp_path)
    with found.guardian():
        yield found


@pytest.fixture
def before(drill):
    """What it must look like afterwards."""
    return drill.place.facts(drill.namespace)


class TestOthersAtWork:
    def test_a_target_that_is_deleted_ends_the_run_and_says_so(self, drill):
        running = drill.begin()
        drill.injected()
        drill.place.kubectl("delete", "deployment", "model", "-n", drill.namespace)
        assert drill.end(running) in (1, ABORTED, INCONCLUSIVE)
        assert "Deployment" in drill.said()
        assert all(line["state"] == "closed" for line in drill.place.ledger(drill.namespace)["lines"])

    def test_a_namespace_that_is_deleted_ends_the_run_with_nothing_to_repair(self, drill):
        running = drill.begin()
        drill.injected()
        drill.place.delete(drill.namespace)
        assert drill.end(running) in (1, ABORTED, INCONCLUSIVE)

    def test_a_rollout_by_somebody_else_stays_when_the_fault_is_undone(self, drill):
        running = drill.begin()
        drill.injected()
        drill.place.kubectl("set", "env", "deployment/model", "MODE=theirs", "-n", drill.namespace)
        drill.end(running)
        until(lambda: drill.replicas() == 3 and drill.place.is_ready(drill.namespace), say=drill.said)
        container = drill.place.workload(drill.namespace)["spec"]["template"]["spec"]["containers"][0]
        assert container["env"] == [{"name": "MODE", "value": "theirs"}]

    def test_what_somebody_else_writes_over_our_value_is_theirs(self, drill):
        running = drill.begin()
        drill.injected()
        drill.place.kubectl("scale", "deployment/model", "--replicas=4", "-n", drill.namespace)
        drill.end(running)
        assert drill.replicas() == 4
        assert "superseded" in drill.said()

    def test_a_team_that_applies_from_the_server_meets_no_conflict_afterwards(self, drill):
        body = drill.place.workload(drill.namespace)
        image = {"name": "model", "image": body["spec"]["template"]["spec"]["containers"][0]["image"]}
        applied = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "model", "namespace": drill.namespace, "labels": {"team": "ml"}},
            "spec": {
                "selector": body["spec"]["selector"],
                "template": {"metadata": {"labels": {"app": "model"}}, "spec": {"containers": [image]}},
            },
        }
        command = ("apply", "--server-side", "--field-manager=team", "--force-conflicts", "-f", "-")
        drill.place.kubectl(*command, given=json.dumps(applied))
        drill.place.kubectl("scale", "deployment/model", "--replicas=3", "-n", drill.namespace)
        until(lambda: drill.place.is_ready(drill.namespace))
        code, said = drill.run()
        assert code == 0, said
        applied["spec"]["replicas"] = 3
        drill.place.kubectl(
            "apply", "--server-side", "--field-manager=other", "-f", "-", given=json.dumps(applied)
        )
        managers = {
            one["manager"] for one in drill.place.workload(drill.namespace)["metadata"]["managedFields"]
        }
        assert "chaosctl" not in managers


class TestWhoFightsIsNamedBeforeAnythingChanges:
    def test_an_autoscaler(self, drill, before):
        drill.place.kubectl("autoscale", "deployment/model", "--min=3", "--max=5", "-n", drill.namespace)
        code, said = drill.run()
        assert (code, "HorizontalPodAutoscaler model" in said) == (REFUSED, True), said
        drill.place.kubectl("delete", "hpa", "model", "-n", drill.namespace)
        assert drill.place.facts(drill.namespace) == before

    def test_a_tool_that_keeps_objects_as_they_are_in_git(self, drill):
        label = "kustomize.toolkit.fluxcd.io/name=apps"
        drill.place.kubectl("label", "deployment/model", label, "-n", drill.namespace)
        code, said = drill.run()
        assert (code, "Flux manages" in said) == (REFUSED, True), said

    def test_two_entries_on_one_path(self, drill, before):
        code, said = drill.run(playbook(SHRINK, {"kind": "scale-down", "replicas": 1}))
        assert code == REFUSED, said
        assert drill.place.facts(drill.namespace) == before

    def test_a_policy_that_refuses_the_change(self, drill, before):
        with policy(drill, "object.spec.replicas != 2"):
            code, said = drill.run()
        assert (code, "refused by a drill's test" in said) == (REFUSED, True), said
        assert drill.place.facts(drill.namespace) == before

    def test_a_webhook_that_cannot_answer(self, drill, before):
        with webhook(drill):
            code, said = drill.run()
        assert (code, "webhook" in said) == (REFUSED, True), said
        assert drill.place.facts(drill.namespace) == before


class TestWhatCannotBeUndoneNow:
    def test_a_policy_that_refuses_only_the_undo_leaves_the_ledger_and_a_command(self, drill, before):
        with policy(drill, "!(oldObject.spec.replicas == 2 && object.spec.replicas == 3)"):
            code, said = drill.run()
            assert (code, "chaosctl recover" in said) == (INCOMPLETE, True), said
            assert drill.place.ledger(drill.namespace)["lines"][0]["state"] != "closed"
        drill.is_back(before)  # the guardian tries again, and may now

    def test_rights_that_are_taken_away_leave_the_ledger_and_a_command(self, place, namespace, tmp_path):
        place.furnish(namespace)
        before = place.facts(namespace)
        rules = [{**DEPLOYMENTS, "verbs": ["get", "list", "patch"]}, LEDGERS, *LOOKING]
        somebody = limited(place, namespace, tmp_path, rules)
        cluster_wide = ("create", "clusterrolebinding", namespace, "--clusterrole=view")
        place.kubectl(*cluster_wide, f"--serviceaccount={namespace}:somebody")
        try:
            drill = Drill(place, namespace, tmp_path, somebody)
            running = drill.begin(None, guardian="none")
            drill.injected()
            rules[0] = {**DEPLOYMENTS, "verbs": ["get", "list"]}
            limited(place, namespace, tmp_path, rules)
            assert (drill.end(running), "kubectl" in drill.said()) == (INCOMPLETE, True), drill.said()
            assert place.ledger(namespace)["lines"][0]["state"] != "closed"
            drill.kubeconfig = ""
            code, said = drill.command("recover", "--namespace", drill.namespace)
            assert code == 0, said
        finally:
            place.kubectl("delete", "clusterrolebinding", namespace)
        place.kubectl("delete", "role,rolebinding,sa", "somebody", "-n", namespace)
        drill.is_back(before)

    def test_the_command_for_kubectl_alone_puts_it_back(self, drill, before):
        with policy(drill, "!(oldObject.spec.replicas == 2 && object.spec.replicas == 3)"):
            _, said = drill.run()
        (by_hand,) = [line.strip() for line in said.splitlines() if line.strip().startswith("kubectl")]
        done = subprocess.run(shlex.split(by_hand), capture_output=True, text=True, check=False)
        drill.is_back(before)
        faster = ("test", "request is invalid")  # how kubectl says that the guardian had done it
        assert done.returncode == 0 or any(word in done.stderr for word in faster), done.stderr


class TestWhatWeBringAlong:
    def test_a_quota_that_forbids_our_pods_ends_the_run_before_traffic_is_touched(self, drill, before):
        quota = ("create", "quota", "tight", "--hard=pods=3", "-n", drill.namespace)
        drill.place.kubectl(*quota)
        code, said = drill.run(playbook({"kind": "latency", "delay": "100ms"}))
        assert (code, "exceeded quota: tight" in said) == (INCONCLUSIVE, True), said
        drill.place.kubectl("delete", "quota", "tight", "-n", drill.namespace)
        drill.is_back(before)

    def test_an_image_of_ours_that_cannot_be_pulled_ends_the_run(self, drill, before):
        drill.environment["CHAOSCTL_IMAGE"] = "knode.local/nowhere:1"
        code, said = drill.run(playbook({"kind": "latency", "delay": "100ms"}))
        assert code == INCONCLUSIVE, said
        assert any(one in said for one in ("ErrImagePull", "ImagePullBackOff", "Pulling image")), said
        drill.is_back(before)


class TestWhoSleepsOrForges:
    def test_a_laptop_that_sleeps_through_the_hold_finds_everything_undone(self, drill, before):
        running = drill.begin()
        drill.injected()
        os.kill(running.pid, signal.SIGSTOP)
        try:
            until(lambda: drill.replicas() == 3, say=lambda: drill.said("guardian"))
        finally:
            os.kill(running.pid, signal.SIGCONT)
        assert drill.end(running) in (0, ABORTED, INCONCLUSIVE), drill.said()
        drill.is_back(before)

    def test_a_runner_that_is_killed_is_undone_by_the_guardian(self, drill, before):
        running = drill.begin()
        drill.injected()
        running.kill()
        running.wait()
        drill.is_back(before)
        code, said = drill.command("recover", "--namespace", drill.namespace)
        assert (code, "finished" in said) == (0, True), said
        assert "EXERCISE" in drill.post_mortem()

    def test_a_forged_ledger_makes_nobody_change_anything(self, drill, before):
        text = drill.place.workload(drill.namespace)
        running = drill.begin()
        drill.injected()
        genuine = drill.place.get(
            f"/api/v1/namespaces/{drill.namespace}/configmaps/chaosctl-deployment-model"
        )
        drill.end(running)
        forged = {**genuine, "metadata": {"name": "chaosctl-forged", "namespace": drill.namespace}}
        forged["metadata"]["labels"] = {**genuine["metadata"]["labels"], "chaosctl.dev/ledger": "open"}
        drill.place.kubectl("create", "-f", "-", given=json.dumps(forged))
        until(lambda: "installation's key" in drill.said("guardian"), say=lambda: drill.said("guardian"))
        assert drill.place.workload(drill.namespace)["spec"] == text["spec"]
        drill.place.kubectl("delete", "configmap", "chaosctl-forged", "-n", drill.namespace)
        drill.is_back(before)


class TestClocksThatAreWrong:
    """Machines whose clocks are ten minutes ahead of all others."""

    def test_a_runner_ahead_of_its_guardian_and_the_cluster_is_not_undone_early(self, drill, before):
        drill.environment |= ahead()
        code, said = drill.run()
        assert (code, "everything is as before (undone)" in said) == (0, True), said
        drill.is_back(before)

    def test_a_runner_ahead_of_all_that_is_killed_is_undone_as_soon_as_others(self, drill, before):
        drill.environment |= ahead()
        running = drill.begin()
        drill.injected()
        running.kill()
        running.wait()
        drill.is_back(before)

    def test_a_guardian_ahead_of_the_runner_and_the_cluster_does_not_undo_early(
        self, place, namespace, tmp_path
    ):
        place.furnish(namespace)
        before = place.facts(namespace)
        drill = Drill(place, namespace, tmp_path, environment=ahead())
        with drill.guardian():
            drill.environment = {}
            code, said = drill.run()
            assert (code, "everything is as before (undone)" in said) == (0, True), said
            drill.is_back(before)


def ahead():
    """Variables that make a process believe in another time; how long things take stays true."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")  # tests/tools/install gets it
    return {"LD_PRELOAD": str(library), "FAKETIME": "+10m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class policy:  # noqa: N801 - reads as a word in a with statement
    """The API server admits a Deployment of the namespace only where an expression holds."""

    def __init__(self, drill, expression):
        self.place, self.name, self.namespace = drill.place, f"drill-{drill.namespace}", drill.namespace
        self.expression = expression

    def __enter__(self):
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": self.name}}
        rule = {
            "apiGroups": ["apps"],
            "apiVersions": ["v1"],
            "operations": ["UPDATE"],
            "resources": ["deployments"],
        }
        space = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        validation = {"expression": self.expression, "message": "refused by a drill's test"}
        spec = {
            "failurePolicy": "Fail",
            "matchConstraints": {"namespaceSelector": space, "resourceRules": [rule]},
        }
        self.place.apply(
            {**head, "kind": "ValidatingAdmissionPolicy", "spec": {**spec, "validations": [validation]}},
            {
                **head,
                "kind": "ValidatingAdmissionPolicyBinding",
                "spec": {"policyName": self.name, "validationActions": ["Deny"]},
            },
        )
        probe = "true" if "oldObject" in self.expression else "false"
        until(lambda: self._is_in_force(probe), say=lambda: "the policy is not in force")

    def _is_in_force(self, probe):
        """Policies come into force a moment after they were written."""
        seen = self.place.get(
            f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{self.name}"
        )
        observed = seen.get("status", {}).get("observedGeneration")
        if probe == "true" or observed is None:
            return observed == seen["metadata"]["generation"]
        patch = {"spec": {"replicas": 2}}
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/model?dryRun=All"
        kind = {"Content-Type": "application/merge-patch+json"}
        return self.place.http.patch(path, json=patch, headers=kind).status_code != 200

    def __exit__(self, *error):
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            self.place.kubectl("delete", kind, self.name)


class webhook:  # noqa: N801 - reads as a word in a with statement
    """A webhook that must be asked about Deployments of the namespace, and that nobody serves."""

    def __init__(self, drill):
        self.place, self.name, self.namespace = drill.place, f"drill-{drill.namespace}", drill.namespace

    def __enter__(self):
        service = {"namespace": self.namespace, "name": "nobody", "path": "/"}
        rule = {
            "apiGroups": ["apps"],
            "apiVersions": ["v1"],
            "operations": ["UPDATE"],
            "resources": ["deployments"],
        }
        hook = {
            "name": "nobody.chaosctl.dev",
            "clientConfig": {"service": service},
            "rules": [rule],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
        }
        kind = "ValidatingWebhookConfiguration"
        head = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": self.name},
        }
        self.place.apply({**head, "webhooks": [hook]})
        patch = {"metadata": {"labels": {"asked": "yes"}}}
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/model?dryRun=All"
        content = {"Content-Type": "application/merge-patch+json"}
        until(lambda: self.place.http.patch(path, json=patch, headers=content).status_code != 200)

    def __exit__(self, *error):
        self.place.kubectl("delete", "validatingwebhookconfiguration", self.name)
