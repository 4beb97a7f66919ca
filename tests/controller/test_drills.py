"""Why: a Drill must fire each of its times once, say what it does and what not, and leave no heap behind.

What a schedule wants is tried with the calendars; here is what becomes of it in a cluster.
"""

import pytest
from calendars.icalendar import icalendar
from controller.objects import drill, playbook, thing
from controller.schedules import KEY, Scene

from chaosctl.cluster.keys import key_of
from chaosctl.cluster.ledger import Ledger, body_of, ledger_of
from chaosctl.controller import names
from chaosctl.controller.tidy import surplus
from chaosctl.testing import EPOCH, config_map, deployment_ref

FIVE_PAST = {"cron": "5 0 * * *"}
EVERY_FIVE = {"cron": "*/5 * * * *"}
EVERY_MINUTE = {"cron": "* * * * *"}
FREEZE = icalendar(("Year-end freeze", "VALUE=DATE:20291219", "VALUE=DATE:20300105"))


def fired(time, drill="weekly", verdict="passed", **metadata):
    """A Run that a schedule fired, as it stands in the cluster; without a verdict it goes on."""
    labels = {names.DRILL: drill}
    body = thing("Run", f"{drill}-{time}", {"drill": drill}, **{"labels": labels, **metadata})
    over = {"type": "Finished", "status": "True" if verdict else "False"}
    return {**body, "status": {"verdict": verdict, "conditions": [over]}}


def test_a_time_fires_once_by_a_run_that_is_called_after_it_and_names_its_drill():
    scene = Scene(drill(schedule=FIVE_PAST)).play(12)

    assert scene.runs() == scene.made == ["weekly-203001010005"]
    assert scene.run("weekly-203001010005")["spec"] == {"drill": "weekly"}
    assert scene.run("weekly-203001010005")["metadata"]["labels"] == {names.DRILL: "weekly"}
    assert scene.events() == [("Normal", "Scheduled", "created Run weekly-203001010005")]
    assert scene.metrics.fired == 1


def test_nothing_fires_before_its_time():
    assert Scene(drill(schedule=FIVE_PAST)).play(4.9).runs() == []


def test_a_drill_that_waits_for_its_time_is_looked_at_now_and_then_and_at_once_when_it_changes():
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.at(2.1, lambda: scene.cluster.put(drill(schedule=EVERY_FIVE)))
    scene.at(2.2, lambda: seen.append(scene.status()["schedule"]))
    seen = []
    scene.play(4)

    assert seen == ["*/5 * * * * UTC"]
    assert scene.cluster.asked["find Drill"] > 100
    assert scene.cluster.asked["get Playbook"] < 12


def test_each_of_several_times_fires():
    scene = Scene(drill(schedule=EVERY_FIVE)).play(16)

    assert scene.made == [f"weekly-2030010100{minute}" for minute in ("05", "10", "15")]


def test_of_two_controllers_one_fires_and_the_other_finds_that_it_has():
    scene = Scene(drill(schedule=EVERY_FIVE)).play(16, controllers=2)

    assert scene.made == [f"weekly-2030010100{minute}" for minute in ("05", "10", "15")]
    assert scene.metrics.fired == 3


def test_where_the_status_is_lost_the_next_look_finds_that_it_has_fired():
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.at(4, lambda: scene.cluster.loses.add("patch Drill"))
    scene.at(8, scene.cluster.loses.clear)
    scene.play(10)

    assert scene.made == ["weekly-203001010005"]
    assert scene.status()["lastScheduled"] == "2030-01-01T00:05:00Z"


def test_a_run_that_the_store_knows_is_not_fired_again_though_it_was_deleted_and_the_status_lost():
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.known.add("weekly-203001010005")

    assert scene.play(8).runs() == []
    assert scene.status()["lastScheduled"] == "2030-01-01T00:05:00Z"


def test_a_run_that_was_deleted_is_not_fired_again_though_no_store_knows_it():
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.at(7, lambda: scene.remove("weekly-203001010005"))

    assert scene.play(12).runs() == []
    assert scene.made == ["weekly-203001010005"]


