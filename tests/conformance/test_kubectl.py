"""kubectl, verb by verb: what people type, and what pipelines read."""

import json

import pytest
import yaml

from conformance.api import poll
from conformance.bodies import IMAGE, MISSING, STUBBORN, config_map, deployment, job, pod, service, shell
from conformance.differences import differs
from conformance.looks import is_ready, revision, rolled_out, says


def whole(kind, version, body):
    return {"apiVersion": version, "kind": kind, **body}


def web(replicas=1, **spec):
    return whole("Deployment", "apps/v1", deployment("web", replicas, **spec))


DATA = whole("ConfigMap", "v1", config_map("a", k="v"))


def test_apply_creates_then_configures_then_leaves_alone(kubectl):
    assert kubectl("apply", "-f", "-", stdin=web()) == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", stdin=web()) == "deployment.apps/web unchanged\n"
    assert kubectl("apply", "-f", "-", stdin=web(2)) == "deployment.apps/web configured\n"


def test_apply_removes_what_the_file_no_longer_says(kubectl, space):
    kubectl("apply", "-f", "-", stdin=whole("ConfigMap", "v1", config_map("a", k="v", old="x")))
    space.patch("configmaps", "a", {"data": {"foreign": "y"}})
    kubectl("apply", "-f", "-", stdin=DATA)
    assert space.get("configmaps", "a")["data"] == {"k": "v", "foreign": "y"}


def test_apply_finds_a_misspelt_field(kubectl):
    assert 'unknown field "spec.replicsa"' in kubectl("apply", "-f", "-", stdin=web(replicsa=3), fails=True)


def test_apply_server_side_conflicts_and_can_be_forced(kubectl):
    kubectl("apply", "--server-side", "-f", "-", stdin=DATA)
    other = ("apply", "--server-side", "--field-manager", "other", "-f", "-")
    changed = whole("ConfigMap", "v1", config_map("a", k="w"))
    assert 'conflict with "kubectl": .data.k' in kubectl(*other, stdin=changed, fails=True)
    kubectl(*other, "--force-conflicts", stdin=changed)


def test_apply_goes_from_client_side_to_server_side(kubectl):
    kubectl("apply", "-f", "-", stdin=web())
    assert (
        kubectl("apply", "--server-side", "-f", "-", stdin=web(2))
        == "deployment.apps/web serverside-applied\n"
    )


def test_diff_shows_what_apply_would_change(kubectl):
    kubectl("apply", "-f", "-", stdin=DATA)
    assert kubectl("diff", "-f", "-", stdin=DATA) == ""
    shown = kubectl("diff", "-f", "-", stdin=whole("ConfigMap", "v1", config_map("a", k="w")), fails=True)
    assert "-  k: v" in shown
    assert "+  k: w" in shown


def test_create_get_and_delete(kubectl):
    assert kubectl("create", "configmap", "a", "--from-literal=k=v") == "configmap/a created\n"
    assert kubectl("get", "cm", "a", "-o", "jsonpath={.data.k}") == "v"
    assert 'configmaps "a" already exists' in kubectl("create", "configmap", "a", fails=True)
    assert kubectl("delete", "cm", "a").startswith('configmap "a" deleted')
    complaint = kubectl("get", "cm", "a", fails=True)
    assert complaint == 'Error from server (NotFound): configmaps "a" not found\n'


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (("deployment", "x", "--image=x:1", "--replicas=2", "--port=80"), ".spec.replicas", "2"),
        (("secret", "generic", "x", "--from-literal=k=v"), ".data.k", "dg=="),
        (
            ("job", "x", "--image=x:1", "--", "sleep", "1"),
            ".spec.template.spec.containers[0].command",
            '["sleep","1"]',
        ),
        (("cronjob", "x", "--image=x:1", "--schedule=0 0 1 1 *"), ".spec.schedule", "0 0 1 1 *"),
        (
            ("poddisruptionbudget", "x", "--selector=app=web", "--min-available=50%"),
            ".spec.minAvailable",
            "50%",
        ),
        (("role", "x", "--verb=get,list", "--resource=pods"), ".rules[0].verbs", '["get","list"]'),
        (("rolebinding", "x", "--role=x", "--serviceaccount=default:x"), ".subjects[0].name", "x"),
        (("quota", "x", "--hard=pods=3,cpu=0.5"), ".spec.hard", '{"cpu":"500m","pods":"3"}'),
        (("service", "clusterip", "x", "--tcp=80:8080"), ".spec.ports[0].targetPort", "8080"),
        (("ingress", "x", "--rule=host/path=web:80"), ".spec.rules[0].host", "host"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_create_makes_what_it_is_told(kubectl, arguments, path, value):
    kubectl("create", *arguments)
    kind = "secret" if arguments[0] == "secret" else arguments[0]
    assert kubectl("get", kind, "x", "-o", f"jsonpath={{{path}}}") == value


def test_get_prints_columns(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web(2))
    space.until("deployments", "web", rolled_out)
    head, row = kubectl("get", "deploy").splitlines()
    assert head.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:4] == ["web", "2/2", "2", "2"]
    names = kubectl("get", "pods", "-o", "name").split()
    assert len(names) == 2
    assert all(name.startswith("pod/web-") for name in names)


