"""Why: an append is written once, whatever happens between a store and its server."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from store.processes import acknowledged, process, rest
from store.samples import Noted, measured, started
from store.wire import wire

from chaosctl.errors import Fenced, StoreError
from chaosctl.store import Store, database, postgres

END_ALL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
MESSAGES = {"an event": 4, "a reading": 5}  # begin, move the end, (look for texts,) add, commit
CUTS = [
    (what, (moment, number))
    for what, count in MESSAGES.items()
    for number in range(1, count + 1)
    for moment in ("before", "after")
]


@pytest.fixture
def lines(on_server):
    with wire(on_server.server.port) as made:
        yield made


@pytest.fixture
def far(on_server, lines):
    """The store as it is seen through a connection that breaks."""
    with Store(on_server.server.url(on_server.database, port=lines.port)) as opened:
        yield opened


@pytest.fixture
def hasty(monkeypatch):
    """Nothing is tried again."""
    monkeypatch.setattr(database, "PATIENCE_S", -1)


@pytest.fixture
def store(on_server):
    with Store(on_server.where) as opened:
        yield opened


def warmed(far):
    """A journal with everything in it that an append can find."""
    journal = far.journal("r1")
    for event in (started(), measured(1), measured(2), Noted(type="opened")):
        journal.append(event)
    return journal


def event_of(what, n):
    return measured(n) if what == "a reading" else Noted(type="trouble", why=str(n))


@pytest.mark.parametrize("what", MESSAGES)
def test_an_append_says_no_more_to_the_server_than_we_think(far, lines, what):
    journal = warmed(far)
    journal.append(event_of(what, 7))
    before = lines.said
    journal.append(event_of(what, 8))
    assert lines.said - before == MESSAGES[what]


@pytest.mark.parametrize(("what", "cut"), CUTS)
def test_an_append_is_there_once_wherever_the_connection_breaks(store, far, lines, what, cut):
    journal = warmed(far)
    lines.cut(*cut)
    journal.append(event_of(what, 7))
    journal.append(event_of(what, 8))
    expected = [event.model_dump(mode="json") for event in (event_of(what, 7), event_of(what, 8))]
    assert list(store.events("r1"))[4:] == expected
    assert store.verify("r1").intact


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("what", MESSAGES)
@pytest.mark.usefixtures("hasty")
def test_an_append_that_was_given_up_is_there_once_or_not_at_all(store, far, lines, what, moment):
    journal = warmed(far)
    lines.cut(moment, MESSAGES[what])  # its commit
    with pytest.raises(StoreError, match="check CHAOSCTL_STORE, and whether the server is up"):
        journal.append(event_of(what, 7))
    journal.append(event_of(what, 8))
    journal.append(event_of(what, 9))
    there = (7, 8, 9) if moment == "after" else (8, 9)
    expected = [event_of(what, n).model_dump(mode="json") for n in there]
    assert list(store.events("r1"))[4:] == expected
    assert store.verify("r1").intact


def test_a_claim_and_a_look_survive_a_break_too(store, far, lines):
    warmed(far)
    lines.cut("after", 4)
    far.journal("r1").append(Noted(type="trouble"))
    lines.cut("before", 2)
    assert [run.id for run in far.runs()] == ["r1"]
    assert store.verify("r1").intact


def test_a_writer_that_sleeps_amid_a_commit_holds_its_successor_up_for_seconds_only(store, far, lines):
    journal = warmed(far)
    lines.hold_commit()
    with ThreadPoolExecutor(1) as pool:
        asleep = pool.submit(journal.append, Noted(type="trouble", why="late"))
        assert lines.held.wait(30)
        with store.journal("r1") as successor:
            successor.append(Noted(type="trouble", why="in time"))
        lines.release.set()
        with pytest.raises(Fenced):
            asleep.result()
    assert [event["why"] for event in list(store.events("r1"))[4:]] == ["in time"]
    assert store.verify("r1").intact


@pytest.mark.parametrize("number", [1, 4])
def test_a_server_that_does_not_answer_is_given_up_and_asked_again(store, far, lines, monkeypatch, number):
    monkeypatch.setattr(postgres, "ANSWER_S", 0.5)
    journal = warmed(far)
    lines.cut("silent", number)
    journal.append(Noted(type="trouble"))
    assert len(list(store.events("r1"))) == 5
    assert store.verify("r1").intact


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["ended", "crashed"])
def test_a_server_that_starts_again_amid_appends_loses_and_doubles_nothing(store, on_server, how):
    server = on_server.server
    with process("forever", on_server) as child:
        acknowledged(child, 20)
        server.stop(how)
        server.start()
        number = acknowledged(child, 40)
        child.send_signal(signal.SIGKILL)
        number = rest(child, number)
    assert store.verify("r1").intact
    assert len(list(store.events("r1"))) - 1 in (number, number + 1)
    whys = [event["why"] for event in store.events("r1") if event["type"] == "trouble"]
    assert len(whys) == len(set(whys))


def test_connections_that_a_restart_broke_are_made_anew_by_whatever_comes_next(store, on_server):
    server, first = on_server.server, store.journal("r1")
    first.append(started())
    uses = (store.runs, lambda: store.verify("r1"), lambda: first.append(measured(1)), first.close)
    for use in uses:
        server.stop(signal.SIGQUIT)
        server.start()
        use()
    assert (store.verify("r1").intact, len(list(store.events("r1")))) == (True, 2)


def test_a_session_that_is_killed_again_and_again_costs_nothing_that_was_acknowledged(store, on_server):
    with process("forever", on_server) as child:
        for wave in range(1, 9):
            number = acknowledged(child, 10 * wave)
            on_server.look(END_ALL_OTHERS)
        child.send_signal(signal.SIGKILL)
        number = rest(child, number)
    assert store.verify("r1").intact
    assert len(list(store.events("r1"))) - 1 in (number, number + 1)


def test_a_server_that_stays_away_is_an_error_and_what_comes_after_it_goes_on(store, on_server, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE_S", 0.5)
    journal = store.journal("r1")
    journal.append(started())
    on_server.server.stop()
    try:
        for use in (lambda: journal.append(measured(1)), store.runs):
            with pytest.raises(StoreError, match=r"failed: Connection refused.*check CHAOSCTL_STORE"):
                use()
    finally:
        on_server.server.start()
    journal.append(measured(2))
    journal.close()
    assert [event["type"] for event in store.events("r1")] == ["started", "measured"]
    assert store.verify("r1").unsealed == 0


def test_many_writers_at_once_leave_whole_journals(on_server):
    begin = threading.Barrier(6)

    def write(number):
        with Store(on_server.where) as store, store.journal(f"run{number}") as journal:
            begin.wait()
            for n in range(20):  # texts that others add at the same moment
                journal.append(measured(n, check=f"c{(n + number) % 20}"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    with Store(on_server.where) as store:
        proofs = [store.verify(f"run{number}") for number in range(6)]
    assert {(proof.fault, proof.readings, proof.unsealed) for proof in proofs} == {("", 20, 0)}