def test_the_status_says_what_was_done_and_what_comes_next():
    scene = Scene(drill(schedule=EVERY_FIVE)).play(6)

    told = {name: scene.status()[name] for name in ("lastScheduled", "nextScheduled", "schedule", "lastRun")}
    assert told == {
        "lastScheduled": "2030-01-01T00:05:00Z",
        "nextScheduled": "2030-01-01T00:10:00Z",
        "schedule": "*/5 * * * * UTC",
        "lastRun": "weekly-203001010005",
    }
    assert scene.accepted() == ("True", "")


def test_the_verdict_is_that_of_the_last_run_that_has_ended():
    scene = Scene(drill(schedule=EVERY_FIVE))
    scene.at(7, lambda: verdicts.append(scene.status().get("verdict")))
    scene.at(7, lambda: scene.end("weekly-203001010005", "failed"))
    scene.at(12, lambda: verdicts.append(scene.status().get("verdict")))
    scene.at(12, lambda: scene.end("weekly-203001010010", "passed"))
    verdicts = []

    assert scene.play(13).status()["verdict"] == "passed"
    assert verdicts == [None, "failed"]


def test_a_drill_without_a_schedule_is_accepted_and_never_fires():
    scene = Scene(drill()).play(12)

    assert (scene.runs(), scene.accepted()) == ([], ("True", ""))
    assert "nextScheduled" not in scene.status()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (drill(name="wrong", schedule={"cron": "5 25 * * *"}), "spec.schedule.cron"),
        (drill("nothing", name="wrong", schedule=FIVE_PAST), 'no Playbook is called "nothing"'),
        (drill(name="wrong", schedule=FIVE_PAST, keep=0), "spec.keep"),
    ],
)
def test_what_is_wrong_with_a_drill_is_said_in_its_status_and_does_not_keep_others_from_firing(wrong, said):
    scene = Scene(wrong, drill(schedule=FIVE_PAST)).play(7)
    status, message = scene.accepted("wrong")

    assert (status, said in message) == ("False", True), message
    assert message == scene.status("wrong")["message"]
    assert scene.runs() == ["weekly-203001010005"]


def test_what_was_served_is_not_forgotten_while_something_is_wrong_and_it_goes_on_once_it_is_mended():
    scene = Scene(drill(schedule=EVERY_FIVE))
    scene.at(6, lambda: scene.cluster.objects.pop(names.ref("Playbook", "models", "shrink")))
    scene.at(9, lambda: scene.cluster.put(playbook()))
    scene.at(8, lambda: seen.update(scene.status(), accepted=scene.accepted()[0]))
    seen = {}
    scene.play(12)

    assert (seen["accepted"], seen["lastScheduled"], seen["lastRun"]) == (
        "False",
        "2030-01-01T00:05:00Z",
        "weekly-203001010005",
    )
    assert scene.accepted() == ("True", "")
    assert scene.made == ["weekly-203001010005", "weekly-203001010010"]


def test_a_drill_that_sleeps_does_not_fire_and_says_so():
    scene = Scene(drill(schedule=FIVE_PAST, suspend=True)).play(12)

    assert (scene.runs(), scene.events(), scene.status()["message"]) == ([], [], "suspended")


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_a_drill_that_is_woken_fires_its_next_time_and_none_of_those_it_slept_through(missed):
    scene = Scene(drill(schedule={**EVERY_FIVE, "missed": missed}))
    scene.at(6, lambda: scene.edit(suspend=True))
    scene.at(18, lambda: scene.edit(suspend=False))
    scene.play(22)

    assert scene.made == ["weekly-203001010005", "weekly-203001010020"]


def open_ledger(scene):
    """Have a run of somebody else on the target."""
    where = ledger_of(deployment_ref("ranker"))
    scene.cluster.put(body_of(where, Ledger(run="laptop", held_until=EPOCH), key_of(where, KEY)))
    return lambda: scene.cluster.objects.pop(where)


def test_a_target_that_is_held_makes_it_wait_and_say_so_and_it_fires_once_the_target_is_free():
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.hold("other")
    scene.at(8, lambda: said.append(scene.status()["message"]))
    scene.at(8, scene.hold)
    scene.at(8.1, lambda: said.extend(scene.runs()))
    said = []
    scene.play(12)

    assert said == [
        "weekly-203001010005 is due, but run other is going on on the same target",
        "weekly-203001010005",
    ]
    assert scene.made == ["weekly-203001010005"]