def test_get_prints_yaml_json_and_chosen_columns(kubectl):
    kubectl("apply", "-f", "-", stdin=DATA)
    as_yaml, as_json = (kubectl("get", "cm", "a", "-o", form) for form in ("yaml", "json"))
    assert yaml.safe_load(as_yaml) == json.loads(as_json)
    assert kubectl("get", "cm", "a", "-o", "custom-columns=N:.metadata.name,V:.data.k").split() == [
        "N",
        "V",
        "a",
        "v",
    ]


def test_the_items_of_a_list_are_applied_one_by_one(kubectl, space):
    items = [whole("ConfigMap", "v1", config_map(name, k="v")) for name in "ab"]
    lists = whole("List", "v1", {"items": items})
    assert kubectl("apply", "-f", "-", stdin=lists) == "configmap/a created\nconfigmap/b created\n"
    items[1]["data"]["k"] = "w"
    assert kubectl("apply", "-f", "-", stdin=lists) == "configmap/a unchanged\nconfigmap/b configured\n"
    served = kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=lists)
    assert served == "configmap/a serverside-applied\nconfigmap/b serverside-applied\n"
    assert [each["data"]["k"] for each in space.items("configmaps", fieldSelector="metadata.name=b")] == ["w"]
    kubectl("delete", "-f", "-", stdin=lists)
    assert space.find("configmaps", "a") is None


def test_apply_finds_a_misspelt_field_in_an_item_of_a_list(kubectl, space):
    lists = whole("List", "v1", {"items": [DATA, web(replicsa=3)]})
    complaint = kubectl("apply", "-f", "-", stdin=lists, fails=True)
    assert "unknown field" in complaint
    assert "replicsa" in complaint
    assert space.find("deployments", "web") is None


def test_what_get_shows_as_a_list_can_be_applied_again(kubectl, space):
    for name in "ab":
        space.create("configmaps", config_map(name, {"l": "x"}, k="v"))
    shown = yaml.safe_load(kubectl("get", "cm", "-l", "l=x", "-o", "yaml"))
    assert (shown["kind"], [each["kind"] for each in shown["items"]]) == ("List", ["ConfigMap"] * 2)
    assert kubectl("replace", "-f", "-", stdin=shown) == "configmap/a replaced\nconfigmap/b replaced\n"


def test_get_all_lists_workloads_together(kubectl, space):
    kubectl("apply", "-f", "-", stdin=[web(), whole("Service", "v1", service("web"))])
    space.until("deployments", "web", rolled_out)
    shown = kubectl("get", "all", "-o", "name").split()
    assert [name.partition("/")[0] for name in shown] == [
        "pod",
        "service",
        "deployment.apps",
        "replicaset.apps",
    ]


def test_get_selects_sorts_and_watches(kubectl):
    kubectl(
        "apply", "-f", "-", stdin=[whole("ConfigMap", "v1", config_map(name, {"l": name})) for name in "bac"]
    )
    names = kubectl("get", "cm", "-l", "l in (a,b)", "--sort-by=.metadata.name", "-o", "name").split()
    assert names == ["configmap/a", "configmap/b"]
    seen = kubectl("get", "cm", "-l", "l=a", "-w", "--request-timeout=2s", "--output-watch-events")
    assert seen.splitlines()[1].split()[:2] == ["ADDED", "a"]


