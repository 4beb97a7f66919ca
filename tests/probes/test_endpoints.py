"""Why: other people's endpoints answer in every way there is, and hold secrets that must stay secret."""

import base64
import json
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from probes.views import KINDS, read, some_cluster, view

from chaosctl.errors import NoData
from chaosctl.model import Ref
from chaosctl.operations.http import PlainHttp

SECRET = "tok-3n"  # noqa: S105 - the one that must not show


@dataclass
class Endpoint:
    """Answers as a test says, path to status and body, and remembers what it was asked."""

    url: str = ""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)

    async def answer(self, request):
        self.asked.append(request)
        status, body = self.answers.get(request.path, (404, ""))
        return web.Response(status=status, text=body)


@pytest.fixture
async def endpoint():
    known = Endpoint()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", known.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    known.url = "http://{}:{}".format(*runner.addresses[0])
    yield known
    await runner.cleanup()


@pytest.fixture
async def client():
    async with PlainHttp() as http:
        yield http


def secret(**data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": "access", "namespace": "models"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}


async def test_an_endpoint_with_the_expected_status_is_good(endpoint, client):
    endpoint.answers["/ok"] = (204, "")

    reading = await read(
        {"kind": "http", "url": endpoint.url + "/ok", "status": 204, "method": "POST"}, view(http=client)
    )

    assert (reading.bad, reading.n) == (0, 1)
    assert endpoint.asked[0].method == "POST"


async def test_an_endpoint_with_another_status_is_bad(endpoint, client):
    reading = await read({"kind": "http", "url": endpoint.url + "/nowhere"}, view(http=client))

    assert (reading.bad, reading.n) == (1, 1)
    assert reading.first_bad == reading.last_bad == reading.end


async def test_an_endpoint_that_does_not_answer_is_bad(client, unused_tcp_port):
    reading = await read({"kind": "http", "url": f"http://127.0.0.1:{unused_tcp_port}"}, view(http=client))

    assert reading.bad == 1


async def test_headers_are_read_from_the_environment_and_from_secrets(endpoint, client, monkeypatch):
    monkeypatch.setenv("MODEL_TOKEN", "from-env")
    endpoint.answers["/"] = (200, "")
    headers = {
        "X-Plain": "as it is",
        "X-Env": {"env": "MODEL_TOKEN"},
        "X-Secret": {"secretRef": {"name": "access", "key": "token"}},
    }

    await read(
        {"kind": "http", "url": endpoint.url, "headers": headers},
        view(http=client, cluster=some_cluster(secret(token=SECRET + "\n"))),
    )

    sent = endpoint.asked[0].headers
    assert (sent["X-Plain"], sent["X-Env"], sent["X-Secret"]) == ("as it is", "from-env", SECRET)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"env": "NOT_SET_ANYWHERE"}, "variable NOT_SET_ANYWHERE is not set"),
        ({"secretRef": {"name": "none", "key": "token"}}, "Secret models/none does not exist"),
        ({"secretRef": {"name": "access", "key": "none"}}, "Secret models/access has no key none"),
        ({"secretRef": {"name": "access", "key": "lines"}}, "header Authorization is not printable"),
        ({"secretRef": {"name": "access", "key": "binary"}}, "under binary is not text"),
    ],
    ids=["variable", "secret", "key", "lines", "binary"],
)
async def test_a_header_that_cannot_be_resolved_is_no_data_and_shows_no_value(header, why, client):
    body = secret(token=SECRET, lines=f"{SECRET}\r\nX-Injected: 1")
    body["data"]["binary"] = base64.b64encode(b"\xff" + SECRET.encode()).decode()
    probe = {"kind": "http", "url": "http://127.0.0.1:1", "headers": {"Authorization": header}}

    with pytest.raises(NoData, match=why) as raised:
        await read(probe, view(http=client, cluster=some_cluster(body)))

    assert SECRET not in str(raised.value)


