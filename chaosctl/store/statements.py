"""Why: what is written and read is said once, for every kind of database."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, Insert, RowMapping, Select, Table, and_, insert, select, update

from chaosctl.errors import Fenced, StoreError
from chaosctl.store.chain import Head, Link, Row, Sample, genesis
from chaosctl.store.readings import Columns, expand
from chaosctl.store.schema import journals, links, readings, strings, summaries

UnlessThere = Callable[[Table], Insert]
Line = Link | tuple[int, Columns]


class Claim(NamedTuple):
    """The right to append to a journal, until somebody else claims it."""

    journal: int
    run: str
    epoch: int


def claim(
    connection: Connection, run: str, unless_there: UnlessThere, *, begun: bool = True
) -> tuple[Claim, Head]:
    """Become the journal's one writer; unless it may have `begun`, of an empty one. Raises Fenced."""
    fresh = {"run": run, "epoch": 0, "seq": 0, "sha256": genesis(run)}
    connection.execute(unless_there(journals).values(fresh))
    mine = journals.c.run == run if begun else and_(journals.c.run == run, journals.c.seq == 0)
    newer = update(journals).where(mine).values(epoch=journals.c.epoch + 1)
    row = connection.execute(newer.returning(*journals.c)).mappings().one_or_none()
    if row is None:
        raise Fenced(f"run {run}: another process has begun it")
    return Claim(row["id"], run, row["epoch"]), Head(row["seq"], row["sha256"])


def move(connection: Connection, claim: Claim, before: Head, after: Head) -> bool:
    """Move the journal's end; False where it stands there already. Raises Fenced, StoreError."""
    ours = and_(journals.c.run == claim.run, journals.c.epoch == claim.epoch)
    moved = update(journals).where(ours, journals.c.seq == before.seq).values(after._asdict())
    if connection.execute(moved).rowcount == 1:
        return True
    if held(connection, claim) != after:
        raise StoreError(changed(claim.run))
    return False


def held(connection: Connection, claim: Claim) -> Head:
    """The end of a journal that is still ours. Raises Fenced, StoreError."""
    query = select(journals.c.epoch, journals.c.seq, journals.c.sha256).where(journals.c.run == claim.run)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise StoreError(changed(claim.run))
    if row.epoch != claim.epoch:
        raise Fenced(f"run {claim.run}: another process goes on with its journal; this one must end")
    return Head(row.seq, row.sha256)


def changed(run: str) -> str:
    return f"run {run}: its journal was changed: chaosctl runs verify shows where"


def add(connection: Connection, journal: int, line: Line, unless_there: UnlessThere) -> None:
    if isinstance(line, Link):
        connection.execute(insert(links).values(journal=journal, **line._asdict()))
        return
    seq, columns = line
    known = _interned(connection, {columns.subject, columns.note}, unless_there)
    row = {**columns._asdict(), "subject": known[columns.subject], "note": known[columns.note]}
    connection.execute(insert(readings).values({**row, "journal": journal, "seq": seq}))


def summarise(connection: Connection, run: str, news: Mapping[str, str], unless_there: UnlessThere) -> None:
    connection.execute(unless_there(summaries).values(id=run))
    connection.execute(update(summaries).where(summaries.c.id == run).values(dict(news)))


def read(connection: Connection, run: str, after: int, limit: int) -> list[Row]:
    """At most `limit` rows behind row `after`, in order."""
    linked, sampled = (
        connection.execute(query.where(journals.c.run == run, seq > after).order_by(seq).limit(limit))
        for query, seq in ((_links(), links.c.seq), (_readings(), readings.c.seq))
    )
    found: list[Row] = [_link(row) for row in linked.mappings()]
    found += [_sample(row) for row in sampled.mappings()]
    return sorted(found, key=lambda row: row.seq)[:limit]


def _interned(connection: Connection, texts: set[str], unless_there: UnlessThere) -> Mapping[str, int]:
    """The numbers of texts, which get one where they have none."""
    query = select(strings.c.text, strings.c.id).where(strings.c.text.in_(sorted(texts)))
    known = dict(connection.execute(query).all())
    missing = sorted(texts - known.keys())  # in one order, or two writers could wait for each other
    if not missing:
        return known
    connection.execute(unless_there(strings), [{"text": text} for text in missing])
    return dict(connection.execute(query).all())


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
