"""Why: containers hold whatever they hold; a release must come and go without a trace all the same."""

import asyncio
from random import Random

import hypothesis.strategies as st
from hypothesis import given

from chaosctl.changes import apply_ops, backward, forward, same
from chaosctl.faults import Release
from chaosctl.spec import Aim, Target
from chaosctl.targets.deployment import view
from chaosctl.testing import FakeCluster, deployment, deployment_ref

NAMES = st.sampled_from(["A", "B", "C", "D"])
VALUES = st.sampled_from(["", "1", "two", "true"])
VARIABLES = st.dictionaries(NAMES, VALUES)
QUANTITIES = st.dictionaries(
    st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.sampled_from(["1", "2Gi"])
)
RESOURCES = st.dictionaries(st.sampled_from(["requests", "limits"]), QUANTITIES)


def workload(env, resources):
    body = deployment("fraud")
    container = body["spec"]["template"]["spec"]["containers"][0]
    container |= {
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "resources": resources,
    }
    return body


def container_of(body):
    return body["spec"]["template"]["spec"]["containers"][0]


@given(VARIABLES, RESOURCES, VARIABLES, RESOURCES)
def test_a_release_sets_what_it_names_keeps_the_rest_and_leaves_no_trace(before, present, env, resources):
    body = workload(before, present)
    seen = view(Target(workload=deployment_ref("fraud")), body, ())
    fault = Release(image="model:2", env=env, resources=resources)

    [change] = asyncio.run(fault.plan(seen, FakeCluster(), Aim("r", "e", Random(1))))
    released = apply_ops(body, forward(change))

    found = {variable["name"]: variable["value"] for variable in container_of(released)["env"]}
    assert found == {**before, **env}
    for kind, quantities in resources.items():
        assert container_of(released)["resources"][kind] == {**present.get(kind, {}), **quantities}
    assert same(body, apply_ops(released, backward(change, released)))
