"""Why: where state lies is decided in one place; whoever moves it must find all of it there."""

from pathlib import Path

import pytest

from chaosctl.engine import events
from chaosctl.errors import Invalid
from chaosctl.operations.history import verify
from chaosctl.operations.home import home
from chaosctl.operations.stopping import abort
from chaosctl.spec import Script, Target
from chaosctl.store import Store
from chaosctl.testing import EPOCH, deployment_ref

KEY = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAOSCTL_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("CHAOSCTL_STORE", raising=False)
    monkeypatch.delenv("CHAOSCTL_KEY_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def test_the_store_is_a_file_of_the_state_folder_unless_another_place_is_named(state, tmp_path, monkeypatch):
    assert home().store == state / "store.db"
    for named, place in (
        ("other.db", tmp_path / "other.db"),
        ("/var/lib/chaosctl.db", Path("/var/lib/chaosctl.db")),
        ("postgresql://user:secret@host/db", "postgresql://user:secret@host/db"),
        ("postgresql://user:secret@host/db\n", "postgresql://user:secret@host/db"),
        ("", state / "store.db"),
    ):
        monkeypatch.setenv("CHAOSCTL_STORE", named)
        assert home().store == place


def test_the_key_is_made_once_in_the_state_folder(state):
    key = home().key()
    assert (len(key), home().key()) == (32, key)
    assert (state / "key").stat().st_mode & 0o077 == 0


def test_a_key_that_somebody_provides_is_read_from_its_file_and_none_is_made(state, tmp_path, monkeypatch):
    (tmp_path / "mounted").write_text(f"{KEY}\n")
    monkeypatch.setenv("CHAOSCTL_KEY_FILE", str(tmp_path / "mounted"))
    assert home().key() == bytes.fromhex(KEY)
    assert not state.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), ("no hexadecimal", "non-hexadecimal"), ("abcd", "is not 32 bytes")],
)
def test_a_provided_key_that_is_none_is_an_error_and_is_not_made(tmp_path, monkeypatch, content, says):
    file = tmp_path / "mounted"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("CHAOSCTL_KEY_FILE", str(file))
    with pytest.raises(Invalid, match=says):
        home().key()
    assert file.exists() == (content is not None)


def test_a_look_for_a_run_that_is_not_there_makes_no_store(state):
    with pytest.raises(Invalid, match="neither a file nor a run"):
        verify("zzz")
    assert not state.exists()


def test_a_run_that_a_cluster_asked_for_is_stopped_there_and_not_by_a_command():
    with Store(home().store) as store:
        store.journal("own").append(begun("own"))
        store.journal("asked").append(begun("asked", origin="models/nightly"))
    with pytest.raises(Invalid, match=r"kubectl -n models delete runs\.chaosctl\.dev nightly"):
        abort("asked", all_runs=False)
    assert abort("", all_runs=True) == ["own"]


def begun(run, origin=""):
    script = Script(playbook="p", target=Target(workload=deployment_ref("ranker")), entries=())
    return events.Started(at=EPOCH, run=run, script=script, origin=origin)
