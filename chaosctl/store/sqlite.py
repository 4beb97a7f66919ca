"""Why: a laptop's journals lie in one file, without a server. What is peculiar to SQLite is here.

Every append is one transaction on disk (WAL, synchronous=FULL).
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, Insert, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chaosctl.errors import StoreError
from chaosctl.store.backend import begin_as_told
from chaosctl.store.schema import APPLICATION, VERSION, schema

WAIT_S = 2  # for another writer's transaction, which takes milliseconds
UPGRADES = {1: "ALTER TABLE summaries ADD COLUMN origin TEXT NOT NULL DEFAULT ''"}


class Sqlite:
    """One file."""

    reading = "BEGIN"
    writing = "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        self.place, self._path = str(path), path
        with self.translated():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = _identity(path, create=True)
            self.engine = _engine(path)

    def check(self) -> None:
        if _identity(self._path) != self._file:
            raise StoreError(
                f"{self._path} was moved or deleted; what was written there can no longer be seen"
            )

    def prepare(self, connection: Connection) -> None:
        application, version = (_pragma(connection, name) for name in ("application_id", "user_version"))
        if application == APPLICATION:
            self._upgrade(connection, version)
        elif _pragma(connection, "schema_version"):
            raise StoreError(f"{self._path} belongs to another program: set CHAOSCTL_STORE to another path")
        else:
            schema.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")

    def unless_there(self, table: Table) -> Insert:
        return insert(table).on_conflict_do_nothing()

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"{self._path}: {_advice(self._path, error.orig)}") from error
        except (SQLAlchemyError, OSError) as error:
            what = error.strerror if isinstance(error, OSError) else error
            raise StoreError(
                f"{self._path}: {what}: check the folder, or set CHAOSCTL_STORE to another path"
            ) from error

    def _upgrade(self, connection: Connection, version: int) -> None:
        if version > VERSION:
            raise StoreError(
                f"{self._path} was written by another version of chaosctl: use that one to read it"
            )
        for older in range(version, VERSION):
            connection.exec_driver_sql(UPGRADES[older])
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _advice(path: Path, error: BaseException | None) -> str:
    advice = {
        sqlite3.SQLITE_FULL: f"the disk is full: free some space on {path.parent}",
        sqlite3.SQLITE_BUSY: "another process holds the store: wait for it, or end it",
        sqlite3.SQLITE_READONLY: f"the store is read-only: make {path.parent} and its files writable",
        sqlite3.SQLITE_CANTOPEN: f"the store cannot be opened: does {path.parent} exist, and is it writable?",
        sqlite3.SQLITE_NOTADB: "this is no database: move the file away, or bring back a copy",
        sqlite3.SQLITE_CORRUPT: "the store is damaged: move the file away, or bring back a copy",
    }
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte of an extended code
    return advice.get(code, f"{error}: check the disk, and that the folder is writable")


def _identity(path: Path, *, create: bool = False) -> tuple[int, int]:
    """Which file it is: SQLite itself would go on writing into one that was deleted."""
    if create:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    status = path.stat()
    return status.st_dev, status.st_ino


def _engine(path: Path) -> Engine:
    place = URL.create("sqlite", database=str(path))
    engine = create_engine(place, connect_args={"timeout": WAIT_S, "isolation_level": None})
    event.listen(engine, "connect", _configure)
    return begin_as_told(engine)


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _pragma(connection: Connection, name: str) -> int:
    value: int = connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
    return value
