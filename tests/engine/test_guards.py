"""Why: each reason to refuse must refuse, say what is wrong, and what to do; and nothing else may."""

from datetime import timedelta

import pytest
from engine.examples import entry, script

from chaosctl.engine.guards import FRESH_FOR, GUARDS, Facts, refusals
from chaosctl.model import Edit, Patch, Ref
from chaosctl.spec import Target, TargetView
from chaosctl.testing import EPOCH, deployment, deployment_ref

TARGET = deployment_ref("ranker")
SCRIPT = script(entries=(entry("a", 0), entry("b", 1)))


def view(**fields):
    found = {"replicas": 3, "ready": 3, "selector": "app=ranker", "revision": "1", "settled": True}
    target = Target(workload=TARGET)
    return TargetView(target=target, workload=deployment("ranker"), **{**found, **fields})


def scales(path="/spec/replicas", ref=TARGET):
    return (Patch(ref=ref, edits=(Edit(path=path, before=3, after=1),)),)


def facts(**changes):
    fine = {
        "at": EPOCH,
        "target": view(),
        "pods": 3,
        "opt_in": "allowed",
        "plans": {"a": scales(), "b": scales("/spec/paused")},
        "doomed": {"a": 2, "b": 0},
        "guardian": True,
    }
    return Facts(**{**fine, **changes})


def refused(seen, of=SCRIPT, now=EPOCH):
    return {finding.guard: finding.refusal for finding in refusals(seen, of, now) if finding.refusal}


def test_a_healthy_target_that_is_opted_in_is_not_refused():
    assert refused(facts()) == {}


ours = deployment("ranker", **{"app.kubernetes.io/managed-by": "chaosctl"})
installed = deployment("ranker", **{"app.kubernetes.io/part-of": "chaosctl"})


@pytest.mark.parametrize(
    ("changes", "guard", "what", "remedy"),
    [
        ({"target": None}, "target exists", "does not exist", "check namespace"),
        ({"target": view().model_copy(update={"workload": ours})}, "target exists", "itself", "your own"),
        (
            {"target": view().model_copy(update={"workload": installed})},
            "target exists",
            "itself",
            "your own",
        ),
        ({"opt_in": ""}, "namespace opted in", "not opted in", "kubectl label namespace models"),
        ({"closed": "it is a holiday; next possible: Mon"}, "inside its windows", "holiday", "possible: Mon"),
        ({"unknown": {"closed": "no calendar"}}, "inside its windows", "cannot be checked: no calendar", ""),
        ({"opt_in": "halted"}, "namespace opted in", "halted", "chaosctl resume"),
        (
            {"target": view(settled=False, unsettled="2 of 3 updated")},
            "target settled and healthy",
            "2 of 3",
            "wait",
        ),
        ({"target": view(ready=2), "doomed": {}}, "target settled and healthy", "2 of 3", "repair it"),
        ({"pods": 0}, "selector matches", "no pods", "scale it up"),
        ({"holder": "r9"}, "no other run", "run r9", "chaosctl abort r9"),
        ({"rejected": {"a": "the image is there already"}}, "plans pass a dry run", "a: the image", ""),
        ({"plans": {"a": scales(), "b": scales()}}, "entries apart", "/spec/replicas", "let one end"),
        ({"plans": {"a": scales("/spec"), "b": scales()}}, "entries apart", "/spec", "let one end"),
        ({"doomed": {"a": 3}}, "replicas left", "0 of 3", "allowOutage: true"),
        ({"lacking": ("patch Deployment",)}, "permitted to do and to undo", "patch Deployment", "Role"),
        ({"fought": ("Argo CD manages it; suspend it",)}, "nobody fights the change", "Argo", "suspend"),
        ({"guardian": False}, "guardian alive", "no guardian", "chaosctl guardian"),
        ({"hindered": ("no Jobs",), "job": ("a",)}, "guardian alive", "died: no Jobs", "--guardian none"),
        (
            {"guardian": False, "hindered": ("no Jobs",), "job": ("a",)},
            "guardian alive",
            "no guardian is alive; no Jobs",
            "chaosctl guardian",
        ),
    ],
)
def test_a_reason_to_refuse_is_named_with_its_remedy(changes, guard, what, remedy):
    found = refused(facts(**changes))[guard]

    assert what in found
    assert remedy in found


@pytest.mark.parametrize("name", sorted({name for guard in GUARDS for name in guard.reads}))
def test_what_could_not_be_found_out_forbids(name):
    found = refused(facts(unknown={name: "403 no permission"}))

    assert [text for text in found.values() if text == "cannot be checked: 403 no permission"]
    assert set(found) == {guard.name for guard in GUARDS if name in guard.reads}


def test_facts_grow_old():
    assert refused(facts(), now=EPOCH + FRESH_FOR) == {}
    assert list(refused(facts(), now=EPOCH + FRESH_FOR + timedelta(seconds=1))) == ["facts fresh"]


def test_entries_that_touch_one_path_may_follow_each_other():
    def apart(pause, *, written_last_first=False):
        entries = (entry("a", 0), entry("b", pause))[:: -1 if written_last_first else 1]
        both = script(entries=entries, set_up=timedelta(seconds=15))
        return refused(facts(plans={"a": scales(), "b": scales()}), of=both)

    assert apart(21) == {}
    assert (
        set(apart(19)) == set(apart(19, written_last_first=True)) == {"entries apart"}
    )  # setting up may take its time before the hold


def test_the_same_path_of_another_object_is_another_path():
    other = Ref(kind="Deployment", namespace="models", name="other")

    assert refused(facts(plans={"a": scales(), "b": scales(ref=other)})) == {}
    assert refused(facts(plans={"a": scales("/spec/replicasets"), "b": scales()})) == {}


def test_an_outage_that_is_wanted_is_not_refused():
    wanted = SCRIPT.model_copy(update={"allow_outage": True})

    assert refused(facts(doomed={"a": 3}), of=wanted) == {}


def test_the_only_replica_is_never_taken_away():
    alone = facts(target=view(replicas=1, ready=1), pods=1, doomed={"a": 1})

    assert "replicas left" in refused(alone)


def test_whoever_accepts_the_risk_needs_no_guardian():
    assert refused(facts(guarded=False, guardian=False)) == {}


@pytest.mark.parametrize("times", [{"hold": 0}, {"hold": -1}])
def test_an_entry_whose_deadline_is_over_before_it_begins_is_refused(times):
    assert "deadlines ahead" in refused(facts(plans={}), of=script(entries=(entry("a", 0, **times),)))


def test_guards_answer_in_one_order_and_each_has_a_name_of_its_own():
    names = [finding.guard for finding in refusals(facts(), SCRIPT, EPOCH)]

    assert names == ["facts fresh", *(guard.name for guard in GUARDS)]
    assert len(set(names)) == len(names)


def test_a_target_that_does_not_exist_is_one_reason_not_many():
    gone = dict.fromkeys(("pods", "plans", "doomed", "lacking", "fought"), "the target does not exist")
    found = refusals(facts(target=None, unknown=gone), SCRIPT, EPOCH)
    assert [finding.guard for finding in found if finding.refusal] == ["target exists"]
