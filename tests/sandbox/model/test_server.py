"""The model server as a client sees it: real processes, real sockets."""

import json
import signal
import socket

import pytest
from sandbox.model.conftest import DEADLINE, HOST, launch, read_line, until

from chaosctl.sandbox.model import train

INFER = "/v2/models/breast-cancer/infer"
GOLDEN = [json.loads(line) for line in train.GOLDEN.read_text().splitlines()]
ROWS = [row["features"] for row in GOLDEN]


def body(row=ROWS[0], **more):
    tensor = {"name": "features", "datatype": "FP64", "shape": [1, 30], "data": row}
    return json.dumps({"inputs": [tensor], **more}).encode()


def post(payload, *headers):
    head = [f"POST {INFER} HTTP/1.1", "host: model", *headers, f"content-length: {len(payload)}", "", ""]
    return "\r\n".join(head).encode() + payload


def talk(server, sent):
    """Everything that the server says to these bytes until it closes."""
    with socket.create_connection((HOST, server.port), timeout=DEADLINE) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def labels(server):
    _, answer, _ = server.infer(ROWS)
    return answer["outputs"][1]["data"]


def test_the_stable_version_gives_the_golden_answers(serve):
    server = serve("stable", POD_NAME="fraud-7f-x")
    status, answer, headers = server.infer(ROWS, id="x")
    assert (status, answer["model_version"], answer["id"]) == (200, "stable", "x")
    assert answer["outputs"][1]["data"] == [row["label"] for row in GOLDEN]
    assert headers["x-pod"] == "fraud-7f-x"


def test_wrong_weights_answer_200_and_wrongly(serve):
    status, answer, _ = serve("wrong-weights").infer(ROWS)
    wrong = sum(a != row["label"] for a, row in zip(answer["outputs"][1]["data"], GOLDEN, strict=True))
    assert (status, answer["model_version"]) == (200, "wrong-weights")
    assert 0.2 <= wrong / len(GOLDEN) <= 0.6


def test_the_paths_of_the_protocol(serve):
    server = serve("stable")
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/breast-cancer"):
        assert server.ask("GET", path)[0] == 200
    for path in ("/ready", "/versions/stable", "/versions/stable/ready"):
        assert server.ask("GET", "/v2/models/breast-cancer" + path)[0] == 200
    assert server.ask("POST", "/v2/models/breast-cancer/versions/stable/infer", body())[0] == 200
    assert server.ask("GET", "/v2/models/breast-cancer")[1]["inputs"][0]["shape"] == [-1, 30]
    assert server.ask("GET", "/v2/health/ready?verbose=1")[0] == 200
    assert server.ask("HEAD", "/v2")[1] == b""


def test_what_is_not_there_is_404_and_what_is_not_allowed_405(serve):
    server = serve("stable")
    for path in ("/", "/v1", "/v2/models/other", "/v2/models/breast-cancer/versions/9", "/v2/models/a/b/c"):
        status, answer, _ = server.ask("GET", path)
        assert status == 404
        assert answer["error"]
    assert server.ask("GET", "/v2/models/breast-cancer/nothing")[0] == 404
    status, _, headers = server.ask("GET", INFER)
    assert (status, headers["allow"]) == (405, "POST")
    assert server.ask("DELETE", "/v2")[0] == 405


def test_a_bad_body_is_400_with_the_reason(serve):
    status, answer, _ = serve("stable").ask("POST", INFER, b"{")
    assert (status, answer) == (400, {"error": "the body is not valid JSON"})


def test_a_chunked_body_is_understood(serve):
    status, answer, _ = serve("stable").ask("POST", INFER, iter([body()[:50], body()[50:]]))
    assert (status, answer["outputs"][1]["data"]) == (200, [1])


def test_four_mebibytes_are_read_and_one_byte_more_is_413(serve):
    server = serve("stable")
    limit = 4 * 1024 * 1024
    assert server.ask("POST", INFER, body().ljust(limit))[0] == 200
    assert b" 413 " in talk(server, post(b" " * (limit + 1)))
    chunks = b"".join(b"%x\r\n%s\r\n" % (2**20, b" " * 2**20) for _ in range(5))
    head = f"POST {INFER} HTTP/1.1\r\nhost: m\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    assert b" 413 " in talk(server, head + chunks)


