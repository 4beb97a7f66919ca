"""Why: a store is only trusted on a real server, so tests start one of Debian's, and end it.

It lives in a folder of its own, listens on a port of one address and on a socket in the folder, and asks for
passwords. PostgreSQL refuses to run as root, so root starts it as the package's user.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

WITHIN = 60.0
PASSWORD = "se/cr@t %41"  # noqa: S105 - only tests know it; of what must be percent-encoded
NAMES = count(1)


@dataclass
class Server:
    """A PostgreSQL server. `quick`: it may lose what a crash of the machine would take."""

    folder: Path
    host: str
    port: int
    quick: bool
    process: "subprocess.Popen[bytes] | None" = None

    def url(self, database: str, port: int = 0, user: str = "chaosctl", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{quote(password, safe='')}@{self.host}:{port or self.port}/{database}"

    def run(self, statement: str, *values: object, database: str = "postgres", among: str = "") -> Any:
        """One statement by the superuser: its rows, or how many it changed; `among` are settings."""
        with self.connected(database, among) as connection:
            done = connection.execute(statement, values or None)
            return done.fetchall() if done.description else done.rowcount

    def connected(self, database: str = "postgres", settings: str = "") -> "psycopg.Connection[Any]":
        """The superuser's own connection, through the socket."""
        place = {"host": str(self.folder), "port": self.port, "dbname": database, "user": "super"}
        return psycopg.connect(**place, options=settings, autocommit=True)

    def database(self, options: str = "") -> str:
        """The name of a new database that the user of our tests owns."""
        name = f"store_{next(NAMES)}"
        self.run(f"CREATE DATABASE {name} OWNER chaosctl {options}")
        return name

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def start(self) -> None:
        options = ("-p", str(self.port), "-k", str(self.folder), "-c", f"listen_addresses={self.host}")
        options += ("-c", "shared_buffers=16MB", "-c", f"fsync={'off' if self.quick else 'on'}")
        with (self.folder / "log").open("ab") as log:
            # A test that is killed must not leave it behind.
            command = ["setpriv", "--pdeathsig", "QUIT", installed("postgres"), "-D", self.folder / "data"]
            command += options
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **_as_nobody())
        end = time.monotonic() + WITHIN
        while not self._is_up():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it: SIGINT politely to clients, SIGQUIT as a crash, SIGKILL as a real one."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(WITHIN)
            self.process = None

    def _is_up(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def server(*, quick: bool = True, host: str = "127.0.0.1") -> Iterator[Server]:
    """A server with the user `chaosctl`, who owns nothing yet; whoever reaches `host` may log in."""
    folder = Path(tempfile.mkdtemp(prefix="chaosctl-pg-", dir="/tmp"))  # a socket's path must be short
    made = Server(folder, host, _free_port(host), quick)
    try:
        _prepare(folder)
        made.start()
        made.run(f"CREATE ROLE chaosctl LOGIN PASSWORD '{PASSWORD}'")
        yield made
    finally:
        made.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    command = [installed("initdb"), "-D", folder / "data", "-U", "super", "-E", "UTF8", "--locale=C.UTF-8"]
    command += ["--auth-host=scram-sha-256", "--auth-local=trust", "--no-sync"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, **_as_nobody())
    assert done.returncode == 0, done.stdout + done.stderr
    with (folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all chaosctl 0.0.0.0/0 scram-sha-256\n")


def installed(name: str) -> Path:
    """Debian keeps the server's programs out of the way, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [shutil.which(name)]
    assert found[-1], f"no {name}: tests/tools/install gets it"
    return Path(found[-1])


def _as_nobody() -> dict[str, str]:
    return {"user": "postgres", "group": "postgres", "cwd": "/"} if os.geteuid() == 0 else {}


def _free_port(host: str) -> int:
    with socket.socket() as taken:
        taken.bind((host, 0))
        return int(taken.getsockname()[1])
