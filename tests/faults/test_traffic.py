"""Why: whoever swaps a Service's pods must know what it swaps, and what the proxies understand."""

from random import Random

import pytest

from chaosctl.changes import apply_ops, forward
from chaosctl.errors import CannotPlan
from chaosctl.faults import Bandwidth, BodyChange, Disconnect, Errors, Latency, SlowBody
from chaosctl.image import image
from chaosctl.model import Create, Patch, Switch
from chaosctl.spec import Aim, Target
from chaosctl.targets import look
from chaosctl.testing import FakeCluster, deployment, deployment_ref, service
from chaosctl.traffic.proxy.orders import Place
from chaosctl.traffic.proxy.settings import settings
from chaosctl.traffic.proxy.traffic import TRAFFIC

TARGET = Target(workload=deployment_ref("fraud"), service="fraud")


async def planned(fault, *services, body=None, target=TARGET):
    cluster = FakeCluster(body or deployment("fraud"), *(services or [service("fraud")]))
    return await fault.plan(await look(target, cluster), cluster, Aim("r1", "e1", Random(1)))


def changed(**fields):
    """The Service of the target, with other fields in its spec."""
    body = service("fraud")
    body["spec"] |= fields
    return body


def marked(**fields):
    """The Service of the target, with other metadata."""
    body = service("fraud")
    body["metadata"] |= fields
    return body


def in_a_mesh():
    body = deployment("fraud")
    body["spec"]["template"]["spec"]["containers"].append({"name": "istio-proxy", "image": "istio:1"})
    return body


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Latency(delay="300ms"), {"latency": {"fixed": 0.3, "share": 1.0}}),
        (
            Latency(delay="1s", jitter="100ms", distribution="normal", share="50%"),
            {"latency": {"fixed": 1.0, "jitter": 0.1, "distribution": "normal", "share": 0.5}},
        ),
        (Errors(share="10%"), {"errors": {"status": 503, "share": 0.1}}),
        (Disconnect(mode="timeout"), {"disconnect": {"how": "timeout", "share": 1.0}}),
        (
            Errors(when={"path": "/v2/*", "headers": {"x-user": "b*"}}),
            {
                "errors": {
                    "status": 503,
                    "share": 1.0,
                    "when": {"path": "/v2/*", "headers": {"x-user": "b*"}},
                }
            },
        ),
        (SlowBody(bytes_per_second=400), {"slowBody": {"rate": 400, "share": 1.0}}),
        (BodyChange(every=7), {"body": {"how": "corrupt", "every": 7, "share": 1.0}}),
        (BodyChange(mode="truncate", bytes=5), {"body": {"how": "truncate", "bytes": 5, "share": 1.0}}),
        (BodyChange(mode="replace", text="x"), {"body": {"how": "replace", "text": "x", "share": 1.0}}),
        (
            Bandwidth(bytes_per_second=9, share="50%"),
            {way: {"bandwidth": {"rate": 9, "share": 0.5}} for way in ("upstream", "downstream")},
        ),
        (
            Bandwidth(bytes_per_second=9, direction="upstream"),
            {"upstream": {"bandwidth": {"rate": 9, "share": 1.0}}},
        ),
        (
            Latency(delay="1s", protocol="tcp"),
            {"downstream": {"latency": {"fixed": 1.0, "share": 1.0}}},
        ),
        (Disconnect(protocol="tcp"), {"downstream": {"reset": {"share": 1.0}}}),
        (Disconnect(protocol="tcp", mode="timeout"), {"downstream": {"timeout": {"share": 1.0}}}),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
async def test_the_proxies_understand_what_they_are_told(fault, told):
    *_, switch = await planned(fault)
    read = TRAFFIC[fault.speaks](Place("h", 1)).board.read

    assert {key: value for key, value in switch.fault.items() if key != "seed"} == told
    assert read({"fault": switch.fault, "until": "2030-01-01T00:00:00Z"}).seed == switch.fault["seed"]


def test_what_chooses_requests_is_for_http():
    with pytest.raises(ValueError, match='"when" chooses requests'):
        Latency(delay="1s", protocol="tcp", when={"method": "POST"})