def test_a_connection_that_asks_for_nothing_is_closed(serve, monkeypatch):
    monkeypatch.setattr("chaosctl.sandbox.model.connection.IDLE_SECONDS", 0.05)
    assert talk(serve("stable"), b"") == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 this is TLS\r\n\r\n", b"400"),
        (b"GET /v2 HTTP/1.1\r\nx: " + b"a" * 70_000, b"431"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(serve, sent, status):
    assert talk(serve("stable"), sent).startswith(b"HTTP/1.1 " + status)


def test_an_offer_to_upgrade_is_answered_in_http_1_1_and_ends_the_connection(serve):
    got = talk(serve("stable"), b"GET /v2 HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in got


def test_pipelined_requests_are_answered_in_order_late_ones_too(serve):
    server = serve("stable", "--delay", "0.01")
    sent = post(body(id="a")) + b"GET /v2/health/live HTTP/1.1\r\nhost: m\r\n\r\n"
    got = talk(server, sent + post(body(id="b"), "connection: close"))
    assert got.count(b"HTTP/1.1 200 OK") == 3
    assert got.index(b'"id":"a"') < got.index(b'"live":true') < got.index(b'"id":"b"')


def test_a_hundred_pipelined_requests_all_get_their_answer(serve):
    server = serve("stable", "--delay", "0.001")
    sent = b"".join(post(body(id=str(n))) for n in range(99)) + post(body(), "connection: close")
    assert talk(server, sent).count(b"HTTP/1.1 200 OK") == 100


def test_a_client_that_waits_for_continue_is_told_to(serve):
    with socket.create_connection((HOST, serve("stable").port), timeout=DEADLINE) as connection:
        payload = body()
        request = post(payload, "expect: 100-continue")
        connection.sendall(request[: -len(payload)])
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(payload)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_metrics_count_requests_by_code_and_say_which_version_serves(serve):
    server = serve("stable")
    server.infer(ROWS[:1])
    server.ask("POST", INFER, b"{")
    text = server.ask("GET", "/metrics")[1].decode()
    labels = 'model="breast-cancer",version="stable"'
    assert f"model_info{{{labels}}} 1" in text
    assert f'model_requests_total{{{labels},code="200"}} 1' in text
    assert f'model_requests_total{{{labels},code="400"}} 1' in text
    assert f"model_request_duration_seconds_count{{{labels}}} 2" in text
    assert f"model_requests_in_flight{{{labels}}} 0" in text


def test_the_crash_version_exits_with_1_and_says_why_before_it_is_ready():
    process = launch("crash")
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert b"Traceback" in said
    assert b"ValueError: weights-crash.json" in said
    assert b"serving" not in said


def test_the_slow_version_answers_inference_late_and_health_at_once(serve):
    server = serve("slow")
    assert server.infer(ROWS[:1])[0] == 200
    assert server.ask("GET", "/v2/health/ready")[0] == 200
    text = server.ask("GET", "/metrics")[1].decode()
    seconds = float(text.split("duration_seconds_sum")[1].split()[1])
    assert seconds >= 0.4


def test_the_memory_hog_grows_up_to_its_own_cap_and_still_serves(start):
    server = start("memory-hog", "--memory-cap", "16")
    assert "holding 16 MiB" in read_line(server.process)
    assert server.infer(ROWS[:1])[0] == 200


def test_sigterm_unreadies_then_finishes_what_is_in_flight_and_exits_0(start):
    server = start("stable", "--delay", "0.3", "--linger", "0.1")
    with socket.create_connection((HOST, server.port), timeout=DEADLINE) as connection:
        connection.sendall(post(body(id="last")))
        until(lambda: in_flight(server) == 1)
        server.process.send_signal(signal.SIGTERM)
        assert "asked to stop" in read_line(server.process)
        got = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b'"id":"last"' in got
    assert b"connection: close" in got
    assert server.process.wait(DEADLINE) == 0


def in_flight(server):
    text = server.ask("GET", "/metrics")[1].decode()
    return int(text.split("in_flight{")[1].split("} ")[1].split()[0])


def test_it_still_answers_while_it_leaves_but_is_not_ready(start):
    server = start("stable", "--linger", "5")
    server.process.send_signal(signal.SIGTERM)
    assert "asked to stop" in read_line(server.process)
    assert server.ask("GET", "/v2/health/ready")[0] == 503
    assert server.infer(ROWS[:1])[0] == 200


def test_the_threshold_of_the_environment_decides(serve):
    assert 1 not in labels(serve("stable", MODEL_THRESHOLD="1"))


def test_a_changed_configuration_file_is_taken_over_and_a_broken_one_is_not(start, tmp_path):
    config = tmp_path / "model.json"
    config.write_text('{"threshold": 0.5}')
    server = start("stable", "--config", str(config))
    assert 1 in labels(server)
    config.write_text('{"threshold": 1}')
    assert "threshold is now 1.0" in read_line(server.process)
    assert 1 not in labels(server)
    config.write_text('{"threshold": "high"}')
    assert "keeping threshold 1.0" in read_line(server.process)
    assert 1 not in labels(server)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"MODEL_THRESHOLD": "2"}, b"--threshold"),
        ({"CHAOSCTL_MODEL_VERSION": "none"}, b"no version 'none'"),
        ({"CHAOSCTL_MODEL_DELAY": "-1"}, b"--delay"),
    ],
)
def test_settings_that_make_no_sense_exit_with_2_and_a_reason(environment, reason):
    import contextlib
    import io

    from chaosctl.sandbox.model.settings import settings

    said = io.StringIO()
    with contextlib.redirect_stderr(said), pytest.raises(SystemExit, match="2"):
        settings([], environment)
    assert reason.decode() in said.getvalue()


def test_serving_imports_nothing_heavy():
    import subprocess
    import sys

    code = "import sys, chaosctl.sandbox.model.serve as s; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {"numpy", "pydantic", "aiohttp", "httpx", "kubernetes", "structlog", "yaml"}
    assert heavy.isdisjoint(loaded.split())
