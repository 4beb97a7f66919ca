"""Why: SQLAlchemy and SQLite are known here and nowhere else; above there are rows, and StoreError.

Journals are append-only and every append is one transaction on disk (WAL, synchronous=FULL). A writer owns a
journal by its epoch: whoever claims the journal next has a higher one, and the writer before can write no
more.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chaosctl.errors import StoreError
from chaosctl.store.chain import Head, Link, Row, Sample, genesis
from chaosctl.store.readings import Columns, expand
from chaosctl.store.summary import RunSummary

WAIT_S = 2  # for another writer's transaction, which takes milliseconds
VERSION = 1
APPLICATION = 0x63686173  # "chas": tells our files from other programs' SQLite files

schema = MetaData()
journals = Table(
    "journals",
    schema,
    Column("id", Integer, primary_key=True),
    Column("run", Text, unique=True, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
)
links = Table(
    "links",
    schema,
    Column("journal", ForeignKey(journals.c.id), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    sqlite_with_rowid=False,
)
strings = Table(
    "strings",
    schema,
    Column("id", Integer, primary_key=True),
    Column("text", Text, unique=True, nullable=False),
)
readings = Table(
    "readings",
    schema,
    Column("journal", ForeignKey(journals.c.id), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("subject", ForeignKey(strings.c.id), nullable=False),
    Column("note", ForeignKey(strings.c.id), nullable=False),
    Column("bad", Integer),
    Column("n", Integer),
    Column("value", Float),
    Column("start", Integer),
    Column("end", Integer),
    Column("first_bad", Integer),
    Column("last_bad", Integer),
    Column("complement", Integer),
    sqlite_with_rowid=False,
)
summaries = Table(
    "summaries",
    schema,
    Column("id", Text, primary_key=True),
    *(Column(name, Text, nullable=False, default="") for name in RunSummary._fields[1:]),
)


class Claim(NamedTuple):
    """The right to append to a journal, until somebody else claims it."""

    journal: int
    run: str
    epoch: int


class Database:
    """One SQLite file. Every method is one transaction and raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = _identity(path, create=True)
            self._engine = _engine(path)
        try:
            self._prepare()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self._engine.dispose()

    def claim(self, run: str) -> tuple[Claim, Head]:
        """Become the journal's one writer. Whoever was it before can append no more."""
        with self._writing() as connection:
            fresh = {"run": run, "epoch": 0, "seq": 0, "sha256": genesis(run)}
            connection.execute(upsert(journals).values(fresh).on_conflict_do_nothing())
            mine = journals.c.run == run
            connection.execute(update(journals).where(mine).values(epoch=journals.c.epoch + 1))
            row = connection.execute(select(journals).where(mine)).mappings().one()
            return Claim(row["id"], run, row["epoch"]), Head(row["seq"], row["sha256"])

    def append(
        self,
        claim: Claim,
        heads: tuple[Head, Head],
        rows: Sequence[Link | tuple[int, Columns]],
        news: Mapping[str, str],
    ) -> None:
        """Add rows, all or none, and move the journal's head from the first of `heads` to the second."""
        before, after = heads
        with self._writing() as connection:
            ours = and_(*(journals.c[name] == getattr(claim, name) for name in ("run", "epoch")))
            moved = update(journals).where(ours, journals.c.seq == before.seq).values(after._asdict())
            if connection.execute(moved).rowcount != 1:
                raise StoreError(
                    f"run {claim.run}: another process goes on with its journal; this one must end"
                )
            for row in rows:
                _add(connection, claim.journal, row)
            if news:
                _summarise(connection, claim.run, news)

    def rows(self, run: str, after: int, limit: int) -> Sequence[Row]:
        """At most `limit` rows behind row `after`, in order."""
        with self._reading() as connection:
            linked, sampled = (
                connection.execute(query.where(journals.c.run == run, seq > after).order_by(seq).limit(limit))
                for query, seq in ((_links(), links.c.seq), (_readings(), readings.c.seq))
            )
            found: list[Row] = [_link(row) for row in linked.mappings()]
            found += [_sample(row) for row in sampled.mappings()]
        return sorted(found, key=lambda row: row.seq)[:limit]

    def head(self, run: str) -> Head | None:
        with self._reading() as connection:
            query = select(journals.c.seq, journals.c.sha256).where(journals.c.run == run)
            row = connection.execute(query).one_or_none()
        return None if row is None else Head(*row)

    def summaries(self) -> list[RunSummary]:
        """Newest first."""
        with self._reading() as connection:
            rows = connection.execute(select(summaries).order_by(summaries.c.started.desc(), summaries.c.id))
            return [RunSummary(*row) for row in rows]

    def summarise(self, run: str, news: Mapping[str, str]) -> None:
        with self._writing() as connection:
            _summarise(connection, run, news)

    def runs(self) -> list[str]:
        """The names of all journals."""
        with self._reading() as connection:
            return list(connection.execute(select(journals.c.run).order_by(journals.c.run)).scalars())

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with translated(self.path):
            if _identity(self.path) != self._file:
                raise StoreError(
                    f"{self.path} was moved or deleted; what was written there can no longer be seen"
                )
            with self._engine.connect().execution_options(begin=begin) as connection, connection.begin():
                yield connection

    def _prepare(self) -> None:
        """Make a new file ours, in one transaction; refuse files that are not."""
        with self._writing() as connection:
            found = {name: _pragma(connection, name) for name in ("application_id", "user_version")}
            if found == {"application_id": APPLICATION, "user_version": VERSION}:
                return
            if found["application_id"] == APPLICATION:
                raise StoreError(
                    f"{self.path} was written by another version of chaosctl: use that one to read it"
                )
            if _pragma(connection, "schema_version"):
                raise StoreError(
                    f"{self.path} belongs to another program: set CHAOSCTL_HOME to another folder"
                )
            schema.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """What files and databases complain about, as StoreError that says what to do."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"{path}: {_advice(path, error.orig)}") from error
    except (SQLAlchemyError, OSError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"{path}: {what}: check the folder, or set CHAOSCTL_HOME to another one") from error


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
    """An engine whose transactions begin when we say so, and how we say so."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": WAIT_S, "isolation_level": None})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _pragma(connection: Connection, name: str) -> int:
    value: int = connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
    return value


