"""`make bench-proxy`: our proxy beside toxiproxy, in one run, with nothing switched on.

wrk keeps 64 connections busy against nginx, through each proxy in turn, several times over; the figures are
medians of the rounds. Load and upstream have one core, the proxy the other; all of it is on loopback. What a
proxy adds to a percentile is over that without a proxy.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.tools import CHAOSCTL, median

HOST = "127.0.43.1"
TOOLS = Path(os.environ.get("CHAOSCTL_TOOLS", Path.home() / ".cache/chaosctl/tools"))
CONNECTIONS = 64
SECONDS = 4
ROUNDS = 5
LOAD, PROXY = 0, 1  # cores
NAMES = ("no proxy", "toxiproxy", "chaosctl tcp", "chaosctl http")
GOALS = {"chaosctl tcp": 0.9, "chaosctl http": 0.4}
NGINX = """\
daemon off;
worker_processes 1;
error_log stderr error;
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen {host}:{port};
    location / {{ default_type application/json; return 200 '{{"outputs": [{{"data": [0.25, 0.75]}}]}}'; }}
  }}
}}
"""
COLUMNS = ("", "requests/s", "÷ toxiproxy", "goal", "added p50", "added p99", "RSS")
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class Round(NamedTuple):
    """What wrk saw."""

    rate: float
    p50: float
    p99: float


@contextmanager
def running(core, *command):
    """A program on one core."""
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def free_port():
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


def answers(port):
    """Wait until somebody listens there."""
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((HOST, port)).close()
        except OSError:
            assert time.monotonic() < end, "it does not listen"
            time.sleep(0.05)
        else:
            return port


@contextmanager
def upstream():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "conf").write_text(NGINX.format(folder=folder, host=HOST, port=port))
        with running(LOAD, "nginx", "-p", folder, "-c", f"{folder}/conf"):
            yield answers(port)


@contextmanager
def toxiproxy(to):
    port = free_port()
    proxy = {"name": "bench", "listen": f"{HOST}:{port}", "upstream": f"{HOST}:{to}", "enabled": True}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump([proxy], config)
        config.flush()
        command = (
            TOOLS / "toxiproxy-server",
            "-config",
            config.name,
            "-host",
            HOST,
            "-port",
            str(free_port()),
        )
        with running(PROXY, *command) as process:
            yield answers(port), process


@contextmanager
def ours(protocol, to):
    port = free_port()
    places = ("--listen", f"{HOST}:{port}", "--upstream", f"{HOST}:{to}", "--admin", f"{HOST}:0")
    with running(PROXY, *CHAOSCTL, "proxy", "--protocol", protocol, *places) as process:
        yield answers(port), process


def load(port):
    command = ("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", f"http://{HOST}:{port}/")
    told = subprocess.run(
        ["taskset", "-c", str(LOAD), *command], capture_output=True, text=True, check=True
    ).stdout
    assert "Socket errors" not in told, told
    assert "Non-2xx" not in told, told
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])
    return Round(rate, *(percentile(told, share) for share in (50, 99)))


def percentile(told, share):
    number, unit = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)\b", told).groups()
    return float(number) * UNITS[unit]


def most_memory(process):
    """MiB that it had at its most; taskset becomes the program that it starts."""
    told = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", told)[1]) / 1024


def measured():
    """The rounds of each, and how much memory each needed."""
    rounds = {name: [] for name in NAMES}
    with ExitStack() as stack:
        to = stack.enter_context(upstream())
        through = {"toxiproxy": stack.enter_context(toxiproxy(to))}
        for protocol in ("tcp", "http"):
            through[f"chaosctl {protocol}"] = stack.enter_context(ours(protocol, to))
        ports = {"no proxy": to, **{name: port for name, (port, _) in through.items()}}
        for _ in range(ROUNDS):
            for name in NAMES:
                rounds[name].append(load(ports[name]))
        return rounds, {name: most_memory(process) for name, (_, process) in through.items()}


def main():
    missing = [name for name in ("nginx", "wrk", "taskset") if not shutil.which(name)]
    assert not missing, f"tests/tools/beside-proxy gets {missing}"
    rounds, memory = measured()
    print(f"{CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s; one core for the proxy")
    print(line(COLUMNS), flush=True)
    base = [median(one[at] for one in rounds["no proxy"]) for at in range(3)]
    for name in NAMES:
        print(line(row(name, rounds, base, memory.get(name))), flush=True)


def row(name, rounds, base, memory):
    rate, *percentiles = (median(one[at] for one in rounds[name]) for at in range(3))
    beside = median(
        one.rate / other.rate for one, other in zip(rounds[name], rounds["toxiproxy"], strict=True)
    )
    goal = f"≥ {GOALS[name]}" if name in GOALS else ""
    added = [f"{1000 * (found - bare):.2f} ms" for found, bare in zip(percentiles, base[1:], strict=True)]
    proxied = (*added, f"{memory:.0f} MiB") if memory else ("", "", "")
    return (name, f"{rate:,.0f}", f"{beside:.2f}", goal, *proxied)


def line(cells):
    first, *others = cells
    return f"{first:<14}" + "".join(f"{cell:>13}" for cell in others)


if __name__ == "__main__":
    sys.exit(main())