def test_a_run_of_somebody_s_laptop_on_the_target_is_waited_for_too():
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.at(8, open_ledger(scene))
    scene.at(8, lambda: seen.append((scene.runs(), scene.status()["message"])))
    seen = []
    scene.play(12)

    assert seen == [([], "weekly-203001010005 is due, but run laptop is going on on the same target")]
    assert scene.made == ["weekly-203001010005"]


def test_a_target_that_is_held_for_too_long_makes_it_miss_its_time_and_people_are_told_once():
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.hold("other")
    scene.at(15, scene.hold)
    scene.play(20)

    why = "it could not start within 5 m: run other is going on on the same target"
    assert (scene.runs(), scene.events()) == (
        [],
        [("Warning", "Missed", f"weekly-203001010005 does not run: {why}")],
    )


@pytest.mark.parametrize(
    ("windows", "why"),
    [
        ({"only": ["Mon-Fri 09:00-16:00"]}, "outside Mon-Fri 09:00-16:00 (UTC)"),
        ({"blackout": {"configMap": "freezes", "key": "freeze.ics"}}, 'the blackout "Year-end freeze" lasts'),
    ],
)
def test_what_its_windows_refuse_does_not_fire_and_is_told_with_the_reason(windows, why):
    freezes = config_map("freezes", **{"freeze.ics": FREEZE})
    scene = Scene(freezes, drill(schedule=FIVE_PAST, windows=windows)).play(12)
    ((kind, reason, message),) = scene.events()

    assert (scene.runs(), kind, reason) == ([], "Warning", "Missed")
    assert message.startswith("weekly-203001010005 does not run: ")
    assert why in message
    assert scene.status()["lastScheduled"] == "2030-01-01T00:05:00Z"


@pytest.mark.parametrize("what", ["find Drill", "get Drill", "get Playbook", "create Run", "get ConfigMap"])
def test_an_api_server_that_fails_for_a_while_delays_a_time_and_loses_none(what):
    scene = Scene(drill(schedule=FIVE_PAST))
    scene.at(4, lambda: scene.cluster.loses.add(what))
    scene.at(7, lambda: seen.extend(scene.runs()))
    scene.at(7, scene.cluster.loses.clear)
    seen = []
    scene.play(10)

    assert (seen, scene.made) == ([], ["weekly-203001010005"])


def test_of_the_finished_runs_the_latest_stay_and_the_oldest_go():
    scene = Scene(drill(schedule=EVERY_MINUTE, keep=2))
    scene.verdict = "passed"
    scene.play(6.7)

    assert scene.made == [f"weekly-20300101000{minute}" for minute in range(1, 7)]
    assert scene.runs() == ["weekly-203001010005", "weekly-203001010006"]
    assert scene.status()["verdict"] == "passed"


def test_where_it_says_nothing_ten_of_them_stay():
    scene = Scene(drill(schedule=EVERY_MINUTE))
    scene.verdict = "passed"

    assert len(scene.play(14.7).runs()) == 10
    assert len(scene.made) == 14


def test_a_run_that_is_not_over_is_never_removed_and_takes_nobody_s_place():
    going = fired("202912300000", verdict=""), fired("202912300001", verdict="")
    over = [fired(f"2029123100{minute:02}") for minute in range(4)]
    scene = Scene(drill(schedule=FIVE_PAST, keep=2), *going, *over).play(2)

    assert scene.runs() == [f"weekly-{one}" for one in ("202912300000", "202912300001")] + [
        "weekly-202912310002",
        "weekly-202912310003",
    ]


def test_runs_that_the_schedule_did_not_fire_are_left_alone():
    mine = [fired("202912310000"), fired("202912310001")]
    others = [
        fired("202912310000", drill="daily"),
        fired("202912310000", drill="weekly-big"),
        fired("202912310002", labels={}),
        fired("202912310003", labels={names.DRILL: "daily"}),
        fired("202912310004", namespace="elsewhere"),
        fired("202912310005", drill="daily", labels={names.DRILL: "weekly"}),
        fired("again"),
    ]
    scene = Scene(drill(schedule=FIVE_PAST, keep=1), *mine, *others)
    before = scene.runs()
    scene.play(2)

    assert sorted({*before} - {*scene.runs()}) == ["weekly-202912310000"]


