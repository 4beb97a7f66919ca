"""Deployments: good and bad releases, and every way that people have to steer them."""

import pytest
from sandbox.node.lab import Json, Kubectl, Lab, deployment, get, is_ready, ready_probe, service

QUICK = {"progressDeadlineSeconds": 1}


async def deployed(lab: Lab, replicas: int = 3, spec: Json | None = None, **fields) -> None:
    lab.create("deployments", deployment(replicas=replicas, spec=spec, **fields))
    await lab.until(lambda: lab.rolled_out("web"), "first rollout")


def condition(lab: Lab, kind: str) -> tuple[str, str]:
    conditions = lab.status("deployments", "web").get("conditions") or ()
    return next(((c["status"], c["reason"]) for c in conditions if c["type"] == kind), ("", ""))


def revision(lab: Lab) -> str:
    return lab.get("deployments", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"]


def images(lab: Lab) -> set[str]:
    return {
        p["spec"]["containers"][0]["image"]
        for p in lab.all("pods")
        if "deletionTimestamp" not in p["metadata"]
    }


async def test_a_first_rollout_says_that_it_is_complete(lab: Lab):
    await deployed(lab)
    assert condition(lab, "Available") == ("True", "MinimumReplicasAvailable")
    assert condition(lab, "Progressing") == ("True", "NewReplicaSetAvailable")
    status = lab.status("deployments", "web")
    assert "unavailableReplicas" not in status
    assert (status["readyReplicas"], status["observedGeneration"]) == (3, 1)
    assert "ScalingReplicaSet" in lab.reasons("web")
    (only,) = lab.all("replicasets")
    digest = only["metadata"]["labels"]["pod-template-hash"]
    assert only["metadata"]["name"] == f"web-{digest}"
    assert all(p["metadata"]["name"].startswith(f"web-{digest}-") for p in lab.all("pods"))


async def test_a_good_release_replaces_every_pod(lab: Lab):
    await deployed(lab)
    lab.release("web", "test/server:v2")
    await lab.until(lambda: lab.rolled_out("web"))
    await lab.until(lambda: images(lab) == {"test/server:v2"})
    assert revision(lab) == "2"
    assert {await get(p["status"]["podIP"], 8080, "/") for p in lab.running()} == {
        f"v2 {p['status']['podIP']}" for p in lab.running()
    }


@pytest.mark.parametrize(
    ("surge", "unavailable", "most", "least"),
    [
        ("25%", "25%", 5, 3),
        (1, 0, 5, 4),
        (0, 1, 4, 3),
        ("50%", "0%", 6, 4),
        (0, "10%", 4, 3),
        ("100%", "100%", 8, 0),
    ],
)
async def test_a_rollout_stays_inside_surge_and_unavailable(
    lab: Lab, surge, unavailable, most: int, least: int
):
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    await deployed(lab, 4, {"strategy": rolling})
    pods = {each["metadata"]["uid"]: each for each in lab.all("pods")}
    async with lab.recorded() as changes:
        lab.release("web", "test/server:v2")
        await lab.until(lambda: lab.rolled_out("web"))
    for change in changes:
        if change.resource.plural == "pods":
            pods[change.object["metadata"]["uid"]] = change.object
            going = change.type == "DELETED" or "deletionTimestamp" in change.object["metadata"]
            if going:
                del pods[change.object["metadata"]["uid"]]
            assert len(pods) <= most
            assert sum(map(is_ready, pods.values())) >= least
    assert max(sum(sizes.values()) for sizes in replicas_over_time(changes)) <= most


def replicas_over_time(changes) -> list[dict[str, int]]:
    """What all ReplicaSets together asked for, after each change, once both were seen."""
    wanted, over_time = {}, []
    for change in changes:
        if change.resource.plural == "replicasets":
            wanted[change.object["metadata"]["name"]] = change.object["spec"]["replicas"]
            over_time.append(dict(wanted))
    return over_time


@pytest.mark.parametrize(
    ("image", "fields"),
    [
        ("test/crash:1", {}),
        ("nothing:1", {}),
        ("test/server:v2", {"env": [{"name": "UNREADY", "value": "1"}]}),
    ],
    ids=["crashes", "unknown image", "never ready"],
)
async def test_a_bad_release_stops_and_the_old_pods_go_on_serving(lab: Lab, image: str, fields: Json):
    lab.create("services", service())
    await deployed(lab, spec=QUICK)

    def released(body: Json) -> None:
        body["spec"]["template"]["spec"]["containers"][0].update(image=image, **fields)

    lab.edit("deployments", "web", released)
    await lab.until(lambda: condition(lab, "Progressing") == ("False", "ProgressDeadlineExceeded"))
    assert len(lab.running()) >= 3
    assert condition(lab, "Available")[0] == "True"
    assert (await get(lab.get("services", "web")["spec"]["clusterIP"])).startswith("v1")


async def test_undo_returns_to_the_release_before(lab: Lab, kubectl: Kubectl):
    await deployed(lab, spec=QUICK)
    lab.edit("deployments", "web", lambda b: b["metadata"].setdefault("annotations", {}).update(note="first"))
    await lab.until(lambda: lab.all("replicasets")[0]["metadata"]["annotations"].get("note") == "first")

    def released(body: Json) -> None:
        body["spec"]["template"]["spec"]["containers"][0].update(image="test/crash:1")
        body["metadata"]["annotations"]["note"] = "second"

    lab.edit("deployments", "web", released)
    await lab.until(lambda: condition(lab, "Progressing") == ("False", "ProgressDeadlineExceeded"))
    assert "exceeded its progress deadline" in await kubectl("rollout", "status", "deploy/web", code=1)
    await kubectl("rollout", "undo", "deploy/web")
    assert "successfully rolled out" in await kubectl("rollout", "status", "deploy/web")
    assert images(lab) == {"test/server:v1"}
    assert revision(lab) == "3"
    annotations = lab.get("deployments", "web")["metadata"]["annotations"]
    assert annotations["note"] == "first"
    history = await kubectl("rollout", "history", "deploy/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["2", "3"]
    assert "test/crash:1" in await kubectl("rollout", "history", "deploy/web", "--revision=2")


async def test_restart_replaces_the_pods_of_an_unchanged_release(lab: Lab, kubectl: Kubectl):
    await deployed(lab)
    before = {p["metadata"]["uid"] for p in lab.running()}
    await kubectl("rollout", "restart", "deploy/web")
    await kubectl("rollout", "status", "deploy/web")
    assert not before & {p["metadata"]["uid"] for p in lab.running()}


async def test_a_paused_rollout_waits_until_it_is_resumed(lab: Lab, kubectl: Kubectl):
    await deployed(lab)
    await kubectl("rollout", "pause", "deploy/web")
    await kubectl("set", "image", "deploy/web", "main=test/server:v2")
    await kubectl("scale", "deploy/web", "--replicas=4")
    await lab.until(lambda: len(lab.running()) == 4)
    assert images(lab) == {"test/server:v1"}
    assert condition(lab, "Progressing") == ("Unknown", "DeploymentPaused")
    await kubectl("rollout", "resume", "deploy/web")
    await kubectl("rollout", "status", "deploy/web")
    assert images(lab) == {"test/server:v2"}


async def test_recreate_ends_the_old_pods_first(lab: Lab):
    await deployed(lab, spec={"strategy": {"type": "Recreate"}})
    async with lab.recorded() as changes:
        lab.release("web", "test/server:v2")
        await lab.until(lambda: lab.rolled_out("web"))
    pods = [c for c in changes if c.resource.plural == "pods"]
    gone = [index for index, c in enumerate(pods) if c.type == "DELETED"]
    added = [index for index, c in enumerate(pods) if c.type == "ADDED"]
    assert len(gone) == len(added) == 3
    assert max(gone) < min(added)


async def test_min_ready_seconds_delays_availability(lab: Lab):
    lab.create("deployments", deployment(replicas=1, spec={"minReadySeconds": 2}))
    await lab.until(lambda: len(lab.running()) == 1)
    await lab.until(lambda: lab.status("deployments", "web").get("readyReplicas") == 1)
    assert not lab.status("deployments", "web").get("availableReplicas")
    await lab.until(lambda: lab.rolled_out("web"))


async def test_scaling_in_the_middle_of_a_stuck_rollout_keeps_the_proportions(lab: Lab):
    await deployed(lab, 4)
    lab.release("web", "nothing:1")
    await lab.until(lambda: sizes(lab) == {"test/server:v1": 3, "nothing:1": 2})
    lab.edit("deployments", "web", lambda body: body["spec"].update(replicas=8))
    await lab.until(lambda: sum(sizes(lab).values()) == 10)
    assert sizes(lab) == {"test/server:v1": 6, "nothing:1": 4}


def sizes(lab: Lab) -> dict[str, int]:
    sets = lab.all("replicasets")
    return {s["spec"]["template"]["spec"]["containers"][0]["image"]: s["spec"]["replicas"] for s in sets}


async def test_old_replica_sets_go_beyond_the_history_limit(objects: Lab):
    objects.create("deployments", deployment(spec={"revisionHistoryLimit": 2}))
    await objects.until(lambda: objects.rolled_out("web"))
    for number in range(5):
        objects.release("web", f"release:{number}")
        await objects.until(lambda: objects.rolled_out("web"))
    await objects.until(lambda: len(objects.all("replicasets")) == 3)
    revisions = {
        s["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for s in objects.all("replicasets")
    }
    assert revisions == {"4", "5", "6"}


async def test_a_template_that_was_there_before_gets_a_new_revision(objects: Lab):
    objects.create("deployments", deployment())
    await objects.until(lambda: objects.rolled_out("web"))
    for image in ("second", "test/server:v1"):
        objects.release("web", image)
        await objects.until(lambda: objects.rolled_out("web"))
    assert revision(objects) == "3"
    assert len(objects.all("replicasets")) == 2
    first = next(s for s in objects.all("replicasets") if s["spec"]["replicas"])
    assert first["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"


async def test_a_deployment_adopts_what_another_one_left(objects: Lab):
    objects.create("deployments", deployment())
    await objects.until(lambda: objects.rolled_out("web"))
    pods = {p["metadata"]["uid"] for p in objects.all("pods")}
    objects.delete("deployments", "web", policy="Orphan")
    assert not objects.all("replicasets")[0]["metadata"].get("ownerReferences")
    objects.create("deployments", deployment())
    await objects.until(lambda: objects.rolled_out("web"))
    assert {p["metadata"]["uid"] for p in objects.all("pods")} == pods
    assert condition(objects, "Progressing")[0] == "True"


async def test_a_deployment_without_a_deadline_never_times_out(lab: Lab):
    lab.create("deployments", deployment(replicas=1))
    lab.edit("deployments", "web", lambda body: body["spec"].update(progressDeadlineSeconds=2**31 - 1))
    await lab.until(lambda: lab.rolled_out("web"))
    lab.release("web", "nothing:1")
    await lab.until(lambda: "Failed" in lab.reasons("web"))
    assert condition(lab, "Progressing")[0] == "True"


async def test_deleting_a_deployment_takes_everything_with_it(lab: Lab):
    await deployed(lab)
    lab.delete("deployments", "web")
    await lab.until(lambda: not lab.all("replicasets") and not lab.all("pods"))


async def test_a_thousand_pods_are_cheap_as_objects(objects: Lab):
    objects.create("deployments", deployment(replicas=1000))
    await objects.until(lambda: objects.rolled_out("web"))
    addresses = {p["status"]["podIP"] for p in objects.all("pods")}
    assert len(addresses) == 1000


async def test_a_killed_pod_is_replaced(lab: Lab):
    await deployed(lab, readinessProbe=ready_probe())
    one = lab.running()[0]["metadata"]
    lab.delete("pods", one["name"], grace_seconds=0)
    await lab.until(lambda: len(lab.running()) == 3)
    assert one["uid"] not in {p["metadata"]["uid"] for p in lab.all("pods")}
