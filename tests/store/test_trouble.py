import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from store.samples import Noted, edit, fill, measured, started

from chaosctl.errors import StoreError
from chaosctl.store import Store

HELPER = Path(__file__).with_name("samples.py")


@contextmanager
def process(what, path):
    """Another process that appends; killed at the end, whatever happened."""
    command = [sys.executable, str(HELPER), what, str(path)]
    environment = os.environ | {"PYTHONPATH": str(HELPER.parent.parent)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def tell(child, line):
    child.stdin.write(f"{line}\n")
    child.stdin.flush()
    return child.stdout.readline()


def test_of_two_processes_the_later_one_writes_and_the_earlier_one_is_told(store, path):
    with process("told", path) as first:
        assert first.stdout.readline() == "claimed\n"
        assert tell(first, "one") == "ok\n"
        with process("told", path) as second:
            assert second.stdout.readline() == "claimed\n"
            assert tell(first, "two").startswith("StoreError run r1: another process goes on")
            assert tell(second, "three") == "ok\n"
    assert [event["why"] for event in store.events("r1")] == ["one", "three"]
    assert store.verify("r1").intact


def test_a_kill_amid_appends_loses_nothing_that_was_acknowledged(store, path):
    with process("forever", path) as child:
        acknowledged = 0
        while acknowledged < 150:
            acknowledged = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
        assert child.wait() == -signal.SIGKILL
    acknowledged = int(rest[-1]) if rest else acknowledged
    assert store.verify("r1").intact
    assert len(list(store.events("r1"))) - 1 in (acknowledged, acknowledged + 1)
    with store.journal("r1") as journal:
        journal.append(Noted(type="resumed"))
    assert store.verify("r1")[3:] == (0, store.verify("r1").head, "")


def test_a_store_that_another_process_holds_says_so_and_nothing_is_lost(store, path):
    journal = store.journal("r1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process holds the store: wait for it"):
            journal.append(started())
        other.execute("ROLLBACK")
    journal.append(started())
    assert store.verify("r1").links == 1


def test_a_file_that_another_program_keeps_for_itself_says_so(tmp_path):
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another process holds the store"):
            Store(tmp_path / "store.db").open()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_says_so_and_leaves_a_whole_journal(tmp_path):
    with small_disk(tmp_path) as disk, Store(disk / "store.db") as store:
        journal = store.journal("r1")
        journal.append(started())
        with pytest.raises(StoreError, match="the disk is full: free some space"):
            append_until_it_fails(journal)
        assert store.verify("r1").intact
        (disk / "ballast").unlink()
        journal.append(Noted(type="finished"))
        assert store.verify("r1").intact


def append_until_it_fails(journal):
    for n in range(2000):
        journal.append(Noted(type="trouble", why="x" * 2000))
        journal.append(measured(n))


@contextmanager
def small_disk(folder):
    options = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(options, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        (folder / "ballast").write_bytes(b"x" * 1_000_000)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="check the folder, or set CHAOSCTL_HOME"):
        Store(tmp_path / "file" / "store.db").open()


def test_a_store_in_place_of_which_stands_a_folder_says_so(tmp_path):
    with pytest.raises(StoreError, match="check the folder"):
        Store(tmp_path).open()


def test_a_store_that_was_deleted_under_a_run_is_noticed(store, path):
    journal = store.journal("r1")
    path.unlink()
    with pytest.raises(StoreError, match="No such file"):
        journal.append(started())
    path.touch()
    with pytest.raises(StoreError, match="was moved or deleted"):
        journal.append(started())


def test_a_file_of_something_else_is_left_alone(tmp_path):
    text = tmp_path / "store.db"
    text.write_text("not a database, but long enough to be mistaken for one" * 50)
    with pytest.raises(StoreError, match="this is no database: move the file away"):
        Store(text).open()
    assert text.read_text().startswith("not a database")


def test_another_programs_database_is_left_alone(tmp_path):
    edit(tmp_path / "store.db", "CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="belongs to another program"):
        Store(tmp_path / "store.db").open()


def test_a_store_of_another_version_is_left_alone(store, path):
    store.close()
    edit(path, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="written by another version"):
        Store(path).open()


def test_a_damaged_page_is_an_error_with_advice(store, path):
    fill(store, readings=600)
    store.close()
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(os.urandom(64))
    with Store(path) as damaged, pytest.raises(StoreError, match="the store is damaged: move the file away"):
        damaged.verify("r1")


@pytest.mark.usefixtures("store")
def test_nobody_else_may_read_the_store(path):
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