def served_drill():
    """One whose status says that everything so far was served, so that its first look removes."""
    status = {"lastScheduled": "2030-01-01T00:00:00Z", "schedule": "5 0 * * * UTC"}
    return {**drill(schedule=FIVE_PAST, keep=1), "status": status}


def test_one_that_was_created_anew_under_the_same_name_stays_and_the_other_old_ones_go():
    old = fired("202912310000"), fired("202912310001"), fired("202912310002")
    scene = Scene(served_drill(), *old)
    anew = fired("202912310000", verdict="", uid="another")
    find = scene.cluster.find

    async def found_before(like, selector="", fields=""):
        found = await find(like, selector, fields)
        if like.kind == "Run":
            scene.cluster.objects[names.ref("Run", "models", "weekly-202912310000")] = anew
        return found

    scene.cluster.find = found_before

    assert scene.play(0.4).runs() == ["weekly-202912310000", "weekly-202912310002"]


def all_of_them(**spec):
    return Scene(drill(schedule={**EVERY_FIVE, "missed": "all"}, **spec))


def test_a_finished_run_that_was_removed_never_fires_again_though_it_has_no_journal():
    scene = all_of_them(keep=1)
    scene.verdict = "passed"
    scene.play(22)

    assert scene.made == [f"weekly-2030010100{minute}" for minute in ("05", "10", "15", "20")]
    assert scene.runs() == ["weekly-203001010020"]


def test_nor_where_the_status_is_lost_later_as_the_store_knows_its_journal():
    scene = all_of_them(keep=1)
    scene.verdict, scene.journals = "passed", True
    scene.at(18, lambda: scene.cluster.objects[names.ref("Drill", "models", "weekly")].pop("status"))
    scene.play(22)

    assert scene.made == [f"weekly-2030010100{minute}" for minute in ("05", "10", "15", "20")]
    assert scene.runs() == ["weekly-203001010020"]


@pytest.mark.parametrize(
    ("until", "gone"),
    [
        ("2030-01-01T00:02:00Z", ["weekly-203001010001", "weekly-203001010002"]),
        ("2030-01-01T01:02:00+01:00", ["weekly-203001010001", "weekly-203001010002"]),
        (None, []),
    ],
)
def test_what_the_status_does_not_call_served_is_not_removed_as_it_could_fire_again(until, gone):
    runs = [fired(f"20300101000{minute}", uid=f"uid-{9 - minute}") for minute in (3, 1, 4, 2)]
    weekly = {**drill(schedule=EVERY_MINUTE), "status": {"lastScheduled": until} if until else {}}

    assert [run["metadata"]["name"] for run in surplus(weekly, runs, 1)] == gone


def test_a_cluster_that_does_not_let_them_be_removed_keeps_no_drill_from_firing():
    scene = Scene(drill(schedule=EVERY_MINUTE, keep=1))
    scene.verdict = "passed"
    scene.cluster.loses.update({"delete Run", "find Run"})
    scene.at(3.5, scene.cluster.loses.clear)
    scene.play(4.7)

    assert scene.made == [f"weekly-20300101000{minute}" for minute in range(1, 5)]
    assert scene.runs() == ["weekly-203001010004"]
    assert scene.cluster.asked["find Run"] < 20, "it is asked with every look at the Drill, not all the time"


def test_a_great_heap_goes_bit_by_bit_as_other_drills_want_to_fire():
    heap = [fired(f"2029123100{minute:02}") for minute in range(60)]

    assert len(Scene(drill(schedule=FIVE_PAST, keep=1), *heap).play(0.9).runs()) == 10
    assert len(Scene(drill(schedule=FIVE_PAST, keep=1), *heap).play(1.9).runs()) == 1


def test_whoever_leads_no_longer_removes_nothing():
    scene = Scene(served_drill(), fired("202912310000"), fired("202912310001"))
    scene.leads = False

    assert len(scene.play(2).runs()) == 2
