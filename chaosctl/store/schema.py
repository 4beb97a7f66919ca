"""Why: every kind of database holds the same tables, so that journals are the same wherever they lie."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
)

from chaosctl.store.summary import RunSummary

VERSION = 2
APPLICATION = 0x63686173  # "chas": tells what is ours from what other programs keep
# By bytes on every server: a language's order would sort moments and names otherwise.
STRING = Text().with_variant(Text(collation="C"), "postgresql")

schema = MetaData()
journals = Table(
    "journals",
    schema,
    Column("id", Integer, primary_key=True),
    Column("run", STRING, unique=True, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("sha256", STRING, nullable=False),
)
links = Table(
    "links",
    schema,
    Column("journal", ForeignKey(journals.c.id), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("text", STRING, nullable=False),
    Column("sha256", STRING, nullable=False),
    sqlite_with_rowid=False,
)
strings = Table(
    "strings",
    schema,
    Column("id", Integer, primary_key=True),
    Column("text", STRING, unique=True, nullable=False),
)
readings = Table(
    "readings",
    schema,
    Column("journal", ForeignKey(journals.c.id), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("subject", ForeignKey(strings.c.id), nullable=False),
    Column("note", ForeignKey(strings.c.id), nullable=False),
    Column("bad", BigInteger),
    Column("n", BigInteger),
    Column("value", Float),
    Column("start", BigInteger),
    Column("end", BigInteger),
    Column("first_bad", BigInteger),
    Column("last_bad", BigInteger),
    Column("complement", Boolean),
    sqlite_with_rowid=False,
)
summaries = Table(
    "summaries",
    schema,
    Column("id", STRING, primary_key=True),
    *(Column(name, STRING, nullable=False, server_default="") for name in RunSummary._fields[1:]),
)
