"""Why: the first minute decides whether people stay; whatever state a sandbox is in, `up` and `down` work."""

import json
import os
import signal
import sys

import pytest
import yaml
from cli.installation import Cluster, Installation, finished, until

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"mine")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer((sys.argv[1], 8080), Handler).serve_forever()
"""


def pid_of(alone: Installation) -> int:
    return json.loads((alone.home / "sandbox" / "process.json").read_text())["pid"]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_up_down_and_status_may_be_said_twice(alone: Installation, tmp_path):
    assert alone("sandbox", "status").code == 1
    copy = tmp_path / "config"
    first = alone("sandbox", "up", "--empty", "--kubeconfig", str(copy))
    pid = pid_of(alone)
    again = alone("sandbox", "up", "--empty")
    assert (first.code, again.code, pid_of(alone)) == (0, 0, pid)
    status = alone("sandbox", "status")
    assert (status.code, f"process {pid}" in status.out) == (0, True)
    assert f"export KUBECONFIG={alone.home / 'sandbox' / 'kubeconfig'}" in status.out
    assert Cluster(copy).get("version")["major"] == "1"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert alone("sandbox", "down").out == "the sandbox is down\n"
    assert alone("sandbox", "down").out == "no sandbox was up\n"
    assert alone("sandbox", "status").code == 1
    until(lambda: gone(pid))  # whoever adopted it may take a moment to bury it
    assert not (alone.home / "sandbox").exists()


def test_a_sandbox_that_was_killed_is_seen_as_gone_and_started_anew(alone: Installation):
    alone.up("--empty")
    pid = pid_of(alone)
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid))
    assert alone("sandbox", "status").code == 1
    done = alone("recover", "--sandbox")
    assert (done.code, "chaosctl sandbox up starts one" in done.err) == (2, True)
    cluster = alone.up("--empty")
    assert (pid_of(alone) != pid, cluster.get("version")["major"]) == (True, "1")


def test_a_demonstration_that_is_killed_leaves_no_sandbox_behind(alone: Installation):
    demo = alone.start("demo")
    until((alone.home / "sandbox" / "kubeconfig").exists)
    pid = pid_of(alone)
    demo.send_signal(signal.SIGKILL)
    finished(demo)
    until(lambda: gone(pid))


def test_any_local_command_can_be_an_image(alone: Installation, tmp_path):
    program = tmp_path / "mine.py"
    program.write_text(SERVER)
    config = tmp_path / "sandbox.yaml"
    config.write_text(yaml.safe_dump({"images": {"my/model:1": [sys.executable, str(program), "{ip}"]}}))
    cluster = alone.up("--empty", "--config", str(config))
    body = {
        "metadata": {"name": "mine"},
        "spec": {
            "containers": [
                {
                    "name": "m",
                    "image": "my/model:1",
                    "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
                }
            ]
        },
    }
    cluster.request("POST", "api/v1/namespaces/default/pods", body)
    until(lambda: cluster.pods("default") == ["['my/model:1'] True"])


@pytest.mark.parametrize("content", ["images: 3", "nothing: 1", "- a", "a: [", "nodes: 0"])
def test_a_configuration_with_a_mistake_is_refused(alone: Installation, tmp_path, content):
    config = tmp_path / "sandbox.yaml"
    config.write_text(content)
    done = alone("sandbox", "up", "--empty", "--config", str(config))
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert str(config) in done.err


def test_without_a_sandbox_a_command_that_needs_one_says_how_to_start_it(alone: Installation):
    for command in (("recover",), ("halt",), ("plan", "noop")):
        done = alone(*command, "--sandbox")
        assert (done.code, "chaosctl sandbox up starts one" in done.err) == (2, True)
