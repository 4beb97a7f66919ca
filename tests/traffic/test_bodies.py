"""What the fault proxy does to answers and requests because it understands HTTP."""

import asyncio
import time

import pytest
from traffic.conftest import DEADLINE, HOST, ask, read_request, status, switch, tell, until

from chaosctl.traffic.proxy.bodies import Corrupted
from chaosctl.traffic.proxy.faults import Body

TEXT = b"0123456789" * 30
LAST = b"connection: close\r\n\r\n"
GET = b"GET /v2/models/a?x=1 HTTP/1.1\r\nhost: m\r\nX-User: beta-7\r\n"
FRAMINGS = pytest.mark.parametrize("framing", ["sized", "chunked", "until-close"])
FRAMES = {
    "sized": b"content-length: %d\r\n\r\n%s" % (len(TEXT), TEXT),
    "chunked": b"transfer-encoding: chunked\r\n\r\n64\r\n%s\r\nc8\r\n%s\r\n0\r\n\r\n"
    % (TEXT[:100], TEXT[100:]),
    "until-close": b"\r\n" + TEXT,
}


@pytest.fixture
def server(raw, proxy):
    """server(framing) -> a proxy in front of a server whose answers have TEXT as their body."""

    async def start(framing="sized"):
        async def handler(reader, writer):
            while True:
                await read_request(reader)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n" + FRAMES[framing])
                if framing == "until-close":
                    return

        return await proxy(await raw(handler))

    return start


async def answered(through, request=GET + LAST):
    """Head and body of the answer, unframed."""
    got = await ask(through.port, request)
    head, _, body = got.partition(b"\r\n\r\n")
    return head.lower(), unchunked(body) if b"chunked" in head else body


def unchunked(body):
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        found += body[: int(size, 16)]
        assert body[int(size, 16) :][:2] == b"\r\n"
        body = body[int(size, 16) + 2 :]
    assert size == b"0"
    return found


async def touched(through):
    return {part: count for part, count in (await status(through))["touched"].items() if count}


@FRAMINGS
async def test_a_body_is_replaced_and_its_length_is_right(server, framing):
    through = await server(framing)
    await switch(through, body={"how": "replace", "text": "née"})
    head, body = await answered(through)
    assert body == "née".encode()
    assert b"content-length: 4" in head
    assert b"chunked" not in head
    assert b"content-type: text/plain" in head
    assert await touched(through) == {"body": 1}


@FRAMINGS
async def test_a_body_is_truncated_and_its_length_is_right(server, framing):
    through = await server(framing)
    await switch(through, body={"how": "truncate", "bytes": 120})
    head, body = await answered(through)
    assert body == TEXT[:120]
    assert (b"content-length: 120" in head) == (framing == "sized")
    assert await touched(through) == {"body": 1}


@FRAMINGS
async def test_a_body_is_corrupted_and_keeps_its_length(server, framing):
    through = await server(framing)
    await switch(through, body={"how": "corrupt", "every": 100})
    _, body = await answered(through)
    assert len(body) == len(TEXT)
    assert [at for at in range(300) if body[at] != TEXT[at]] == [0, 100, 200]
    assert await touched(through) == {"body": 1}


@pytest.mark.parametrize("size", [1, 3, 7, 300])
def test_the_same_bytes_are_corrupted_however_a_body_comes(size):
    change = Corrupted(Body(every=7), lambda: None)
    got = b"".join(change.piece(TEXT[at : at + size]) for at in range(0, 300, size))
    assert [at for at in range(300) if got[at] != TEXT[at]] == list(range(0, 300, 7))


async def test_a_body_that_is_shorter_than_its_limit_is_not_touched(server):
    through = await server()
    await switch(through, body={"how": "truncate", "bytes": 1000})
    assert (await answered(through))[1] == TEXT
    assert await touched(through) == {}


