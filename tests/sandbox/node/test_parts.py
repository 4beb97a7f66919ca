"""The node's parts on their own: environment, addresses, images, balancer."""

import asyncio
import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.node.lab import Json, closed

from chaosctl.sandbox.node.addresses import Addresses, AddressesExhausted, Pool
from chaosctl.sandbox.node.balancer import Balancer
from chaosctl.sandbox.node.environment import ConfigError, environment, expand, write_volumes
from chaosctl.sandbox.node.images import ImageNotFound, Images

OBJECTS: dict[tuple[str, str], Json] = {
    ("configmaps", "config"): {"data": {"A": "a"}, "binaryData": {"B": base64.b64encode(b"b").decode()}},
    ("secrets", "secret"): {"data": {"KEY": base64.b64encode(b"s3cret").decode()}},
}
POD: Json = {"metadata": {"name": "one", "namespace": "default", "annotations": {"note": "n"}}, "spec": {}}


def find(plural: str, name: str) -> Json | None:
    return OBJECTS.get((plural, name))


def resolved(**fields) -> dict[str, str]:
    return environment(POD, fields, {"POD_IP": "127.0.0.9"}, find)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)-$(A)", "1-1"),
        ("$$(A)", "$(A)"),
        ("$(B)", "$(B)"),
        ("$A $(", "$A $("),
        ("$$$(A)", "$1"),
        ("", ""),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expected: str):
    assert expand(text, {"A": "1"}) == expected


@given(st.text(alphabet="ab (){}"))
def test_text_without_a_dollar_stays_as_it_is(text: str):
    assert expand(text, {"a": "1"}) == text


def test_sources_of_variables_are_joined_later_ones_win():
    sources = [{"configMapRef": {"name": "config"}}, {"secretRef": {"name": "secret"}, "prefix": "P_"}]
    env = resolved(envFrom=sources, env=[{"name": "A", "value": "over"}])
    assert env == {"POD_IP": "127.0.0.9", "A": "over", "B": "b", "P_KEY": "s3cret"}


@pytest.mark.parametrize(
    "fields",
    [
        {
            "env": [
                {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "A", "optional": True}}}
            ]
        },
        {
            "env": [
                {
                    "name": "X",
                    "valueFrom": {"secretKeyRef": {"name": "secret", "key": "no", "optional": True}},
                }
            ]
        },
        {"envFrom": [{"configMapRef": {"name": "no", "optional": True}}]},
    ],
)
def test_what_is_optional_may_be_missing(fields: Json):
    assert resolved(**fields) == {"POD_IP": "127.0.0.9"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "no", "key": "A"}}, 'configmap "no" not found'),
        ({"secretKeyRef": {"name": "no", "key": "A"}}, 'secret "no" not found'),
        (
            {"configMapKeyRef": {"name": "config", "key": "no"}},
            "couldn't find key no in ConfigMap default/config",
        ),
        ({"resourceFieldRef": {"resource": "limits.cpu"}}, "the sandbox cannot resolve resourceFieldRef"),
    ],
)
def test_what_is_required_and_missing_is_named(source: Json, message: str):
    with pytest.raises(ConfigError, match=message):
        resolved(env=[{"name": "X", "valueFrom": source}])


def test_fields_of_the_pod_become_variables():
    paths = ("metadata.annotations['note']", "metadata.annotations['no']", "status.podIP", "spec.nodeName")
    env = [{"name": str(i), "valueFrom": {"fieldRef": {"fieldPath": path}}} for i, path in enumerate(paths)]
    assert [resolved(env=env)[str(i)] for i in range(4)] == ["n", "", "127.0.0.9", ""]


def with_volume(**volume) -> Json:
    return {**POD, "spec": {"volumes": [{"name": "v", **volume}]}}