async def test_a_probe_is_written_down_with_its_references_alone(monkeypatch):
    monkeypatch.setenv("MODEL_TOKEN", SECRET)
    headers = {"A": {"env": "MODEL_TOKEN"}, "B": {"secretRef": {"name": "access", "key": "token"}}}
    body = {"kind": "http", "url": "http://127.0.0.1/", "headers": headers}

    written = KINDS["http"].model_validate(body).model_dump(mode="json", by_alias=True)

    assert written["headers"] == headers
    assert KINDS["http"].model_validate(written) == KINDS["http"].model_validate(body)


@pytest.mark.parametrize("kind", ["http", "prometheus"])
@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://user:pass@127.0.0.1/", "127.0.0.1"])
def test_an_address_with_a_password_or_of_another_protocol_is_refused(kind, url):
    with pytest.raises(ValueError, match="pattern"):
        KINDS[kind].model_validate(
            {"kind": kind, "url": url, "query": "up"} if kind == "prometheus" else {"kind": kind, "url": url}
        )


def success(kind, result):
    return 200, json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


def refusal(message):
    return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": message})


async def queried(endpoint, client, answer):
    endpoint.answers["/api/v1/query"] = answer
    return await read({"kind": "prometheus", "url": endpoint.url + "/", "query": "up"}, view(http=client))


@pytest.mark.parametrize(
    "answer",
    [success("scalar", [1.5, "0.25"]), success("vector", [{"metric": {"a": "b"}, "value": [1.5, "0.25"]}])],
    ids=["scalar", "vector"],
)
async def test_a_query_with_one_value_reads_as_that_value(answer, endpoint, client):
    reading = await queried(endpoint, client, answer)

    assert reading.value == 0.25
    assert endpoint.asked[0].query["query"] == "up"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (success("vector", []), "the query gives nothing"),
        (success("vector", [{"value": [1, "1"]}] * 2), "gives 2 series, one is needed"),
        (success("scalar", [1, "NaN"]), "the query gives nan"),
        (success("scalar", [1, "+Inf"]), "the query gives inf"),
        (success("scalar", [1, "many"]), "no number"),
        (success("matrix", []), 'gives a "matrix"'),
        (refusal("parse error"), r"status 400\): parse error"),
        ((502, "<html>Bad gateway"), "status 502 and no JSON"),
        ((200, "[1]"), "refused the query"),
    ],
    ids=["empty", "several", "nan", "infinite", "text", "matrix", "refused", "html", "list"],
)
async def test_a_query_without_one_number_is_no_data_with_a_reason(answer, why, endpoint, client):
    with pytest.raises(NoData, match=why):
        await queried(endpoint, client, answer)


async def test_what_a_server_says_cannot_control_the_terminal(endpoint, client):
    with pytest.raises(NoData) as raised:
        await queried(endpoint, client, refusal("\x1b[31m" + "x" * 10_000))

    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 300


async def test_a_prometheus_that_does_not_answer_is_no_data(client, unused_tcp_port):
    probe = {"kind": "prometheus", "url": f"http://127.0.0.1:{unused_tcp_port}", "query": "up"}

    with pytest.raises(NoData):
        await read(probe, view(http=client))


async def test_a_query_carries_its_headers(endpoint, client):
    endpoint.answers["/api/v1/query"] = success("scalar", [1, "1"])
    probe = {"kind": "prometheus", "url": endpoint.url, "query": "up", "headers": {"X-Scope": "team"}}

    await read(probe, view(http=client))

    assert endpoint.asked[0].headers["X-Scope"] == "team"


async def test_a_secret_is_only_read_in_the_namespace_of_the_target(client):
    elsewhere = secret(token=SECRET)
    elsewhere["metadata"]["namespace"] = "other"
    header = {"A": {"secretRef": {"name": "access", "key": "token"}}}
    cluster = some_cluster(elsewhere)
    assert await cluster.get(Ref(kind="Secret", namespace="other", name="access"))

    with pytest.raises(NoData, match="models/access does not exist"):
        await read(
            {"kind": "http", "url": "http://127.0.0.1:1", "headers": header},
            view(http=client, cluster=cluster),
        )
