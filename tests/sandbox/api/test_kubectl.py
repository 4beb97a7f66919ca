import asyncio
import json

import yaml
from sandbox.api.waiting import until

DATA = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "data"}, "data": {"k": "v"}}


async def test_apply_creates_then_configures_then_leaves_alone(kubectl, deployment):
    assert await kubectl("apply", "-f", "-", stdin=deployment()) == "deployment.apps/web created\n"
    assert await kubectl("apply", "-f", "-", stdin=deployment()) == "deployment.apps/web unchanged\n"
    assert (
        await kubectl("apply", "-f", "-", stdin=deployment(replicas=3)) == "deployment.apps/web configured\n"
    )
    assert await kubectl("get", "deploy/web", "-o", "jsonpath={.spec.replicas}") == "3"


async def test_apply_finds_a_misspelt_field(kubectl, deployment):
    complaint = await kubectl("apply", "-f", "-", stdin=deployment(replicsa=3), fails=True)
    assert 'unknown field "spec.replicsa"' in complaint


async def test_server_side_apply_takes_over_and_then_conflicts_with_others(kubectl, deployment):
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    both = [deployment(replicas=1), service]
    await kubectl("apply", "-f", "-", stdin=both)
    address = await kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    await kubectl("apply", "--server-side", "-f", "-", stdin=both)
    assert await kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}") == address
    theirs = ("apply", "--server-side", "--field-manager", "other", "-f", "-")
    complaint = await kubectl(*theirs, stdin=deployment(replicas=2), fails=True)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in complaint
    await kubectl(*theirs, "--force-conflicts", stdin=deployment(replicas=2))


async def test_diff_shows_what_apply_would_change(kubectl, deployment):
    await kubectl("apply", "-f", "-", stdin=deployment(replicas=1))
    assert await kubectl("diff", "-f", "-", stdin=deployment(replicas=1)) == ""
    await kubectl("diff", "-f", "-", stdin=deployment(replicas=2), fails=True)


async def test_what_create_sends_as_protobuf_arrives_whole(kubectl):
    creations = [
        ("deployment", "web", "--image=x:1", "--replicas=2", "--port=80"),
        ("configmap", "data", "--from-literal=k=v"),
        ("secret", "generic", "hidden", "--from-literal=k=v"),
        ("serviceaccount", "robot"),
        ("namespace", "models"),
        ("role", "reader", "--verb=get,list", "--resource=pods"),
        ("rolebinding", "reading", "--role=reader", "--serviceaccount=default:robot"),
        ("clusterrole", "looker", "--verb=get", "--non-resource-url=/metrics"),
        ("clusterrolebinding", "looking", "--clusterrole=looker", "--user=alice"),
        ("job", "once", "--image=x:1", "--", "sleep", "1"),
        ("cronjob", "often", "--image=x:1", "--schedule=* * * * *"),
        ("poddisruptionbudget", "web", "--selector=app=web", "--min-available=50%"),
        ("quota", "few", "--hard=pods=3,cpu=0.5"),
        ("service", "clusterip", "web", "--tcp=80:8080"),
        ("ingress", "way", "--rule=host/path=web:80"),
        ("priorityclass", "high", "--value=10"),
    ]
    await asyncio.gather(*(kubectl("create", *each) for each in creations[:8]))
    await asyncio.gather(*(kubectl("create", *each) for each in creations[8:]))

    async def at(what: str, path: str) -> str:
        return await kubectl("get", *what.split(), "-o", f"jsonpath={{{path}}}")

    assert await at("deploy web", ".spec.replicas") == "2"
    assert await at("deploy web", ".spec.template.spec.containers[0].ports[0].containerPort") == "80"
    assert await at("secret hidden", ".data.k") == "dg=="
    assert await at("role reader", ".rules[0].verbs") == '["get","list"]'
    assert await at("rolebinding reading", ".subjects[0].name") == "robot"
    assert await at("job once", ".spec.template.spec.containers[0].command") == '["sleep","1"]'
    assert await at("pdb web", ".spec.minAvailable") == "50%"
    assert await at("quota few", ".spec.hard") == '{"cpu":"500m","pods":"3"}'
    assert await at("svc web", ".spec.ports[0].targetPort") == "8080"
    assert await at("ingress way", ".spec.rules[0].http.paths[0].backend.service.name") == "web"