@pytest.mark.parametrize("fault", [Errors(), Bandwidth(bytes_per_second=1)], ids=["http", "tcp"])
async def test_the_proxies_understand_how_they_are_started(fault):
    shadow, proxies, *_ = await planned(fault)
    [container] = proxies.body["spec"]["template"]["spec"]["containers"]
    variable = shadow.ref.name.upper().replace("-", "_") + "_SERVICE_HOST"
    role, *arguments = [argument.replace(f"$({variable})", "127.0.0.9") for argument in container["args"]]

    chosen = settings(arguments, {"POD_IP": "127.0.0.8"})

    assert (container["image"], role) == (image(), "proxy")
    assert tuple(chosen.listen) == ("127.0.0.8", 8080)
    assert tuple(chosen.upstream) == ("127.0.0.9", 80)
    assert tuple(chosen.admin) == ("127.0.0.8", 9901)
    assert chosen.protocol == fault.speaks


async def test_the_shadow_leads_where_the_service_led_and_the_service_leads_to_the_proxies():
    before = service("fraud")
    before["spec"]["ports"][0]["targetPort"] = "web"

    plan = await planned(Errors(), before)
    [shadow, proxies] = [step for step in plan if isinstance(step, Create)]
    [swap] = [step for step in plan if isinstance(step, Patch)]
    after = apply_ops(before, forward(swap))

    assert shadow.body["spec"]["selector"] == before["spec"]["selector"]
    assert shadow.body["spec"]["ports"] == before["spec"]["ports"]
    assert after["spec"]["selector"] == proxies.body["spec"]["template"]["metadata"]["labels"]
    assert after["spec"]["ports"][0]["targetPort"] == 8080
    assert after["spec"]["ports"][0]["port"] == before["spec"]["ports"][0]["port"]


async def test_a_service_that_leads_to_the_port_of_the_proxies_anyway_keeps_it():
    _, _, swap, _ = await planned(Errors(), service("fraud"))

    assert [edit.path for edit in swap.edits] == ["/spec/selector"]


async def test_the_service_is_swapped_once_two_proxies_are_ready_and_the_fault_comes_last():
    shadow, proxies, swap, switch = await planned(Errors())

    assert (shadow.ref.kind, proxies.ref.kind, swap.ref.kind) == ("Service", "Deployment", "Service")
    assert proxies.wait
    assert proxies.body["spec"]["replicas"] >= 2
    assert isinstance(switch, Switch)
    assert switch.proxies == proxies.ref


async def test_a_port_without_a_name_is_held_by_its_number_alone():
    unnamed = service("fraud")
    del unnamed["spec"]["ports"][0]["name"]

    _, _, swap, _ = await planned(Errors(), unnamed)

    assert [(pin.path, pin.value) for pin in swap.pins] == [("/spec/ports/0/port", 80)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (changed(type="ExternalName", externalName="example.org"), "host outside"),
        (changed(clusterIP="None"), "is headless"),
        (changed(selector={}), "has no selector"),
        (changed(selector={"app": "other"}), "does not lead to the pods"),
        (changed(ports=[{"port": 53, "protocol": "UDP"}]), "not TCP"),
        (changed(ports=[{"port": 80}, {"port": 81}]), "has 2 ports"),
        (
            marked(annotations={"argo-rollouts.argoproj.io/managed-by-rollouts": "fraud"}),
            "managed by Argo Rollouts",
        ),
        (
            marked(ownerReferences=[{"kind": "Canary", "name": "fraud", "controller": True}]),
            "managed by Canary fraud",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_service_that_cannot_be_led_through_a_proxy_is_refused(body, why):
    with pytest.raises(CannotPlan, match=why):
        await planned(Errors(), body)


async def test_a_service_in_a_mesh_is_refused_with_the_mesh_as_the_remedy():
    with pytest.raises(CannotPlan, match="inject the fault with Istio itself"):
        await planned(Errors(), body=in_a_mesh())


async def test_an_owner_that_is_no_controller_does_not_keep_a_service_from_being_drilled():
    owner = {"kind": "Application", "name": "shop"}

    assert await planned(Errors(), marked(ownerReferences=[owner]))


async def test_a_target_without_a_service_is_asked_to_name_one():
    with pytest.raises(CannotPlan, match="name the target's Service"):
        await planned(Errors(), target=Target(workload=TARGET.workload))


async def test_a_service_that_does_not_exist_is_named():
    with pytest.raises(CannotPlan, match="Service models/fraud does not exist"):
        await planned(Errors(), service("other"))


async def test_no_service_may_lead_to_the_proxies_by_accident():
    _, proxies, *_ = await planned(Errors())
    greedy = service("greedy")
    greedy["spec"]["selector"] = proxies.body["spec"]["template"]["metadata"]["labels"]

    with pytest.raises(CannotPlan, match="Service greedy selects the labels"):
        await planned(Errors(), service("fraud"), greedy)