async def test_an_answer_without_a_body_is_not_changed(server):
    through = await server()
    await switch(through, body={"how": "replace", "text": "x"}, slowBody={"rate": 1})
    head, body = await answered(through, GET.replace(b"GET", b"HEAD") + LAST)
    assert b"content-length: 300" in head
    assert body == b""
    assert await touched(through) == {}


async def test_the_connection_lives_on_after_a_changed_body(server):
    through = await server()
    await switch(through, body={"how": "truncate", "bytes": 3})
    reader, writer = await asyncio.open_connection(HOST, through.port)
    for _ in range(2):
        writer.write(GET + b"\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
        assert b"content-length: 3" in head
        assert await asyncio.wait_for(reader.readexactly(3), DEADLINE) == b"012"
    await tell(through, "/fault", {})
    writer.write(GET + LAST)
    assert (await asyncio.wait_for(reader.read(), DEADLINE)).endswith(TEXT)
    writer.close()


@FRAMINGS
async def test_a_slow_body_comes_at_its_rate_and_whole(server, framing):
    through = await server(framing)
    await switch(through, slowBody={"rate": 1000})
    began = time.monotonic()
    assert (await answered(through))[1] == TEXT
    assert 0.3 <= time.monotonic() - began < DEADLINE
    assert await touched(through) == {"slowBody": 1}


@pytest.mark.parametrize("seconds", [0.3, 60.0])
async def test_a_slow_body_is_quick_again_when_the_fault_ends(server, seconds):
    through = await server()
    await switch(through, seconds, slowBody={"rate": 1})
    waiting = asyncio.create_task(answered(through))
    await until(lambda: through.traffic.board.touched["slowBody"])
    if seconds > 1:
        await tell(through, "/fault", {})
    assert (await waiting)[1] == TEXT


MATCHING = {
    "method": {"method": "G*"},
    "path": {"path": "/v2/models/*"},
    "headers": {"headers": {"x-user": "beta-?"}},
    "all": {"method": "GET", "path": "/v2/models/a", "headers": {"X-USER": "*"}},
}
OTHERS = {
    "method": {"method": "POST"},
    "path": {"path": "/v1/*"},
    "query": {"path": "*x=1"},
    "headers": {"headers": {"x-user": "alpha*"}},
    "no header": {"headers": {"x-other": "*"}},
    "one of two": {"method": "GET", "path": "/v1/*"},
}


@pytest.mark.parametrize("when", MATCHING.values(), ids=MATCHING)
async def test_a_part_hits_what_it_names(server, when):
    through = await server()
    await switch(through, errors={"status": 418, "when": when})
    assert (await answered(through))[0].startswith(b"http/1.1 418 ")


@pytest.mark.parametrize("when", OTHERS.values(), ids=OTHERS)
async def test_a_part_spares_what_it_does_not_name(server, when):
    through = await server()
    parts = ("latency", "errors", "disconnect", "body", "slowBody", "mirror")
    fields = {"latency": {"fixed": 60}, "mirror": {"to": f"{HOST}:1"}, "slowBody": {"rate": 1}}
    await switch(through, **{part: {"when": when, **fields.get(part, {})} for part in parts})
    assert (await answered(through))[1] == TEXT
    assert await touched(through) == {}


async def test_each_part_has_a_choice_of_its_own(server):
    through = await server()
    await switch(
        through,
        errors={"when": {"path": "/broken"}},
        body={"how": "truncate", "bytes": 1, "when": {"path": "/v2/*"}},
    )
    assert (await answered(through))[1] == b"0"
    assert (await answered(through, b"GET /broken HTTP/1.1\r\nhost: m\r\n" + LAST))[0].startswith(
        b"http/1.1 503 "
    )


class Other:
    """Another server, which keeps what it is asked, and how it answers."""

    def __init__(self):
        self.asked = []
        self.answer = b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"

    async def __call__(self, reader, writer):
        self.asked.append(await read_request(reader))
        writer.write(self.answer)
        await reader.read()


async def test_a_mirrored_request_reaches_both_and_only_one_answer_counts(server, raw):
    through, other = await server(), Other()
    await switch(through, mirror={"to": f"{HOST}:{await raw(other)}"})
    post = b"POST /v2 HTTP/1.1\r\nhost: m\r\ncontent-length: 5\r\n" + LAST + b"hello"
    head, body = await answered(through, post)
    assert (head.split()[1], body) == (b"200", TEXT)
    await until(lambda: other.asked)
    assert other.asked[0][0].startswith(b"POST /v2 HTTP/1.1\r\nhost: m\r\n")
    assert other.asked[0][1] == b"hello"
    assert await touched(through) == {"mirror": 1}


async def test_a_mirrored_request_may_come_piece_by_piece(server, raw):
    through, other = await server(), Other()
    await switch(through, mirror={"to": f"{HOST}:{await raw(other)}"})
    reader, writer = await asyncio.open_connection(HOST, through.port)
    writer.write(b"POST /v2 HTTP/1.1\r\nhost: m\r\ncontent-length: 6\r\nconnection: close\r\n\r\n123")
    await until(lambda: through.traffic.tally.in_flight == 1)
    writer.write(b"456")
    assert (await asyncio.wait_for(reader.read(), DEADLINE)).endswith(TEXT)
    await until(lambda: other.asked)
    assert other.asked[0][1] == b"123456"
    writer.close()


async def test_a_mirror_that_is_not_there_is_noticed_by_nobody_but_counted(server):
    through = await server()
    await switch(through, mirror={"to": f"{HOST}:1"})
    assert (await answered(through))[1] == TEXT
    await until(lambda: through.traffic.tally.copies_lost == 1)
    assert (await status(through))["failed"] == 0


async def test_a_mirror_that_never_reads_costs_neither_time_nor_memory(server, raw):
    async def deaf(_reader, _writer):
        await enough.wait()

    enough = asyncio.Event()
    through = await server()
    await switch(through, mirror={"to": f"{HOST}:{await raw(deaf)}"})
    length = 40_000_000
    head = b"POST / HTTP/1.1\r\nhost: m\r\ncontent-length: %d\r\n" % length
    assert (await answered(through, head + LAST + b"x" * length))[1] == TEXT
    await until(lambda: through.traffic.tally.copies_lost == 1)
    enough.set()


async def test_only_so_many_copies_are_on_their_way(server, raw):
    async def silent(reader, _writer):
        await reader.read()

    through = await server()
    await switch(through, mirror={"to": f"{HOST}:{await raw(silent)}"})
    asked = [answered(through) for _ in range(80)]
    assert {body for _, body in await asyncio.gather(*asked)} == {TEXT}
    assert (await status(through))["copiesLost"] == 16
    assert await touched(through) == {"mirror": 64}


WRONG = {
    "mirror needs to": {"mirror": {}},
    "mirror.to must be host:port": {"mirror": {"to": "nowhere"}},
    "slowBody needs rate": {"slowBody": {}},
    "slowBody.rate must be a number from 1": {"slowBody": {"rate": 0.1}},
    "body.how must be one of replace, corrupt, truncate": {"body": {"how": "eat"}},
    "body.every must be a whole number from 1": {"body": {"every": 0}},
    "body.text must be a text of at most": {"body": {"how": "replace", "text": "x" * 40_000}},
    "errors.when has no field 'host'; it has method, path, headers": {"errors": {"when": {"host": "m"}}},
    "errors.when.path must be a text": {"errors": {"when": {"path": 1}}},
    "errors.when.headers must be a JSON object": {"errors": {"when": {"headers": ["a"]}}},
    "errors.when.headers.a must be a text": {"errors": {"when": {"headers": {"a": 1}}}},
    "has no field 'upstream'": {"upstream": {"reset": {}}},
}


@pytest.mark.parametrize("message", WRONG)
async def test_a_wrong_order_is_refused_with_the_reason(server, message):
    code, reply = await tell(
        await server(), "/fault", {"until": "2050-01-01T00:00:00Z", "fault": WRONG[message]}
    )
    assert (code, message in reply["error"]) == (400, True), reply