def test_label_annotate_and_patch(kubectl, space):
    kubectl("apply", "-f", "-", stdin=DATA)
    assert kubectl("label", "cm/a", "tier=front") == "configmap/a labeled\n"
    assert "--overwrite" in kubectl("label", "cm/a", "tier=back", fails=True)
    assert kubectl("annotate", "cm/a", "note=seen") == "configmap/a annotated\n"
    assert kubectl("patch", "cm/a", "-p", '{"data":{"k":"w"}}') == "configmap/a patched\n"
    assert kubectl("patch", "cm/a", "-p", '{"data":{"k":"w"}}') == "configmap/a patched (no change)\n"
    kubectl("label", "cm/a", "tier-")
    body = space.get("configmaps", "a")
    assert "labels" not in body["metadata"]
    assert (body["data"], body["metadata"]["annotations"]["note"]) == ({"k": "w"}, "seen")


def test_a_failed_json_patch_is_told(kubectl):
    kubectl("apply", "-f", "-", stdin=DATA)
    patch = '[{"op":"test","path":"/data/k","value":"x"}]'
    complaint = kubectl("patch", "cm/a", "--type=json", "-p", patch, fails=True)
    assert "the server rejected our request due to an error in our request" in complaint


def test_scale_and_its_precondition(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web(0))
    assert (
        kubectl("scale", "deploy/web", "--replicas=1", "--current-replicas=0")
        == "deployment.apps/web scaled\n"
    )
    assert "Expected replicas to be 7, was 1" in kubectl(
        "scale", "deploy/web", "--replicas=2", "--current-replicas=7", fails=True
    )
    assert space.get("deployments", "web")["spec"]["replicas"] == 1


def test_set_image_and_environment_start_rollouts(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web())
    kubectl("set", "env", "deploy/web", "MODE=slow")
    assert kubectl("set", "image", "deploy/web", "main=x:2") == "deployment.apps/web image updated\n"
    container = space.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"]) == ("x:2", [{"name": "MODE", "value": "slow"}])


def test_rollout_status_history_and_undo(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web())
    assert 'deployment "web" successfully rolled out' in kubectl(
        "rollout", "status", "deploy/web", "--timeout=60s"
    )
    kubectl("annotate", "deploy/web", "kubernetes.io/change-cause=first")
    kubectl("set", "env", "deploy/web", "MODE=slow")
    kubectl("rollout", "status", "deploy/web", "--timeout=60s")
    rows = kubectl("rollout", "history", "deploy/web").splitlines()
    assert [row.split()[0] for row in rows if row[:1].isdigit()] == ["1", "2"]
    assert kubectl("rollout", "undo", "deploy/web") == "deployment.apps/web rolled back\n"
    body = space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "3")
    assert "env" not in body["spec"]["template"]["spec"]["containers"][0]


def test_rollout_undo_to_a_revision_that_is_not_there_is_refused(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web())
    space.until("deployments", "web", rolled_out)
    assert "unable to find specified revision 9 in history" in kubectl(
        "rollout", "undo", "deploy/web", "--to-revision=9", fails=True
    )
    assert "no rollout history found" in kubectl("rollout", "undo", "deploy/web", fails=True)


def test_rollout_status_fails_where_the_deadline_has_passed(kubectl):
    stuck = web(progressDeadlineSeconds=1)
    stuck["spec"]["template"]["spec"]["containers"][0]["image"] = MISSING
    kubectl("apply", "-f", "-", stdin=stuck)
    complaint = kubectl("rollout", "status", "deploy/web", "--timeout=60s", fails=True)
    assert 'error: deployment "web" exceeded its progress deadline' in complaint


def test_rollout_pause_resume_and_restart(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web())
    space.until("deployments", "web", rolled_out)
    assert kubectl("rollout", "pause", "deploy/web") == "deployment.apps/web paused\n"
    assert kubectl("rollout", "resume", "deploy/web") == "deployment.apps/web resumed\n"
    assert kubectl("rollout", "restart", "deploy/web") == "deployment.apps/web restarted\n"
    space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "2")


def test_wait_for_conditions_values_and_ends(kubectl, space):
    kubectl("apply", "-f", "-", stdin=[web(), whole("Job", "batch/v1", job("once", "true"))])
    assert (
        kubectl("wait", "deploy/web", "--for=condition=Available", "--timeout=60s")
        == "deployment.apps/web condition met\n"
    )
    kubectl("wait", "job/once", "--for=condition=complete", "--timeout=60s")
    kubectl("wait", "deploy/web", "--for=jsonpath={.status.readyReplicas}=1", "--timeout=60s")
    space.delete("deployments", "web", {"propagationPolicy": "Foreground"})
    kubectl("wait", "deploy/web", "--for=delete", "--timeout=60s")
    assert "timed out waiting" in kubectl(
        "wait", "job/once", "--for=condition=Failed", "--timeout=1s", fails=True
    )


