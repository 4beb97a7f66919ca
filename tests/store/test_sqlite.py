"""Why: a file can be full, locked, gone, damaged or somebody else's, and a run must hear which."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest
from store.places import OnDisk
from store.samples import Noted, fill, measured, started

from chaosctl.errors import StoreError
from chaosctl.store import Store


@pytest.fixture
def path(on_disk):
    return on_disk.where


@pytest.fixture
def store(path):
    with Store(path) as opened:
        yield opened


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
    with pytest.raises(StoreError, match="check the folder, or set CHAOSCTL_STORE"):
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
    OnDisk(tmp_path / "store.db").edit("CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="belongs to another program"):
        Store(tmp_path / "store.db").open()


def test_a_store_of_another_version_is_left_alone(store, path):
    store.close()
    OnDisk(path).edit("PRAGMA user_version = 99")
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


def test_a_store_of_the_version_before_is_brought_up_to_date(store, path):
    fill(store)
    store.close()
    OnDisk(path).edit("ALTER TABLE summaries DROP COLUMN origin")
    OnDisk(path).edit("PRAGMA user_version = 1")
    for _ in range(2):
        with Store(path) as upgraded:
            (run,) = upgraded.runs()
            assert (run.id, run.phase, run.origin, upgraded.verify("r1").fault) == ("r1", "done", "", "")


def test_a_copy_of_the_store_verifies_too(store, path, tmp_path):
    fill(store)
    store.close()
    shutil.copy(path, tmp_path / "copy.db")
    with Store(tmp_path / "copy.db") as copy:
        assert copy.verify("r1").intact
        with copy.journal("r1") as journal:
            journal.append(Noted(type="resumed"))
        assert copy.verify("r1").intact
