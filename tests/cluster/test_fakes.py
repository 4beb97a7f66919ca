"""Why: whoever tests against the fakes must be able to trust them where it matters."""

import asyncio
from datetime import timedelta
from itertools import count
from random import Random

import pytest
from cluster.scenes import IMAGE, REPLICAS, TARGET, virtually

from chaosctl.changes import at_version, look
from chaosctl.errors import Conflict, Gone, Lost, NoData
from chaosctl.model import Op, Ref
from chaosctl.ports import Answers, Clock, Cluster, Http, Journal
from chaosctl.testing import (
    EPOCH,
    Died,
    FakeAnswers,
    FakeClock,
    FakeCluster,
    FakeHttp,
    Fate,
    MemoryJournal,
    Sample,
    Shaky,
    config_map,
    deployment,
    in_virtual_time,
    ref_of,
    service,
)
from chaosctl.testing.selectors import has_fields, selects

SLICES = Ref(api_version="discovery.k8s.io/v1", kind="EndpointSlice", namespace="models", name="")


def ports(
    cluster: Cluster, clock: Clock, http: Http, answers: Answers, journal: Journal
) -> tuple[object, ...]:
    return cluster, clock, http, answers, journal


@virtually
async def test_the_fakes_are_what_the_core_asks_for():
    fakes = ports(FakeCluster(), FakeClock(), FakeHttp(), FakeAnswers(), MemoryJournal())

    assert len(fakes) == 5


@virtually
async def test_a_day_takes_no_time():
    clock = FakeClock()
    await clock.sleep_until(EPOCH + timedelta(hours=3))

    assert clock.now() == EPOCH + timedelta(hours=3)


def test_what_never_ends_or_never_happens_is_an_error_and_no_hang():
    async def nothing():
        await asyncio.Event().wait()

    async def for_ever():
        for turn in count():
            await asyncio.sleep(0 * turn)

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        in_virtual_time(nothing())
    with pytest.raises(RuntimeError, match="never ends"):
        in_virtual_time(for_ever())


@virtually
async def test_a_deployment_has_pods_that_get_ready_and_follow_its_replicas():
    cluster = FakeCluster(deployment("ranker"), service("ranker"))
    assert look(await cluster.get(TARGET), "/status/readyReplicas") is None
    await asyncio.sleep(3)
    assert look(await cluster.get(TARGET), "/status/readyReplicas") == 3
    (ready,) = await cluster.find(SLICES, "kubernetes.io/service-name=ranker")
    assert len(ready["endpoints"]) == 3

    await cluster.patch(TARGET, [Op(op="replace", path=REPLICAS, value=1)])

    assert len(await cluster.pods(TARGET)) == 1


@virtually
async def test_every_template_has_a_replica_set_and_old_ones_are_empty():
    cluster = FakeCluster(deployment("ranker"))
    await cluster.patch(TARGET, [Op(op="replace", path=IMAGE, value="model:2")])

    found = await cluster.find(Ref(api_version="apps/v1", kind="ReplicaSet", namespace="models", name=""))

    assert {look(body, IMAGE): look(body, REPLICAS) for body in found} == {"model:1": 0, "model:2": 3}


@virtually
async def test_a_pod_that_is_deleted_comes_back_under_another_name():
    cluster = FakeCluster(deployment("ranker"))
    old = (await cluster.pods(TARGET))[0]
    await cluster.delete(ref_of(old), old["metadata"]["uid"])

    names = {pod["metadata"]["name"] for pod in await cluster.pods(TARGET)}

    assert len(names) == 3
    assert old["metadata"]["name"] not in names


@virtually
async def test_pods_of_a_broken_image_never_get_ready():
    cluster = FakeCluster(deployment("ranker"))
    cluster.broken.add("model:1")
    await asyncio.sleep(100)

    assert look(await cluster.get(TARGET), "/status/readyReplicas") is None


@virtually
async def test_what_belongs_to_an_object_goes_with_it():
    cluster = FakeCluster(deployment("ranker"))
    await cluster.delete(TARGET, look(cluster.objects[TARGET], "/metadata/uid"))

    assert {ref.kind for ref in cluster.objects} == {"Node"}


