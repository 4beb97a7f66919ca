"""The whole cluster as people use it: a real kubectl, verb by verb."""

import asyncio
import json

import httpx
import yaml
from sandbox.node.lab import Kubectl, Lab, deployment, service


def manifest() -> str:
    """A Deployment and a Service, as in a file."""
    kinds = [("apps/v1", "Deployment", deployment()), ("v1", "Service", service())]
    return yaml.safe_dump_all(
        [{"apiVersion": version, "kind": kind, **body} for version, kind, body in kinds]
    )


async def applied(lab: Lab, kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", "-", stdin=manifest())
    await kubectl("rollout", "status", "deploy/web", "--timeout=60s")
    assert len(lab.running("web")) == 3


async def test_looking(lab: Lab, kubectl: Kubectl):
    await applied(lab, kubectl)
    wide = (await kubectl("get", "pods", "-o", "wide")).splitlines()
    assert wide[0].split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert all(line.split()[1:3] == ["1/1", "Running"] for line in wide[1:])
    everything = await kubectl("get", "all")
    assert all(
        kind in everything
        for kind in ("pod/web-", "service/web", "deployment.apps/web", "replicaset.apps/web-")
    )
    listed = json.loads(await kubectl("get", "pods", "-l", "app=web", "-o", "json"))
    assert {item["status"]["phase"] for item in listed["items"]} == {"Running"}
    assert yaml.safe_load(await kubectl("get", "deploy", "web", "-o", "yaml"))["status"]["readyReplicas"] == 3
    assert "endpointslice" in await kubectl("get", "endpointslices", "-o", "name")
    assert "sandbox-c" in await kubectl("get", "nodes", "-L", "topology.kubernetes.io/zone")


async def test_describing(lab: Lab, kubectl: Kubectl):
    await applied(lab, kubectl)
    about = await kubectl("describe", "deployment", "web")
    assert "3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in about
    assert "ScalingReplicaSet" in about
    name = lab.running("web")[0]["metadata"]["name"]
    about = await kubectl("describe", "pod", name)
    assert all(word in about for word in ("Successfully assigned", "Started container", "ContainersReady"))
    assert lab.running("web")[0]["status"]["podIP"] in await kubectl("describe", "service", "web")
    assert "MemoryPressure" in await kubectl("describe", "node", "sandbox-node-1")
    assert "ScalingReplicaSet" in await kubectl("events", "--for", "deployment/web")


async def test_watching_and_waiting(lab: Lab, kubectl: Kubectl):
    await applied(lab, kubectl)
    name = lab.running("web")[0]["metadata"]["name"]
    seen = set()
    async with kubectl.lines("get", "pods", "-w", "-o", "name") as lines:
        while len(seen) < 3:
            seen.add(await anext(lines))
        waiting = asyncio.create_task(kubectl("wait", "--for=delete", f"pod/{name}", "--timeout=60s"))
        await kubectl("delete", "pod", name)
        while len(seen) < 4:  # the three, and the one that came instead
            seen.add(await anext(lines))
    await waiting
    await kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=60s")
    await kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", "deploy/web", "--timeout=60s")
    assert {f"pod/{each['metadata']['name']}" for each in lab.running("web")} <= seen


async def test_changing(lab: Lab, kubectl: Kubectl):
    await kubectl("create", "deployment", "web", "--image=test/server:v1", "--replicas=2")
    await kubectl("rollout", "status", "deploy/web")
    await kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080")
    await kubectl("scale", "deploy/web", "--replicas=3")
    await kubectl("set", "image", "deploy/web", "server=test/server:v2")
    await kubectl("set", "env", "deploy/web", "COLOUR=blue")
    await kubectl("label", "deploy", "web", "team=ml")
    await kubectl("annotate", "deploy", "web", "note=hello")
    await kubectl("patch", "deploy", "web", "-p", '{"spec": {"minReadySeconds": 0}}')
    await kubectl("rollout", "status", "deploy/web", "--timeout=60s")
    body = lab.get("deployments", "web")
    main = body["spec"]["template"]["spec"]["containers"][0]
    assert (main["image"], main["env"]) == ("test/server:v2", [{"name": "COLOUR", "value": "blue"}])
    assert body["metadata"]["labels"]["team"] == "ml"
    assert body["metadata"]["annotations"]["note"] == "hello"
    await kubectl("delete", "deploy,svc", "--all", "--timeout=60s")
    await lab.until(lambda: not lab.all("pods"))


async def test_applying_again_changes_only_what_differs(lab: Lab, kubectl: Kubectl):
    await applied(lab, kubectl)
    assert "unchanged" in await kubectl("apply", "-f", "-", stdin=manifest())
    changed = manifest().replace("test/server:v1", "test/server:v2")
    assert "deployment.apps/web configured" in await kubectl("apply", "-f", "-", stdin=changed)
    await kubectl("rollout", "status", "deploy/web", "--timeout=60s")
    assert {p["spec"]["containers"][0]["image"] for p in lab.running()} == {"test/server:v2"}


async def test_permissions_and_namespaces(lab: Lab, kubectl: Kubectl):
    assert (await kubectl("auth", "can-i", "delete", "pods")).strip() == "yes"
    await kubectl("create", "namespace", "team")
    await kubectl("-n", "team", "create", "deployment", "web", "--image=test/server:v1")
    await kubectl("-n", "team", "rollout", "status", "deploy/web", "--timeout=60s")
    assert "default" in await kubectl("-n", "team", "get", "serviceaccounts")
    await kubectl("delete", "namespace", "team", "--timeout=60s")
    assert not lab.store.list(lab.resource("pods"), "team")


async def test_an_eviction_beyond_the_budget_is_refused(lab: Lab, kubectl: Kubectl):
    await applied(lab, kubectl)
    await kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=3")
    await lab.until(lambda: lab.status("poddisruptionbudgets", "web").get("currentHealthy") == 3)
    names = [each["metadata"]["name"] for each in lab.running("web")]
    name, body = names[0], body_of(names[0])
    async with httpx.AsyncClient(base_url=lab.sandbox.url) as api:
        path = f"/api/v1/namespaces/default/pods/{name}/eviction"
        refused = await api.post(path, json=body)
        assert refused.status_code == 429
        assert "would violate the pod's disruption budget" in refused.json()["message"]
        await kubectl("patch", "pdb", "web", "--type=merge", "-p", '{"spec": {"minAvailable": 2}}')
        await lab.until(lambda: lab.status("poddisruptionbudgets", "web")["disruptionsAllowed"] == 1)
        answers = [
            (await api.post(path.replace(name, each), json=body_of(each))).status_code for each in names
        ]
    assert answers == [201, 429, 429]
    await lab.until(lambda: lab.find("pods", name) is None)


def body_of(name: str) -> dict[str, object]:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
