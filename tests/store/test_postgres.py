"""Why: whoever runs a server has its own bad days with it, and must read what to do; never a password."""

import contextlib
import logging
import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from postgres import PASSWORD, installed
from store.places import OnServer
from store.samples import Noted, fill, measured, started

from chaosctl.errors import StoreError
from chaosctl.store import Store, postgres

TABLES = {"about", "journals", "links", "readings", "strings", "summaries"}


@pytest.fixture
def store(on_server):
    with Store(on_server.where) as opened:
        yield opened


SECRET = "hunter2"  # noqa: S105 - what must be seen nowhere


def refused(url):
    """What opening says."""
    with pytest.raises(StoreError) as found:
        Store(url).open()
    return str(found.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:{secret}@h/d", "neither a path nor a URL of PostgreSQL"),
        ("u:{secret}@h/d", "neither a path nor a URL of PostgreSQL"),
        ("postgresql://u:x@{secret}@h/d", "special characters percent-encoded"),
        ("postgresql://u:x/{secret}@h/d", "special characters percent-encoded"),
        ("postgresql://u:x?{secret}@h/d", "special characters percent-encoded"),
        ("postgresql://u:%zz{secret}@h/d", "that PostgreSQL cannot read"),
        ("postgresql://u:{secret}@h/d?sslmod=require", "that PostgreSQL cannot read"),
        ("postgresql://u:{secret}@127.0.0.1:1/d", "127.0.0.1:1/d: connection failed"),
        ("postgresql://u:{secret}@127.0.0.1:1,127.0.0.1:2/d", "127.0.0.1:1,127.0.0.1:2/d: "),
        ("postgresql://u:{secret}@127.0.0.1:port/d", "127.0.0.1:port/d: "),
        ("postgresql://u:{secret}@127.0.0.1:1/d?connect_timeout={secret}", "check CHAOSCTL_STORE"),
        ("postgresql:///d?host=/nowhere&password={secret}", "postgresql:///nowhere/d: "),
    ],
)
def test_a_url_that_leads_nowhere_is_an_error_without_its_password(url, says, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    message = refused(url.format(secret=SECRET))
    assert says in message
    said = capsys.readouterr()
    assert SECRET not in message + caplog.text + said.out + said.err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"password": SECRET}, "password authentication failed"),
        ({"user": "nobody"}, "password authentication failed"),
        ({"database": "none"}, 'database "none" does not exist'),
    ],
)
def test_a_server_that_does_not_know_us_is_an_error_with_advice(on_server, change, says):
    message = refused(on_server.server.url(**{"database": on_server.database, **change}))
    assert says in message
    assert message.startswith(f"postgresql://127.0.0.1:{on_server.server.port}/")
    assert message.endswith("check CHAOSCTL_STORE, and whether the server is up")
    assert SECRET not in message
    assert PASSWORD not in message


def test_no_error_of_a_store_shows_its_password(store, on_server, monkeypatch):
    monkeypatch.setattr("chaosctl.store.database.PATIENCE_S", -1)
    on_server.server.stop()
    try:
        with pytest.raises(StoreError) as found:
            store.runs()
    finally:
        on_server.server.start()
    error, said = found.value, ""
    while error:
        said += f"{error!r} {error}"
        error = error.__cause__ or error.__context__
    assert PASSWORD not in said
    assert quote(PASSWORD, safe="") not in said


def test_a_url_may_have_the_short_scheme_that_many_providers_print(on_server):
    with Store(on_server.where.replace("postgresql://", "postgres://")) as store:
        assert store.runs() == []


def test_of_several_hosts_one_that_is_down_is_passed_over(on_server):
    with Store(on_server.where.replace("@127.0.0.1", "@127.0.0.1:1,127.0.0.1")) as store:
        fill(store)
        assert store.verify("r1").intact


def test_replicas_that_start_at_once_make_the_tables_once(on_server):
    begin = threading.Barrier(8)

    def start(_):
        begin.wait()
        with Store(on_server.where) as store:
            return store.runs()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(start, range(8))) == [[]] * 8
    assert on_server.look("SELECT version FROM about") == [(2,)]
    assert {name for (name,) in on_server.look(NAMES)} == TABLES


NAMES = "SELECT tablename FROM pg_tables WHERE schemaname = 'chaosctl'"


def test_other_peoples_tables_in_the_database_are_left_alone(on_server):
    edit_as_them(on_server, "CREATE TABLE public.journals (theirs text)")
    with Store(on_server.where) as store:
        fill(store)
        assert store.verify("r1").intact
    assert on_server.look("SELECT * FROM public.journals") == []


def edit_as_them(place, statement):
    place.server.run(statement, database=place.database)


def test_a_schema_of_our_name_that_is_not_ours_is_left_alone(on_server):
    edit_as_them(on_server, "CREATE SCHEMA chaosctl CREATE TABLE theirs (x int)")
    edit_as_them(on_server, "GRANT ALL ON SCHEMA chaosctl TO chaosctl")
    assert "its schema chaosctl belongs to another program" in refused(on_server.where)
    assert {name for (name,) in on_server.look(NAMES)} == {"theirs"}


def test_an_empty_schema_that_an_administrator_made_for_us_is_enough(on_server):
    edit_as_them(on_server, f"ALTER DATABASE {on_server.database} OWNER TO super")
    assert "the role may not: let it own the schema chaosctl" in refused(on_server.where)
    edit_as_them(on_server, "CREATE SCHEMA chaosctl AUTHORIZATION chaosctl")
    with Store(on_server.where) as store:
        fill(store)
        assert store.verify("r1").intact


