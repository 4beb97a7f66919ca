"""Why: every command must do the same wherever journals lie; here they lie in PostgreSQL."""

import signal
from datetime import UTC, datetime

import pytest
from cli.installation import Installation, finished, until

from chaosctl.engine.events import Event
from chaosctl.store import Store


@pytest.fixture(scope="module")
def database(postgres):
    return postgres.database()


@pytest.fixture(scope="module")
def url(postgres, database):
    return postgres.url(database)


@pytest.fixture(scope="module")
def shared(installation: Installation, url: str):
    """The same installation, with its journals on a server."""

    def command(*arguments: str):
        return installation(*arguments, CHAOSCTL_STORE=url)

    return command


@pytest.fixture(scope="module")
def run(shared, tmp_path_factory):
    report = tmp_path_factory.mktemp("report") / "out.json"
    done = shared("run", "noop", "--sandbox", "--output", "json", "--report", f"json={report}")
    assert done.code == 0, done.err
    return done.json


def test_a_run_is_listed_shown_and_watched(shared, run):
    assert [one["id"] for one in shared("runs", "list", "--output", "json").json] == [run["run"]]
    assert shared("runs", "show", run["run"], "--output", "json").json == run
    assert "PASSED" in shared("runs", "watch", run["run"]).out


def test_a_run_is_not_in_the_file_beside(installation, run):
    assert run["run"] not in installation("runs", "list").out


def test_a_run_is_verified_and_its_bundle_is_intact_anywhere(shared, installation, run, tmp_path):
    bundle = tmp_path / "evidence.zip"
    assert shared("runs", "export", run["run"], "--out", str(bundle)).code == 0
    here, there = shared("runs", "verify", run["run"]), installation("runs", "verify", str(bundle))
    assert here.out == there.out
    assert "intact" in here.out


def test_a_post_mortem_is_written_anew(shared, run, tmp_path):
    assert shared("postmortem", "render", run["run"], "--out", str(tmp_path)).code == 0
    assert "EXERCISE" in (tmp_path / "postmortem.md").read_text()


def test_a_run_that_was_changed_on_the_server_is_noticed(shared, run, postgres, database):
    change = "UPDATE chaosctl.links SET text = replace(text, %s, %s) WHERE seq = 1"
    postgres.run(change, "noop", "boop", database=database)
    changed = shared("runs", "verify", run["run"])
    postgres.run(change, "boop", "noop", database=database)
    assert (changed.code, "CHANGED: row 1" in changed.err) == (1, True)
    assert shared("runs", "verify", run["run"]).code == 0


@pytest.mark.usefixtures("run")
def test_a_run_that_was_killed_is_finished_by_recover(installation, shared, url):
    with Store(url) as store:
        running = installation.start("run", "noop", "--sandbox", CHAOSCTL_STORE=url)
        (name,) = until(store.unfinished)
        until(lambda: any(event["type"] == "applied" for event in store.events(name)))
        running.send_signal(signal.SIGKILL)
        assert finished(running).code == -signal.SIGKILL
        done = shared("recover", "--sandbox")
        assert (done.code, f"run {name}: finished, aborted" in done.out) == (0, True), done
        assert store.unfinished() == []
        assert store.verify(name).intact


def test_a_dead_run_that_another_version_wrote_is_named_by_recover_and_left(installation, cluster, postgres):
    place = postgres.url(postgres.database())
    newer = type("Newer", (Event,), {"__annotations__": {"type": str}, "type": "rehearsed"})
    with Store(place) as store:
        running = installation.start("run", "noop", "--sandbox", CHAOSCTL_STORE=place)
        (name,) = until(store.unfinished)
        running.send_signal(signal.SIGKILL)
        finished(running)
        store.journal(name).append(newer(at=datetime.now(UTC)))
    done = installation("recover", "--kubeconfig", str(cluster.kubeconfig), CHAOSCTL_STORE=place)
    assert (done.code, f"run {name}: not finished: another version" in done.out) == (0, True), done
    shown = installation("runs", "show", name, CHAOSCTL_STORE=place)
    assert (shown.code, "another version of chaosctl" in shown.err) == (2, True), shown


def test_a_run_can_be_stopped_from_another_terminal(installation, shared, url):
    running = installation.start("run", "noop", "--sandbox", CHAOSCTL_STORE=url)
    with Store(url) as store:
        (name,) = until(store.unfinished)
    assert shared("abort", name).code == 0
    assert finished(running).code == 3


def test_the_watchdog_keeps_its_journal_there_too(installation, cluster, url):
    watching = installation.start("watchdog", "--kubeconfig", str(cluster.kubeconfig), CHAOSCTL_STORE=url)
    space = cluster.get("api/v1/namespaces/kube-system")["metadata"]["uid"]
    try:
        with Store(url) as store:
            until(lambda: store.known(f"watchdog-{space}"), 120)
    finally:
        watching.terminate()
    assert finished(watching).code == 0


def test_a_store_that_cannot_be_reached_ends_a_command_before_anything_is_touched(installation, cluster):
    before = cluster.picture()
    for command in (("runs", "list"), ("run", "noop", "--sandbox"), ("recover", "--sandbox")):
        done = installation(*command, CHAOSCTL_STORE="postgresql://u:hunter2@127.0.0.1:1/d")
        assert (done.code, done.out) == (2, "")
        assert "postgresql://127.0.0.1:1/d: connection failed" in done.err
        assert "hunter2" not in done.err
    assert cluster.picture() == before


def test_the_key_of_ledgers_may_come_from_elsewhere_for_runs_and_guardians_alike(alone, tmp_path):
    key = tmp_path / "mounted"
    key.write_text("ab" * 32)
    alone.environment["CHAOSCTL_KEY_FILE"] = str(key)
    alone.up()
    done = alone("run", "noop", "--sandbox", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert not (alone.home / "key").exists()