def test_chosen_keys_become_files_at_chosen_paths(tmp_path: Path):
    items = [{"key": "A", "path": "deep/a"}]
    write_volumes(with_volume(configMap={"name": "config", "items": items}), tmp_path, find)
    write_volumes(with_volume(secret={"secretName": "secret"}), tmp_path, find)
    assert (tmp_path / "v" / "deep" / "a").read_text() == "a"
    assert (tmp_path / "v" / "KEY").read_text() == "s3cret"
    assert not (tmp_path / "v" / "B").exists()


def test_an_empty_volume_is_an_empty_folder(tmp_path: Path):
    variables = write_volumes(with_volume(emptyDir={}), tmp_path, find)
    assert variables == {"CHAOSCTL_VOLUME_V": str(tmp_path / "v")}
    assert list((tmp_path / "v").iterdir()) == []


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out"])
def test_no_file_is_written_outside_its_volume(tmp_path: Path, path: str):
    items = [{"key": "A", "path": path}]
    with pytest.raises(ConfigError, match="invalid path"):
        write_volumes(with_volume(configMap={"name": "config", "items": items}), tmp_path, find)
    assert not list(tmp_path.rglob("out"))


def test_a_key_that_is_not_there_is_named(tmp_path: Path):
    items = [{"key": "no", "path": "a"}]
    with pytest.raises(ConfigError, match="non-existent config key: no"):
        write_volumes(with_volume(configMap={"name": "config", "items": items}), tmp_path, find)


def test_addresses_are_unique_and_come_back_last():
    pool = Pool(9, range(1, 2))
    taken = [pool.take() for _ in range(254)]
    assert len(set(taken)) == 254
    with pytest.raises(AddressesExhausted, match=r"127\.9\.1\.1"):
        pool.take()
    pool.free(taken[7])
    assert pool.take() == taken[7]


def test_blocks_are_given_back():
    one, two = Addresses.claim(), Addresses.claim()
    assert one.pods.take() != two.pods.take()
    one.close()
    two.close()


def test_an_image_is_a_command_with_a_stable_digest():
    images = Images({"me/server:latest": ("./server", "--bind", "{ip}:80", "{json}")})
    image = images.pull("me/server")
    assert image.command("127.0.0.9") == ["./server", "--bind", "127.0.0.9:80", "{json}"]
    assert image.digest.startswith("me/server@sha256:")
    assert image.digest.rpartition("@")[2] == images.pull("me/server:latest").digest.rpartition("@")[2]
    with pytest.raises(ImageNotFound, match="me/other:1: not found"):
        images.pull("me/other:1")


async def test_a_connection_to_a_dead_endpoint_is_reset_at_once():
    balancer = Balancer("127.0.0.1", 0)
    await balancer.balance([("127.0.0.1", 1)])  # nobody listens there
    reader, writer = await asyncio.open_connection(*balancer.address)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    await closed(writer)
    balancer.close()


async def test_a_slow_endpoint_slows_its_client_down_and_loses_nothing():
    go, size = asyncio.Event(), 30_000_000

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        total = 0
        while chunk := await reader.read(1 << 20):
            total += len(chunk)
        writer.write(str(total).encode())
        await closed(writer)

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    balancer = Balancer("127.0.0.1", 0)
    await balancer.balance([server.sockets[0].getsockname()])
    reader, writer = await asyncio.open_connection(*balancer.address)
    writer.write(b"x" * size)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writer.drain(), 0.3)  # nobody reads, so nobody may send
    go.set()
    await writer.drain()
    writer.write_eof()
    assert await reader.read() == str(size).encode()
    await closed(writer)
    balancer.abort()
    server.close()
    await server.wait_closed()


async def test_what_a_client_sends_before_the_endpoint_answers_arrives_whole():
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        await closed(writer)

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    balancer = Balancer("127.0.0.1", 0)
    await balancer.balance([server.sockets[0].getsockname()])
    reader, writer = await asyncio.open_connection(*balancer.address)
    writer.write(b"early")
    writer.write_eof()
    assert await reader.read() == b"early"
    await closed(writer)
    balancer.abort()
    server.close()
    await server.wait_closed()
