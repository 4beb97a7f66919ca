"""ReplicaSets: which pods are theirs, and which go first."""

from sandbox.node.lab import Json, Lab, pod


def replica_set(replicas: int) -> Json:
    template = pod("web")
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}}
    spec["template"] = {"metadata": {"labels": {"app": "web"}}, "spec": template["spec"]}
    return {"metadata": {"name": "web"}, "spec": spec}


def ready(lab: Lab) -> int:
    return lab.status("replicasets", "web").get("readyReplicas", 0)


async def test_an_orphan_that_matches_is_adopted(objects: Lab):
    objects.create("pods", pod("web"))
    objects.create("replicasets", replica_set(2))
    await objects.until(lambda: ready(objects) == 2)
    assert len(objects.all("pods")) == 2
    assert objects.get("pods", "web")["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"


async def test_a_pod_whose_labels_match_no_longer_is_released_and_replaced(objects: Lab):
    objects.create("replicasets", replica_set(2))
    await objects.until(lambda: ready(objects) == 2)
    name = objects.all("pods")[0]["metadata"]["name"]
    objects.edit("pods", name, lambda body: body["metadata"]["labels"].update(app="quarantined"))
    await objects.until(lambda: len(objects.all("pods")) == 3 and ready(objects) == 2)
    assert not objects.get("pods", name)["metadata"].get("ownerReferences")


async def test_unready_pods_go_first_and_cheap_ones_next(objects: Lab):
    objects.create("replicasets", replica_set(4))
    await objects.until(lambda: ready(objects) == 4)
    unready, cheap = (objects.all("pods")[index]["metadata"]["name"] for index in (1, 2))

    def not_ready(body: Json) -> None:
        body["status"]["conditions"] = [
            {**each, "status": "False"} if each["type"] == "Ready" else each
            for each in body["status"]["conditions"]
        ]

    objects.edit("pods", unready, not_ready, subresource="status")
    cost = {"controller.kubernetes.io/pod-deletion-cost": "-5"}
    objects.edit("pods", cheap, lambda body: body["metadata"].update(annotations=cost))
    await objects.until(lambda: ready(objects) == 3)
    objects.edit("replicasets", "web", lambda body: body["spec"].update(replicas=2))
    await objects.until(lambda: len(objects.all("pods")) == 2)
    assert not {unready, cheap} & {p["metadata"]["name"] for p in objects.all("pods")}
    assert "SuccessfulDelete" in objects.reasons("web")