def test_delete_cascades_waits_and_orphans(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web())
    space.until("deployments", "web", rolled_out)
    kubectl("delete", "deploy", "web", "--cascade=orphan")
    assert len(space.names("replicasets")) == 1
    kubectl("delete", "rs", "--all", "--cascade=foreground")
    assert space.names("replicasets") == space.names("pods") == []


def test_delete_by_force_and_at_once(kubectl, space):
    space.create("pods", pod("a", shell(STUBBORN), terminationGracePeriodSeconds=60))
    space.until("pods", "a", is_ready)
    kubectl("delete", "pod", "a", "--force", "--grace-period=0")
    assert space.find("pods", "a") is None


def test_logs_and_describe(kubectl, space):
    space.create("pods", pod("a", shell("echo hello; while :; do sleep 0.2; done")))
    space.until("pods", "a", is_ready)
    poll(lambda: kubectl("logs", "a") == "hello\n", "it writes")
    assert kubectl("logs", "a", "--tail=1", "-c", "main") == "hello\n"
    described = kubectl("describe", "pod", "a")
    assert "Normal  Started" in described
    assert IMAGE in described
    assert 'pods "b" not found' in kubectl("logs", "b", fails=True)


def test_describe_deployment_tells_strategy_conditions_and_events(kubectl, space):
    kubectl("apply", "-f", "-", stdin=web(2))
    space.until("deployments", "web", says("Progressing", "True", "NewReplicaSetAvailable"))
    described = kubectl("describe", "deploy", "web")
    assert "25% max unavailable, 25% max surge" in described
    assert "2 desired | 2 updated | 2 total | 2 available | 0 unavailable" in described
    assert "NewReplicaSetAvailable" in described
    assert "ScalingReplicaSet" in described


def test_run_expose_and_events(kubectl, space):
    kubectl("run", "a", f"--image={IMAGE}", "--port=8080")
    assert kubectl("expose", "pod", "a", "--port=80", "--target-port=8080") == "service/a exposed\n"
    space.until("pods", "a", is_ready)
    assert "Started" in kubectl("events", "--for", "pod/a")
    assert kubectl("get", "events").splitlines()[0].split() == [
        "LAST",
        "SEEN",
        "TYPE",
        "REASON",
        "OBJECT",
        "MESSAGE",
    ]
    kubectl("delete", "pod", "a", "--now")


def test_auth_can_i(kubectl):
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    assert kubectl("auth", "can-i", "delete", "pods", "--as=jane", fails=True).startswith("no")
    kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    kubectl("create", "rolebinding", "reading", "--role=reader", "--user=jane")
    assert kubectl("auth", "can-i", "get", "pods", "--as=jane") == "yes\n"
    assert "pods" in kubectl("auth", "can-i", "--list", "--as=jane")


def test_explain_and_api_resources(kubectl):
    assert "maxSurge" in kubectl("explain", "deployment.spec.strategy.rollingUpdate")
    assert "GROUP:      apps" in kubectl("explain", "deployment")
    assert {"deployments.apps", "pods", "leases.coordination.k8s.io"} <= set(
        kubectl("api-resources", "-o", "name").split()
    )
    assert "apps/v1" in kubectl("api-versions").split()


def test_edit_in_place_by_replace(kubectl, space):
    kubectl("apply", "-f", "-", stdin=DATA)
    body = json.loads(kubectl("get", "cm", "a", "-o", "json"))
    body["data"] = {"k": "replaced"}
    assert kubectl("replace", "-f", "-", stdin=body) == "configmap/a replaced\n"
    assert "the object has been modified" in kubectl("replace", "-f", "-", stdin=body, fails=True)


def test_a_dry_run_stores_nothing(kubectl, space):
    assert (
        kubectl("apply", "--dry-run=server", "-f", "-", stdin=web())
        == "deployment.apps/web created (server dry run)\n"
    )
    assert space.find("deployments", "web") is None


@differs(
    "without TLS the token is in the server's URL, and kubectl leaves that away for a raw path",
    real="",
    sandbox="Unauthorized",
)
def test_raw_paths_can_be_asked(kubectl, space, expected):
    kubectl("apply", "-f", "-", stdin=DATA)
    answer = kubectl("get", "--raw", space.path("configmaps", "a"), fails=bool(expected))
    assert expected in answer if expected else json.loads(answer)["data"] == {"k": "v"}