@virtually
async def test_a_dry_run_changes_nothing_and_a_stale_version_conflicts():
    cluster = FakeCluster(deployment("ranker"))
    seen = await cluster.get(TARGET)
    write = Op(op="replace", path=REPLICAS, value=1)
    assert look(await cluster.patch(TARGET, [write], dry_run=True), REPLICAS) == 1
    await cluster.create(Ref(kind="ConfigMap", namespace="models", name="c"), {}, dry_run=True)
    assert cluster.writes == []
    await cluster.patch(TARGET, [at_version(seen), write])

    with pytest.raises(Conflict):
        await cluster.patch(TARGET, [at_version(seen), write])
    with pytest.raises(Gone):
        await cluster.get(TARGET.model_copy(update={"name": "other"}))


@virtually
async def test_an_admin_port_that_a_test_did_not_script_does_not_answer():
    cluster = FakeCluster(deployment("ranker"))
    pod = ref_of((await cluster.pods(TARGET))[0])

    with pytest.raises(Lost):
        await cluster.ask(pod, 9901, "/status")


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("app=a", True),
        ("app==a,tier!=web", True),
        ("app in (a, b),tier", True),
        ("app notin (a)", False),
        ("!tier", False),
        ("!other", True),
        ("tier=web", False),
        ("", True),
    ],
)
def test_label_selectors_select_as_kubectl_writes_them(selector, selected):
    assert selects(selector, {"metadata": {"labels": {"app": "a", "tier": "db"}}}) is selected


def test_field_selectors_select_by_path():
    pod = {"spec": {"nodeName": "node-a"}, "status": {"phase": "Running"}}

    assert has_fields("spec.nodeName=node-a,status.phase!=Failed", pod)
    assert not has_fields("spec.nodeName=node-b", pod)


@virtually
async def test_the_dead_do_nothing_more_but_what_they_sent_arrives():
    cluster = FakeCluster(deployment("ranker"))
    shaky = Shaky(cluster, Fate(Random(1), dies_at=1))

    with pytest.raises(Died):
        await shaky.patch(TARGET, [Op(op="replace", path=REPLICAS, value=1)])
    with pytest.raises(Died):
        await shaky.get(TARGET)

    assert look(cluster.objects[TARGET], REPLICAS) == 1


@virtually
async def test_troubles_are_as_many_as_fate_has_it():
    cluster = FakeCluster(deployment("ranker"))
    shaky = Shaky(cluster, Fate(Random(1), troubles=3))
    failures = 0
    for _ in range(300):
        try:
            await shaky.get(TARGET)
        except Exception:  # noqa: BLE001 - whatever it is, it counts
            failures += 1

    assert 0 < failures <= 3


def test_a_journal_holds_lines_until_its_writer_dies():
    journal = MemoryJournal(Fate(dies_at=2))
    journal.append(Ref(kind="A", name="x"))

    with pytest.raises(Died):
        journal.append(Ref(kind="B", name="y"))

    assert len(journal.lines) == 1


async def test_an_endpoint_answers_what_the_test_wrote_and_nothing_else():
    http = FakeHttp({"http://a": (200, b"yes")})

    assert await http.request("GET", "http://a", params={"q": "1"}) == (200, b"yes")
    with pytest.raises(NoData):
        await http.request("GET", "http://b")
    assert [request.url for request in http.requests] == ["http://a", "http://b"]


def test_answers_count_what_the_test_wrote():
    moments = [EPOCH + timedelta(seconds=number) for number in range(4)]
    answers = FakeAnswers(
        [
            Sample(moments[0]),
            Sample(moments[1], ok=False, seconds=2.0),
            Sample(moments[2], agrees=False, seconds=0.5, version="2"),
            Sample(moments[3], agrees=None),
        ]
    )
    all_of_it = (EPOCH, EPOCH + timedelta(seconds=9))

    failures = answers.failures(*all_of_it)
    assert (failures.bad, failures.n, failures.first_bad) == (1, 4, moments[1])
    assert (answers.disagreements(*all_of_it).bad, answers.disagreements(*all_of_it).n) == (1, 2)
    assert answers.slower_than(*all_of_it, 0.1).bad == 2
    assert answers.latency(*all_of_it, 50).value == 0.5
    assert answers.versions(*all_of_it) == {"1": 2, "2": 1}
    with pytest.raises(NoData):
        answers.failures(*[moment - timedelta(days=1) for moment in all_of_it])


@virtually
async def test_what_a_test_puts_there_is_there():
    cluster = FakeCluster()
    cluster.put(config_map("c", key="value"))

    assert (await cluster.get(Ref(kind="ConfigMap", namespace="models", name="c")))["data"] == {
        "key": "value"
    }