@pytest.mark.usefixtures("store")
def test_a_store_of_another_version_is_left_alone(on_server):
    on_server.edit("UPDATE about SET version = 99")
    assert "was made by another version of chaosctl" in refused(on_server.where)


def test_a_server_that_is_too_old_is_named(on_server, monkeypatch):
    monkeypatch.setattr(postgres, "OLDEST", 99)
    assert "is too old: 99 is needed, or newer" in refused(on_server.where)


def test_a_database_in_which_not_every_text_can_be_kept_is_refused(postgres):
    name = postgres.database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "the database is in LATIN1: create one with ENCODING 'UTF8'" in refused(postgres.url(name))
    postgres.drop(name)


def test_a_database_that_takes_no_writes_says_so_and_can_be_read_on_request(store, on_server):
    fill(store)
    store.close()
    edit_as_them(on_server, f"ALTER DATABASE {on_server.database} SET default_transaction_read_only = on")
    assert "session is read-only" in refused(on_server.where)
    with Store(f"{on_server.where}?target_session_attrs=any") as reader:
        assert reader.verify("r1").intact
        with pytest.raises(StoreError, match="the database is read-only: name the primary server"):
            reader.journal("r1")


def test_who_may_only_read_can_verify(store, on_server):
    fill(store)
    for statement in (
        f"CREATE ROLE auditor_{on_server.database} LOGIN PASSWORD 'a'",
        f"GRANT USAGE ON SCHEMA chaosctl TO auditor_{on_server.database}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA chaosctl TO auditor_{on_server.database}",
    ):
        edit_as_them(on_server, statement)
    url = on_server.server.url(on_server.database, user=f"auditor_{on_server.database}", password="a")  # noqa: S106
    with Store(url) as reader:
        assert reader.verify("r1").intact
        with pytest.raises(StoreError, match="the role may not"):
            reader.journal("r1")


def test_what_was_acknowledged_is_on_the_servers_disk_whatever_others_prefer(store, on_server):
    edit_as_them(on_server, f"ALTER DATABASE {on_server.database} SET synchronous_commit = off")
    on_server.edit("CREATE TABLE seen (how text)")
    on_server.edit(
        "CREATE FUNCTION see() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO chaosctl.seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$"
    )
    on_server.edit("CREATE TRIGGER see BEFORE INSERT ON links FOR EACH ROW EXECUTE FUNCTION see()")
    store.close()
    with store:
        store.journal("r1").append(started())
    assert on_server.look("SELECT how FROM seen") == [("on",)]


def test_a_journal_that_somebody_holds_says_so_and_nothing_is_lost(store, on_server):
    journal = store.journal("r1")
    held = on_server.held("SELECT 1 FROM journals FOR UPDATE")
    with held, pytest.raises(StoreError, match="another process holds the journal: wait for it"):
        journal.append(started())
    journal.append(started())
    assert store.verify("r1").links == 1


def test_tables_that_are_gone_are_an_error_with_advice(store, on_server):
    journal = store.journal("r1")
    edit_as_them(on_server, "DROP SCHEMA chaosctl CASCADE")
    with pytest.raises(StoreError, match="our tables are gone: bring back a copy"):
        journal.append(started())


def test_a_journal_that_was_taken_away_is_no_journal_to_go_on_with(store, on_server):
    journal = store.journal("r1")
    journal.append(started())
    on_server.edit("DELETE FROM journals")
    with pytest.raises(StoreError, match="its journal was changed"):
        journal.append(measured(1))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_of_the_server_says_so_and_leaves_a_whole_journal(postgres):
    with small_tablespace(postgres) as (name, ballast), Store(postgres.url(name)) as store:
        journal = store.journal("r1")
        journal.append(started())
        take_all_but(ballast, 500_000)
        with pytest.raises(StoreError, match="the disk of the server is full: free some space there"):
            append_until_it_fails(journal)
        assert store.verify("r1").intact
        ballast.unlink()
        journal.append(Noted(type="finished"))
        assert store.verify("r1").intact
        assert list(store.events("r1"))[-1]["type"] == "finished"


def take_all_but(file, left):
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        while out.write(bytes(100_000)):
            pass
    os.truncate(file, file.stat().st_size - left)


def append_until_it_fails(journal):
    for n in range(2000):
        journal.append(Noted(type="trouble", why=os.urandom(20_000).hex()))
        journal.append(measured(n))


@contextmanager
def small_tablespace(server):
    """A database on a small disk of its own, and a file there for what else lies on it."""
    folder, ballast = server.folder / "small", server.folder / "small" / "ballast"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=777", "tmpfs", str(folder)], check=True)
    try:
        (folder / "space").mkdir(mode=0o700)
        shutil.chown(folder / "space", "postgres", "postgres")
        server.run(f"CREATE TABLESPACE small LOCATION '{folder / 'space'}'")
        name = server.database("TABLESPACE small")
        yield name, ballast
        server.drop(name)
        server.run("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_copy_that_pg_dump_made_verifies_and_can_be_gone_on_with(store, on_server, tmp_path):
    fill(store)
    other = on_server.server.database()
    copy = OnServer(on_server.server.url(other), on_server.server, other)
    dump = tmp_path / "store.dump"
    program("pg_dump", "--format=custom", "--schema=chaosctl", f"--file={dump}", on_server.where)
    program("pg_restore", "--no-owner", f"--dbname={copy.where}", str(dump))
    with Store(copy.where) as found:
        assert found.verify("r1") == store.verify("r1")
        with found.journal("r1") as journal:
            journal.append(Noted(type="resumed"))
        assert found.verify("r1").intact
    on_server.server.drop(other)


def program(name, *arguments):
    done = subprocess.run([installed(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