def _add(connection: Connection, journal: int, row: Link | tuple[int, Columns]) -> None:
    if isinstance(row, Link):
        connection.execute(insert(links).values(journal=journal, **row._asdict()))
        return
    seq, columns = row
    interned = {name: _intern(connection, getattr(columns, name)) for name in ("subject", "note")}
    connection.execute(
        insert(readings).values({**columns._asdict(), **interned, "journal": journal, "seq": seq})
    )


def _intern(connection: Connection, text: str) -> int:
    query = select(strings.c.id).where(strings.c.text == text)
    known: int | None = connection.execute(query).scalar_one_or_none()
    if known is not None:
        return known
    added: int = connection.execute(insert(strings).values(text=text).returning(strings.c.id)).scalar_one()
    return added


def _summarise(connection: Connection, run: str, news: Mapping[str, str]) -> None:
    statement = upsert(summaries).values({"id": run, **news})
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=dict(news)))


def _links() -> Select[tuple[object, ...]]:
    return select(links.c.seq, links.c.text, links.c.sha256).join(journals)


def _readings() -> Select[tuple[object, ...]]:
    """Readings with their strings; a string that is gone shows as None and breaks its seal."""
    subject, note = strings.alias(), strings.alias()
    plain = [column for column in readings.c if column.name not in ("journal", "subject", "note")]
    return (
        select(*plain, subject.c.text.label("subject"), note.c.text.label("note"))
        .join(journals)
        .outerjoin(subject, readings.c.subject == subject.c.id)
        .outerjoin(note, readings.c.note == note.c.id)
    )


def _link(row: RowMapping) -> Link:
    return Link(row["seq"], row["text"], row["sha256"])


def _sample(row: RowMapping) -> Sample:
    columns = Columns(**{name: row[name] for name in Columns._fields})
    try:
        return Sample(row["seq"], expand(columns))
    except (OverflowError, TypeError, ValueError) as error:
        raise StoreError(f"row {row['seq']}: the reading is damaged: {error}") from error
