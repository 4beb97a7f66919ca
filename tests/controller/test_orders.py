"""Why: whoever may create a Run in one namespace must not act elsewhere, and must be told what is wrong."""

import re

import pytest
from controller.objects import PLAYBOOK, TARGET, drill, playbook, run

from chaosctl.catalog import installed
from chaosctl.catalog.objects import run_of
from chaosctl.controller.orders import Rules, scripts
from chaosctl.errors import Invalid
from chaosctl.testing import FakeCluster, in_virtual_time

RULES = Rules(installed(), frozenset({"prometheus.monitoring.svc"}))


def read(asked, *objects, seed=7):
    cluster = FakeCluster(*objects)
    return in_virtual_time(scripts(run_of(asked), "models", seed, cluster, RULES))


def refused(asked, *objects):
    with pytest.raises(Invalid) as error:
        read(asked, *objects)
    return str(error.value)


def probing(**probe):
    checks = [{"probe": "it", "max": 1}]
    return playbook(probes={"it": probe}, steadyState=checks)


def test_a_run_names_a_playbook_of_its_namespace_and_a_target():
    (script,) = read(run(), playbook())

    assert (script.playbook, str(script.target), script.seed) == ("shrink", "models/ranker", 7)
    assert script.digest.startswith("sha256:")


def test_a_playbook_that_the_namespace_lacks_comes_from_the_library_and_its_own_comes_first():
    asked = run(playbook={"name": "noop"}, target=TARGET)

    assert read(asked)[0].summary != PLAYBOOK["summary"]
    assert read(asked, playbook("noop"))[0].summary == PLAYBOOK["summary"]


def test_a_drill_names_several_which_run_in_its_order_with_its_parameters():
    weekly = drill("noop", {"name": "pod-kill"}, "shrink")
    found = read(run(drill="weekly", seed=3), weekly, playbook())

    assert [one.playbook for one in found] == ["noop", "pod-kill", "shrink"]
    assert {one.seed for one in found} == {3}


def test_a_parameter_that_the_api_server_made_a_number_of_is_the_text_that_was_written():
    shrink = playbook(
        parameters={"left": {"description": "replicas that stay", "default": "2"}},
        timeline=[{"at": "1s", "inject": {"kind": "scale-down", "replicas": "${left}"}, "hold": "2s"}],
    )
    asked = run(playbook={"name": "shrink", "parameters": {"left": 1}}, target=TARGET)

    assert read(asked, shrink)[0].entries[0].fault["replicas"] == 1


@pytest.mark.parametrize(
    ("asked", "objects", "said"),
    [
        (run(drill="monthly"), [], ('no Drill "monthly" in namespace models', "kubectl get drills")),
        (run(drill="weekly"), [drill("podkill")], ('no Playbook is called "podkill"', 'mean "pod-kill"')),
        (run(drill="weekly"), [drill({"file": "a.yaml"})], ("a.yaml", "a cluster has no files")),
        (run(playbook={"name": "/etc/passwd"}, target=TARGET), [], ("no Playbook is called",)),
        (run(playbook={"name": "../drills/release-gate"}, target=TARGET), [], ("no Playbook is called",)),
        (
            run(playbook={"name": "noop", "parameters": {"x": "1"}}, target=TARGET),
            [],
            ('unknown parameter "x"',),
        ),
        (run(), [playbook(expect=[{"clock": "recover"}])], ("Playbook models/shrink: spec.expect[0]",)),
        (
            run(),
            [playbook(timeline=[{"at": "1s", "inject": {"kind": "scaledown"}}])],
            ("spec.timeline[0].inject.kind", 'unknown fault "scaledown"', 'mean "scale-down"'),
        ),
        (
            run(),
            [playbook(workload={"requests": {"file": "rows.jsonl"}, "arrival": {"rate": "5/s"}})],
            ("spec.workload.requests.file", "a cluster has no files", "corpus: golden"),
        ),
    ],
)
def test_what_cannot_be_run_says_what_where_and_what_to_do_without_a_line(asked, objects, said):
    text = refused(asked, *objects)

    assert [part for part in said if part not in text] == [], text
    assert not re.search(r":\d+:\d+", text)
    assert "\n" not in text


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            {"namespace": "payments"},
            "payments is not models: a Run reaches only targets of its own namespace",
        ),
        ({"context": "production"}, "a Run is for its own cluster"),
        ({"url": "http://ranker.payments.svc:8080"}, "ranker.payments.svc is no Service of namespace models"),
        ({"url": "http://169.254.169.254/latest"}, "--allow-host 169.254.169.254"),
        ({"url": "http://evil.models/"}, "evil.models is no Service"),
        ({"url": "http://ranker.models.svc.evil.example/"}, "is no Service"),
        ({"url": "http://ranker.models.svc@evil.example/"}, "evil.example is no Service"),
    ],
)
def test_a_run_cannot_reach_beyond_its_namespace_by_its_target(target, said):
    assert said in refused(run(playbook={"name": "noop"}, target={**TARGET, **target}))
    assert said in refused(run(drill="weekly"), drill(target={**TARGET, **target}))


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (
            {"kind": "http", "url": "http://x.models.svc/", "headers": {"token": {"env": "CHAOSCTL_STORE"}}},
            "headers.token: the environment is the controller's own",
        ),
        ({"kind": "http", "url": "http://internal.payments.svc/"}, "is no Service of namespace models"),
        ({"kind": "prometheus", "url": "http://other.monitoring.svc", "query": "up"}, "--allow-host other"),
    ],
)
def test_a_run_cannot_reach_beyond_its_namespace_by_what_it_measures(probe, said):
    assert said in refused(run(), probing(**probe))


@pytest.mark.parametrize(
    "probe",
    [
        {"kind": "http", "url": "http://x.models.svc/", "headers": {"a": "b"}},
        {"kind": "http", "url": "https://x.models.svc.cluster.local:8443/"},
        {"kind": "prometheus", "url": "http://prometheus.monitoring.svc", "query": "up"},
    ],
)
def test_services_of_the_namespace_and_hosts_that_the_operator_allows_may_be_asked(probe):
    assert read(run(), probing(**probe))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"abort": "x"}, 'say either "drill" or "playbook"'),
        ({"drill": "weekly", "playbook": {"name": "noop"}, "target": TARGET}, "say either"),
        ({"playbook": {"name": "noop"}}, "belong together"),
        ({"drill": "weekly", "sed": 1}, 'did you mean "seed"'),
        (
            {"playbook": {"name": "noop"}, "target": {"namespace": "models", "workload": "ranker"}},
            "KIND/NAME",
        ),
    ],
)
def test_a_run_that_is_wrong_itself_says_so(spec, said):
    with pytest.raises(Invalid, match="Run models/first") as error:
        run_of(run(**spec))
    assert said in str(error.value)


def windowed(**windows):
    return drill("noop", schedule={"cron": "0 10 * * 2", "timezone": "Europe/Berlin"}, windows=windows)


def test_a_drill_s_windows_hold_for_all_of_its_runs_in_the_zone_of_its_schedule():
    (script,) = read(run(drill="weekly"), windowed(only=["Mon-Thu 09:00-16:00"]))

    assert (str(script.windows.only[0]), script.windows.timezone) == ("Mon-Thu 09:00-16:00", "Europe/Berlin")


def test_a_blackout_in_a_file_is_refused_as_a_cluster_has_none():
    said = refused(run(drill="weekly"), windowed(blackout="change-freeze.ics"))

    assert said.startswith('spec.windows.blackout: the blackout "change-freeze.ics" is a file')
    assert "put it into a ConfigMap" in said
