import os
import signal

from store.processes import acknowledged, process, rest, tell
from store.samples import Noted


def test_of_two_processes_the_later_one_writes_and_the_earlier_one_is_told(store, place):
    with process("told", place) as first:
        assert first.stdout.readline() == "claimed\n"
        assert tell(first, "one") == "ok\n"
        with process("told", place) as second:
            assert second.stdout.readline() == "claimed\n"
            assert tell(first, "two").startswith("Fenced run r1: another process goes on")
            assert tell(second, "three") == "ok\n"
    assert [event["why"] for event in store.events("r1")] == ["one", "three"]
    assert store.verify("r1").intact


def test_a_writer_that_was_paused_while_another_one_took_over_can_write_no_more(store, place):
    with process("told", place) as paused:
        assert paused.stdout.readline() == "claimed\n"
        assert tell(paused, "one") == "ok\n"
        stop(paused)
        with process("told", place) as successor:
            assert successor.stdout.readline() == "claimed\n"
            paused.stdin.write("two\nthree\n")  # what it would have gone on with
            paused.stdin.flush()
            assert tell(successor, "four") == "ok\n"
            paused.send_signal(signal.SIGCONT)
            said = [paused.stdout.readline() for _ in range(2)]
            assert [line.partition(":")[0] for line in said] == ["Fenced run r1", "Fenced run r1"]
            assert tell(successor, "five") == "ok\n"
    assert [event["why"] for event in store.events("r1")] == ["one", "four", "five"]
    assert store.verify("r1").intact


def stop(child):
    child.send_signal(signal.SIGSTOP)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)


def test_a_kill_amid_appends_loses_nothing_that_was_acknowledged(store, place):
    with process("forever", place) as child:
        number = acknowledged(child, 150)
        child.send_signal(signal.SIGKILL)
        number = rest(child, number)
        assert child.wait() == -signal.SIGKILL
    assert store.verify("r1").intact
    assert len(list(store.events("r1"))) - 1 in (number, number + 1)
    with store.journal("r1") as journal:
        journal.append(Noted(type="resumed"))
    assert store.verify("r1")[3:] == (0, store.verify("r1").head, "")
