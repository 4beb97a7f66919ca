"""Why: a load generator's figures mean something beside those of others, on the same machine in the same run.

    make bench-load

nginx with one worker has one core, each generator the other. Closed loop with 64 connections; 10,000
connections; and an open loop of 5,000/s at a server that stops for one second every ten: what share of
requests waits longer than a time follows from that alone, so the 99th percentile that is true is known.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

TOOLS = Path(os.environ.get("CHAOSCTL_TOOLS", Path.home() / ".cache/chaosctl/tools"))
HOST, PORT = "127.0.0.9", 18090
URL = f"http://{HOST}:{PORT}/"
SERVER, CLIENT = "0", "1"  # cores
SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = 3
EVERY, STALL = 10.0, 1.0  # seconds: a stall begins so often, and lasts so long
RATE = 5000
NGINX = """worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;
worker_rlimit_nofile 30000; worker_cpu_affinity {mask};
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fast;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen {host}:{port} backlog=20000; location / {{ return 200 "hello"; }} }} }}
"""
LOCUST = """
from locust import FastHttpUser, constant, task
class One(FastHttpUser):
    wait_time = constant(0)
    @task
    def ask(self):
        self.client.get("/")
"""


@contextmanager
def server():
    """nginx on its core; the process id of its worker."""
    with tempfile.TemporaryDirectory(prefix="chaosctl-bench-") as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, mask="01", host=HOST, port=PORT))
        process = subprocess.Popen(["nginx", "-c", config], stderr=subprocess.DEVNULL)
        try:
            yield _worker(process.pid)
        finally:
            process.terminate()
            process.wait()


def _worker(pid):
    file, end = Path(f"/proc/{pid}/task/{pid}/children"), time.monotonic() + 10
    while not (found := file.read_text().split()):
        assert time.monotonic() < end, "nginx has no worker"
        time.sleep(0.05)
    return int(found[0])


def client(*command):
    """What it printed, and its largest memory in MiB."""
    with tempfile.TemporaryFile("w+") as said:
        whole = ["taskset", "-c", CLIENT, *map(str, command)]
        process = subprocess.Popen(whole, stdout=said, stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        said.seek(0)
        return said.read(), used.ru_maxrss / 1024


def chaosctl(*options):
    command = (sys.executable, "-m", "chaosctl", "load", URL, "--output", "json", "--quiet", *options)
    said, memory = client(*command)
    return json.loads(said[: said.rindex("}") + 1]), memory


def closed(connections, seconds):
    """Requests a second and p99 in milliseconds of each generator, and its memory."""
    found, memory = chaosctl("-c", connections, "-d", f"{seconds}s")
    errors = sum(found["errors"].values())
    yield "chaosctl load", found["requestsPerSecond"], found["latency"]["p99"], errors, memory
    said, memory = client("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", URL)
    yield "wrk", _number(r"Requests/sec:\s+([\d.]+)", said), _wrk_p99(said), _wrk_errors(said), memory
    said, memory = client(TOOLS / "oha", "-c", connections, "-z", f"{seconds}s", "--no-tui",
                          "--output-format", "json", URL)  # fmt: skip
    yield "oha", *_oha(said), memory
    yield "vegeta", *_vegeta("0", connections, seconds)
    yield "locust", *_locust(connections, seconds)


def _vegeta(rate, connections, seconds):
    attack = (f"echo 'GET {URL}' | {TOOLS}/vegeta attack -rate={rate} -max-workers={connections} "
              f"-workers={connections} -connections={connections} -duration={seconds}s "
              f"| {TOOLS}/vegeta report -type=json")  # fmt: skip
    said, memory = client("sh", "-c", attack)
    found = json.loads(said[: said.rindex("}") + 1])
    failed = found["requests"] - found["status_codes"].get("200", 0)
    return found["throughput"], found["latencies"]["99th"] / 1e6, failed, memory


def _locust(connections, seconds):
    with tempfile.TemporaryDirectory(prefix="chaosctl-bench-") as folder:
        file = Path(folder) / "one.py"
        file.write_text(LOCUST)
        said, memory = client(TOOLS / "locust/bin/locust", "-f", file, "--headless", "-u", connections, "-r",
                              connections, "-t", f"{seconds}s", "-H", URL.rstrip("/"), "--json")  # fmt: skip
    body = json.loads(said[said.index("[\n") : said.rindex("]") + 1])[0]
    times = sorted((float(ms), n) for ms, n in body["response_times"].items())
    return body["num_requests"] / seconds, _rank(times, 0.99), body["num_failures"], memory


def _rank(times, share):
    total, seen = sum(n for _, n in times), 0
    for ms, n in times:
        seen += n
        if seen >= share * total:
            return ms
    return 0.0


def _oha(said):
    found = json.loads(said[said.index("{") : said.rindex("}") + 1])
    failed = sum(n for kind, n in found["errorDistribution"].items() if "deadline" not in kind)
    return found["summary"]["requestsPerSec"], found["latencyPercentiles"]["p99"] * 1000, failed


def _number(pattern, said):
    found = re.search(pattern, said)
    return float(found[1]) if found else 0.0


def _wrk_p99(said):
    found = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]] if found else 0.0


def _wrk_errors(said):
    found = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return sum(map(int, found.groups())) if found else 0


@contextmanager
def stalls(worker):
    """The server stops for one second every ten, from now on."""
    over = threading.Event()

    def stall():
        while not over.wait(EVERY - STALL):
            os.kill(worker, signal.SIGSTOP)
            time.sleep(STALL)
            os.kill(worker, signal.SIGCONT)

    thread = threading.Thread(target=stall)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def stalled(seconds, utilisation):
    """The p99 in milliseconds that each reports of a server that stalls, and the one that is true."""
    truth = 1 - 0.01 * EVERY * (1 - utilisation)
    yield f"the truth at a utilisation of {utilisation:.3f}", truth * 1000, ""
    found, _ = chaosctl("--rate", f"{RATE}/s", "--arrival", "constant", "-d", f"{seconds}s")
    lag = found["sendLag"]["p99"]
    yield (
        "chaosctl load",
        found["latency"]["p99"],
        f"sendLag p99 {lag} ms, {found['verdict']} {found['errors']}",
    )
    said, _ = client(TOOLS / "oha", "-q", RATE, "--latency-correction", "-c", 6000, "-z", f"{seconds}s",
                     "--no-tui", "--output-format", "json", URL)  # fmt: skip
    yield "oha", _oha(said)[1], "--latency-correction"
    yield "vegeta", _vegeta(RATE, 6000, seconds)[1], ""
    said, _ = client("wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", URL)
    yield "wrk", _wrk_p99(said), "closed loop: it knows no rate"


def side_by_side(connections, rounds):
    print(f"\n{connections} connections, closed loop, {SECONDS} s, the best of {rounds}")
    print(f"{'':<16} {'requests/s':>11} {'of wrk':>7} {'p99 ms':>9} {'errors':>7} {'MiB':>7}")
    best = {}
    for _ in range(rounds):
        for name, *row in closed(connections, SECONDS):
            best[name] = max(best.get(name, [0]), row)
    for name, (rate, p99, errors, memory) in best.items():
        share = rate / best["wrk"][0]
        print(f"{name:<16} {rate:>11.0f} {share:>7.2f} {p99:>9.3f} {errors:>7} {memory:>7.0f}", flush=True)


def with_stalls(worker):
    print(f"\nopen loop, {RATE}/s, a stall of {STALL:g} s every {EVERY:g} s: the p99 in milliseconds")
    said, _ = client("wrk", "-t1", "-c64", "-d2s", URL)
    capacity = _number(r"Requests/sec:\s+([\d.]+)", said)
    with stalls(worker):
        for name, p99, more in stalled(int(4 * EVERY), RATE / capacity):
            print(f"{name:<40} {p99:>9.1f}   {more}", flush=True)


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with server() as worker:
        side_by_side(64, ROUNDS)
        side_by_side(10_000, 1)
        with_stalls(worker)


if __name__ == "__main__":
    main()