async def test_get_shows_the_columns_that_people_know(kubectl, deployment):
    await kubectl("apply", "-f", "-", stdin=deployment(replicas=3))
    await kubectl("run", "lone", "--image=x:1")
    shown = (await kubectl("get", "deploy", "-o", "wide")).splitlines()
    assert shown[0].split() == [
        "NAME",
        "READY",
        "UP-TO-DATE",
        "AVAILABLE",
        "AGE",
        "CONTAINERS",
        "IMAGES",
        "SELECTOR",
    ]
    assert shown[1].split()[:4] == ["web", "0/3", "0", "0"]
    assert shown[1].split()[5:] == ["c", "registry.example/web:1", "app=web"]
    pods = (await kubectl("get", "pods", "-o", "wide")).splitlines()
    expected = ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED", "NODE"]
    assert pods[0].split()[:9] == expected
    assert pods[1].split()[:4] == ["lone", "0/1", "Pending", "0"]


async def test_get_prints_yaml_and_json(kubectl):
    await kubectl("apply", "-f", "-", stdin=DATA)
    as_yaml = yaml.safe_load(await kubectl("get", "cm", "data", "-o", "yaml"))
    as_json = json.loads(await kubectl("get", "cm", "data", "-o", "json"))
    assert as_yaml == as_json
    assert as_json["data"] == {"k": "v"}


async def test_get_watches(kubectl, store):
    maps = store.resource("v1", "configmaps")
    store.create(maps, "default", DATA)

    async def touch() -> None:
        await until(lambda: store.watchers > 0)
        store.update(maps, "default", "data", lambda body: body | {"data": {"k": "w", "l": "x"}})
        store.delete(maps, "default", "data")

    watching = kubectl(
        "get", "cm", "data", "-w", "--output-watch-events", "--request-timeout=3s", fails=False
    )
    shown, _ = await asyncio.gather(watching, touch())
    assert [line.split()[:3] for line in shown.splitlines()[1:]] == [
        ["ADDED", "data", "1"],
        ["MODIFIED", "data", "2"],
        ["DELETED", "data", "2"],
    ]


async def test_labels_annotations_images_environment_and_scale_are_changed(kubectl, deployment):
    await kubectl("apply", "-f", "-", stdin=deployment(replicas=1))
    await kubectl("label", "deploy/web", "tier=front")
    await kubectl("annotate", "deploy/web", "note=seen")
    await kubectl("set", "image", "deploy/web", "c=x:2")
    await kubectl("set", "env", "deploy/web", "MODE=slow")
    await kubectl("scale", "deploy/web", "--replicas=4", "--current-replicas=1")
    await kubectl("patch", "deploy/web", "-p", '{"spec": {"minReadySeconds": 2}}')
    found = json.loads(await kubectl("get", "deploy", "-l", "tier=front", "-o", "json"))["items"][0]
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"]) == ("x:2", [{"name": "MODE", "value": "slow"}])
    assert (found["spec"]["replicas"], found["spec"]["minReadySeconds"]) == (4, 2)
    assert found["metadata"]["annotations"]["note"] == "seen"
    complaint = await kubectl("label", "deploy/web", "tier=back", fails=True)
    assert "--overwrite" in complaint


async def test_a_failed_patch_says_what_a_real_server_says(kubectl, deployment):
    await kubectl("apply", "-f", "-", stdin=deployment())
    patch = '[{"op": "test", "path": "/spec/replicas", "value": 9}]'
    complaint = await kubectl("patch", "deploy/web", "--type=json", "-p", patch, fails=True)
    assert "the server rejected our request due to an error in our request" in complaint


async def test_delete_waits_until_the_object_has_gone(kubectl, store):
    await kubectl("apply", "-f", "-", stdin=[DATA, {**DATA, "metadata": {"name": "more"}}])
    assert await kubectl("delete", "cm", "data", "--wait") == 'configmap "data" deleted\n'
    await kubectl("delete", "cm", "--all")
    assert store.list(store.resource("v1", "configmaps"), "default") == []
    assert "not found" in await kubectl("delete", "cm", "data", fails=True)


