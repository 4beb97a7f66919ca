"""Why: quotas and autoscalers belong to teams; the right one is changed, and it is said whom it hits."""

import pytest
from faults.test_plans import KINDS, TARGET, planned, some_cluster

from chaosctl.errors import CannotPlan
from chaosctl.targets import look
from chaosctl.testing import autoscaler, deployment


async def test_the_autoscaler_of_the_target_is_changed_and_no_other():
    cluster = some_cluster()
    cluster.put(deployment("other"))
    cluster.put(autoscaler("other"))

    _, [step], _ = await planned({"kind": "hpa", "minReplicas": 2}, cluster)

    assert step.ref.name == "fraud"
    assert [(edit.path, edit.before, edit.after) for edit in step.edits] == [("/spec/minReplicas", 3, 2)]


async def test_of_several_autoscalers_one_must_be_named():
    cluster = some_cluster()
    second = autoscaler("fraud")
    second["metadata"]["name"] = "fraud-night"
    cluster.put(second)

    with pytest.raises(CannotPlan, match="there is fraud, fraud-night"):
        await planned({"kind": "hpa", "maxReplicas": 3}, cluster)
    _, [step], _ = await planned({"kind": "hpa", "maxReplicas": 3, "name": "fraud-night"}, cluster)
    assert step.ref.name == "fraud-night"


async def test_the_goal_of_a_metric_is_pinned_by_the_metrics_name():
    _, [step], _ = await planned({"kind": "hpa", "utilization": 95})

    assert [edit.path for edit in step.edits] == ["/spec/metrics/0/resource/target/averageUtilization"]
    assert [(pin.path, pin.value) for pin in step.pins] == [("/spec/metrics/0/resource/name", "cpu")]


async def test_a_changed_autoscaler_is_its_own_effect():
    fault, plan, view = await planned({"kind": "hpa", "maxReplicas": 3})

    probe = fault.effect(plan, view).probe
    assert (probe["object"]["kind"], probe["path"], probe["value"]) == (
        "HorizontalPodAutoscaler",
        "/spec/maxReplicas",
        3,
    )


async def test_a_quota_is_felt_once_its_controller_enforces_it():
    fault, plan, view = await planned({"kind": "quota"})

    assert plan[0].body["spec"] == {"hard": {"pods": "0"}}
    probe = fault.effect(plan, view).probe
    assert probe["object"]["name"] == plan[0].ref.name
    assert (probe["path"], probe["value"]) == ("/status/hard/pods", "0")


async def test_a_quota_of_the_team_is_changed_key_by_key():
    _, [step], _ = await planned(
        {"kind": "quota", "name": "team", "hard": {"pods": "3", "requests.cpu": "1"}}
    )

    assert [(edit.path, edit.before, edit.after) for edit in step.edits] == [
        ("/spec/hard/pods", "30", "3"),
        ("/spec/hard/requests.cpu", None, "1"),
    ]


async def test_a_quota_hits_the_whole_namespace_and_says_so_before():
    cluster = some_cluster()
    fault = KINDS["quota"].model_validate({"kind": "quota"})
    assert await fault.doubts(await look(TARGET, cluster), cluster) == ()
    cluster.put(deployment("other", 2))

    [doubt] = await fault.doubts(await look(TARGET, cluster), cluster)

    assert doubt == "2 pods of other workloads in models could not be replaced either"
