"""Why: a template is a tree of lists; an edit must meet the element that was meant, and only that."""

import pytest
from faults.test_plans import TARGET, planned

from chaosctl.changes import apply_ops, forward
from chaosctl.errors import CannotPlan
from chaosctl.testing import FakeCluster, deployment

POD = "/spec/template/spec"


def with_artifacts():
    body = deployment("fraud", 3)
    pod = body["spec"]["template"]["spec"]
    pod["volumes"] = [
        {"name": "cache", "emptyDir": {}},
        {"name": "weights", "configMap": {"name": "weights-7"}},
        {"name": "keys", "secret": {"secretName": "keys-1"}},
    ]
    pod["initContainers"] = [{"name": "fetch", "image": "fetch:1", "command": ["fetch"]}]
    pod["containers"][0]["volumeMounts"] = [
        {"name": "cache", "mountPath": "/cache"},
        {"name": "weights", "mountPath": "/model"},
    ]
    pod["containers"][0]["args"] = ["--model", "/model/7", "--threads=4"]
    pod["containers"][0]["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    return FakeCluster(body)


async def spoiled(**fields):
    """The pod spec after the fault, and the one step that makes it so."""
    cluster = with_artifacts()
    _, [step], _ = await planned({"kind": "bad-artifact", **fields}, cluster)
    after = apply_ops(cluster.objects[TARGET.workload], forward(step))
    return after["spec"]["template"]["spec"], step


async def test_a_volume_comes_from_a_config_map_that_does_not_exist():
    pod, step = await spoiled(volume="weights")

    assert pod["volumes"][1] == {"name": "weights", "configMap": {"name": "chaosctl-no-such-artifact"}}
    assert [pin.path for pin in step.pins] == [f"{POD}/volumes/1/name"]


async def test_a_volume_comes_from_another_secret():
    pod, _ = await spoiled(volume="keys", source="keys-0")

    assert pod["volumes"][2]["secret"] == {"secretName": "keys-0"}


async def test_a_volume_without_a_source_cannot_be_spoiled():
    with pytest.raises(CannotPlan, match="neither a ConfigMap nor a Secret"):
        await spoiled(volume="cache")


async def test_a_mount_shows_another_part_of_its_volume():
    pod, step = await spoiled(mount="weights", path="old")

    assert pod["containers"][0]["volumeMounts"][1]["subPath"] == "old"
    names = [f"{POD}/containers/0/name", f"{POD}/containers/0/volumeMounts/1/name"]
    assert [pin.path for pin in step.pins] == names


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("--model", ["--model", "/nowhere", "--threads=4"]),
        ("--threads", ["--model", "/model/7", "--threads=/nowhere"]),
        ("--new", ["--model", "/model/7", "--threads=4", "--new=/nowhere"]),
    ],
)
async def test_an_argument_gets_another_value_however_it_is_written(argument, arguments):
    pod, _ = await spoiled(argument=argument, path="/nowhere")

    assert pod["containers"][0]["args"] == arguments


async def test_an_init_container_fails_instead_of_fetching():
    pod, step = await spoiled(init="fetch")

    assert pod["initContainers"] == [{"name": "fetch", "image": "fetch:1", "command": ["false"]}]
    assert [pin.path for pin in step.pins] == [f"{POD}/initContainers/0/name"]


async def test_an_init_container_comes_from_an_image_that_does_not_exist():
    pod, _ = await spoiled(init="fetch", image="fetch:none", command=["fetch"])

    assert pod["initContainers"] == [{"name": "fetch", "image": "fetch:none", "command": ["fetch"]}]


async def test_an_init_container_is_added_where_there_was_none_as_harmless_as_the_model():
    body, harmless = deployment("fraud", 3), {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
    body["spec"]["template"]["spec"]["containers"][0]["securityContext"] = harmless
    cluster = FakeCluster(body)
    _, [step], _ = await planned({"kind": "bad-artifact", "init": "check"}, cluster)
    after = apply_ops(cluster.objects[TARGET.workload], forward(step))

    [added] = after["spec"]["template"]["spec"]["initContainers"]
    assert added == {
        "name": "check",
        "image": "model:1",
        "command": ["false"],
        "securityContext": harmless,
    }


async def test_a_squeeze_keeps_what_it_does_not_name():
    cluster = with_artifacts()
    body = {"kind": "resource-squeeze", "requests": {"memory": "16Mi"}, "limits": {"memory": "16Mi"}}
    _, [step], _ = await planned(body, cluster)
    after = apply_ops(cluster.objects[TARGET.workload], forward(step))

    resources = after["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "1", "memory": "16Mi"}, "requests": {"memory": "16Mi"}}