async def test_wait_sees_a_condition_become_true(kubectl, store, deployment):
    await kubectl("apply", "-f", "-", stdin=deployment())
    deployments = store.resource("apps/v1", "deployments")
    conditions = [{"type": "Available", "status": "True"}]

    async def become_available() -> None:
        await until(lambda: store.watchers > 0)
        status = {"status": {"conditions": conditions, "observedGeneration": 1}}
        store.update(deployments, "default", "web", lambda body: body | status, subresource="status")

    waiting = kubectl("wait", "deploy/web", "--for=condition=Available", "--timeout=30s")
    shown, _ = await asyncio.gather(waiting, become_available())
    assert shown == "deployment.apps/web condition met\n"


async def test_auth_answers_for_oneself_and_for_others(kubectl):
    assert await kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    complaint = await kubectl("auth", "can-i", "delete", "pods", "--as=alice", fails=True)
    assert complaint.strip() in {"", "exit status 1"}
    assert "sandbox-admin" in await kubectl("auth", "whoami")
    await kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    await kubectl("create", "rolebinding", "reading", "--role=reader", "--user=alice")
    assert await kubectl("auth", "can-i", "get", "pods", "--as=alice") == "yes\n"
    listed = await kubectl("auth", "can-i", "--list", "--as=alice")
    assert "pods" in listed
    complaint = await kubectl("get", "secrets", "--as=alice", fails=True)
    assert 'User "alice" cannot list resource "secrets" in API group ""' in complaint


async def test_discovery_explain_and_describe_work(kubectl, deployment):
    kinds = await kubectl("api-resources", "-o", "name")
    assert {"deployments.apps", "pods", "leases.coordination.k8s.io"} <= set(kinds.split())
    assert "apps/v1" in await kubectl("api-versions")
    assert "maxSurge" in await kubectl("explain", "deployment.spec.strategy.rollingUpdate")
    await kubectl("apply", "-f", "-", stdin=deployment())
    described = await kubectl("describe", "deploy", "web")
    assert "25% max unavailable, 25% max surge" in described
    assert "default" in await kubectl("describe", "ns", "default")


async def test_nodes_are_cordoned_and_drained_of_their_pods(kubectl, store, pod):
    nodes, pods = store.resource("v1", "nodes"), store.resource("v1", "pods")
    store.create(nodes, None, {"metadata": {"name": "node-1"}})
    store.create(pods, "default", pod("lone", nodeName="node-1", terminationGracePeriodSeconds=0))
    await kubectl("cordon", "node-1")
    assert "SchedulingDisabled" in await kubectl("get", "nodes")
    await kubectl("drain", "node-1", "--force")
    assert store.find(pods, "default", "lone") is None
    await kubectl("uncordon", "node-1")


async def test_events_are_listed(kubectl, store):
    involved = {"kind": "Pod", "name": "a", "namespace": "default", "apiVersion": "v1"}
    event = {
        "metadata": {"name": "a.1"},
        "involvedObject": involved,
        "reason": "Killed",
        "message": "by a drill",
        "type": "Warning",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
    }
    store.create(store.resource("v1", "events"), "default", event)
    shown = (await kubectl("get", "events")).splitlines()
    assert shown[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert shown[1].split()[1:] == ["Warning", "Killed", "pod/a", "by", "a", "drill"]
    assert "by a drill" in await kubectl("events", "--for", "pod/a")
    assert "Killed" in await kubectl("get", "events", "--field-selector", "involvedObject.name=a")


async def test_a_token_lets_a_service_account_in(kubectl, server):
    token = await kubectl("create", "token", "default")
    assert server.identities.of(token.strip()).user == "system:serviceaccount:default:default"


async def test_what_the_sandbox_cannot_do_it_says_plainly(kubectl):
    await kubectl("run", "lone", "--image=x:1")
    complaint = await kubectl("exec", "lone", "--", "ls", fails=True)
    assert "does not offer exec" in complaint
