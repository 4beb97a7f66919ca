"""Deleting pods: gracefully, by force, and what a process gets to hear of it."""

import re

import pytest

from conformance.api import poll
from conformance.bodies import MISSING, STUBBORN, container, pod, ready_when, shell
from conformance.differences import differs
from conformance.looks import condition, is_ready, main_status

FOREVER = "while :; do sleep 0.1; done"


def stubborn(space, grace):
    space.create("pods", pod("a", shell(STUBBORN), terminationGracePeriodSeconds=grace))
    space.until("pods", "a", is_ready)
    poll(lambda: space.log("a") == "up\n", "it is up, and deaf")


def test_a_process_hears_sigterm_and_may_end_by_itself(space):
    script = f"trap 'echo heard; exit 0' TERM; echo up; {FOREVER}"
    space.create("pods", pod("a", shell(script), terminationGracePeriodSeconds=60))
    space.until("pods", "a", is_ready)
    poll(lambda: space.log("a") == "up\n", "it is up")
    version = space.list("pods")["metadata"]["resourceVersion"]
    space.delete("pods", "a")
    space.until_gone("pods", "a")
    with space.watch("pods", resourceVersion=version, timeoutSeconds=1) as events:
        ended = [main_status(event.object).get("state", {}).get("terminated") for event in events]
    assert [each["exitCode"] for each in ended if each][-1:] == [0]


def test_a_process_that_does_not_listen_is_killed_after_its_grace(space):
    stubborn(space, 2)
    version = space.list("pods")["metadata"]["resourceVersion"]
    space.delete("pods", "a")
    going = space.get("pods", "a")["metadata"]
    assert going["deletionGracePeriodSeconds"] == 2
    space.until_gone("pods", "a")
    with space.watch("pods", resourceVersion=version, timeoutSeconds=1) as events:
        ended = [main_status(event.object).get("state", {}).get("terminated") for event in events]
    assert [each["exitCode"] for each in ended if each][-1:] == [137]


def test_a_pod_that_goes_has_a_time_until_which_it_may_stay(space):
    stubborn(space, 60)
    answer = space.delete("pods", "a")
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 60
    assert answer["metadata"]["deletionTimestamp"] > answer["metadata"]["creationTimestamp"]
    assert answer["status"]["phase"] == "Running"
    later = space.delete("pods", "a", {"gracePeriodSeconds": 90})
    assert later["metadata"]["deletionGracePeriodSeconds"] == 60
    shorter = space.delete("pods", "a", {"gracePeriodSeconds": 1})
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 1
    space.delete("pods", "a", {"gracePeriodSeconds": 0})


def test_by_force_the_object_goes_at_once(space):
    stubborn(space, 60)
    space.delete("pods", "a", {"gracePeriodSeconds": 0})
    assert space.find("pods", "a") is None
    space.create("pods", pod("a"))
    space.until("pods", "a", is_ready)


def test_a_pod_that_waits_for_a_node_goes_at_once(space):
    space.create("pods", pod("a", nodeSelector={"no": "such"}, terminationGracePeriodSeconds=60))
    space.delete("pods", "a")
    assert space.find("pods", "a") is None


def test_a_pod_that_has_ended_goes_at_once(space):
    space.create("pods", pod("a", shell("true"), restartPolicy="Never", terminationGracePeriodSeconds=60))
    space.until("pods", "a", lambda body: body["status"]["phase"] == "Succeeded")
    space.delete("pods", "a")
    space.until_gone("pods", "a")


def test_a_finalizer_keeps_the_object_of_a_pod_that_has_ended(space):
    body = pod("a")
    body["metadata"]["finalizers"] = ["x.dev/hold"]
    space.create("pods", body)
    space.until("pods", "a", is_ready)
    space.delete("pods", "a")

    def ended(body):
        return "terminated" in main_status(body).get("state", {})

    kept = space.until("pods", "a", ended)
    assert "deletionTimestamp" in kept["metadata"]
    space.patch("pods", "a", {"metadata": {"finalizers": None}})
    space.until_gone("pods", "a")


def test_a_pod_that_takes_too_long_fails(space):
    space.create("pods", pod("a", shell(FOREVER), restartPolicy="Never", activeDeadlineSeconds=1))
    body = space.until("pods", "a", lambda body: body["status"]["phase"] == "Failed")
    assert body["status"]["reason"] == "DeadlineExceeded"


# Probes


def test_a_pod_is_ready_when_its_probe_passes(space):
    space.create("pods", pod("a", container(readinessProbe=ready_when("/index.html"))))
    space.until("pods", "a", is_ready)


def test_a_failing_readiness_probe_keeps_a_pod_unready_and_running(space):
    space.create("pods", pod("a", container(readinessProbe=ready_when("/missing"))))
    wanted = "Readiness probe failed: HTTP probe failed with statuscode: 404"

    def told():
        found = space.items("events", fieldSelector="involvedObject.name=a,reason=Unhealthy")
        return any(wanted in each["message"] for each in found)

    poll(told, wanted)
    body = space.get("pods", "a")
    main = main_status(body)
    assert (body["status"]["phase"], main["ready"], main["started"], main["restartCount"]) == (
        "Running",
        False,
        True,
        0,
    )
    assert condition(body, "ContainersReady")["reason"] == "ContainersNotReady"


def test_a_pod_becomes_ready_and_unready_with_its_probe(space):
    check = {
        "exec": {"command": ["/bin/sh", "-c", 'test -e "${TMPDIR:-/tmp}/ready"']},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    script = 'f="${TMPDIR:-/tmp}/ready"; touch "$f"; sleep 4; rm "$f"; while :; do sleep 1; done'
    space.create("pods", pod("a", shell(script, readinessProbe=check)))
    space.until("pods", "a", is_ready)
    body = space.until("pods", "a", lambda body: not is_ready(body))
    assert main_status(body)["restartCount"] == 0


@pytest.mark.parametrize("kind", ["livenessProbe", "startupProbe"])
def test_a_failing_liveness_or_startup_probe_restarts_the_container(space, kind):
    space.create("pods", pod("a", container(**{kind: ready_when("/missing", failureThreshold=1)})))
    body = space.until("pods", "a", lambda body: main_status(body).get("restartCount", 0) >= 1)
    assert body["status"]["phase"] == "Running"
    what = {"livenessProbe": "liveness", "startupProbe": "startup"}[kind]
    found = space.items("events", fieldSelector="involvedObject.name=a,reason=Killing")
    assert f"Container main failed {what} probe, will be restarted" in found[0]["message"]


def test_a_container_has_not_started_before_its_startup_probe_says_so(space):
    check = {
        "exec": {"command": ["/bin/sh", "-c", "sleep 0.1; exit 1"]},
        "periodSeconds": 1,
        "failureThreshold": 30,
    }
    space.create("pods", pod("a", container(startupProbe=check, readinessProbe=ready_when("/index.html"))))
    body = space.until("pods", "a", lambda body: "running" in main_status(body).get("state", {}))
    assert (main_status(body)["started"], main_status(body)["ready"]) == (False, False)


# Logs


def test_logs_are_read_whole_or_in_part(space):
    space.create("pods", pod("a", shell("for i in 1 2 3; do echo line $i; done"), restartPolicy="Never"))
    space.until("pods", "a", lambda body: body["status"]["phase"] == "Succeeded")
    assert space.log("a") == "line 1\nline 2\nline 3\n"
    assert space.log("a", tailLines=1) == "line 3\n"
    assert space.log("a", limitBytes=6) == "line 1"


@differs(
    "processes write their logs into files themselves, so nobody knows the time of a line",
    real=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 1\n",
    sandbox=r"line 1\n",
)
def test_logs_are_read_with_times(space, expected):
    space.create("pods", pod("a", shell("echo line 1"), restartPolicy="Never"))
    space.until("pods", "a", lambda body: body["status"]["phase"] == "Succeeded")
    assert re.fullmatch(expected, space.log("a", timestamps="true"))


def test_logs_of_the_start_before_can_be_read(space):
    script = 'f="${TMPDIR:-/data}/again"; if [ -e "$f" ]; then echo second; sleep 100; fi; touch "$f"; echo first; exit 1'
    data = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    space.create("pods", pod("a", shell(script, **data), volumes=[{"name": "data", "emptyDir": {}}]))
    space.until(
        "pods",
        "a",
        lambda body: main_status(body).get("restartCount") == 1 and "running" in main_status(body)["state"],
    )
    poll(lambda: space.log("a") == "second\n", "the second start writes")
    assert space.log("a", previous="true") == "first\n"


def test_logs_of_a_first_start_have_no_start_before(space):
    space.create("pods", pod("a"))
    space.until("pods", "a", is_ready)
    answer = space.api.send("GET", space.path("pods", "a", "log"), previous="true")
    assert answer.code == 400
    assert answer.json["message"] == 'previous terminated container "main" in pod "a" not found'


def test_logs_of_one_of_two_containers_need_its_name(space):
    one, two = ({**shell(f"echo {each}; {FOREVER}"), "name": each} for each in ("one", "two"))
    space.create("pods", pod("a", one, two))
    space.until("pods", "a", is_ready)
    answer = space.api.send("GET", space.path("pods", "a", "log"))
    assert (answer.code, answer.json["message"]) == (
        400,
        "a container name must be specified for pod a, choose one of: [one two]",
    )
    poll(lambda: space.log("a", container="two") == "two\n", "it writes")
    assert space.api.send("GET", space.path("pods", "a", "log"), container="three").code == 400


def test_logs_of_a_pod_that_has_not_started_are_refused(space):
    space.create("pods", pod("a", {"name": "main", "image": MISSING}))
    space.until(
        "pods",
        "a",
        lambda body: (
            main_status(body).get("state", {}).get("waiting", {}).get("reason")
            in {"ErrImagePull", "ImagePullBackOff"}
        ),
    )
    answer = space.api.send("GET", space.path("pods", "a", "log"))
    assert answer.code == 400
    assert answer.json["message"].startswith('container "main" in pod "a" is waiting to start: ')


def test_logs_are_followed_until_the_container_ends(space):
    space.create("pods", pod("a", shell("echo one; sleep 1; echo two"), restartPolicy="Never"))
    poll(lambda: "one" in space.log("a"), "it writes")
    with space.api.stream(space.path("pods", "a", "log"), follow="true") as response:
        text = b"".join(response.stream(amt=None)).decode()
    assert text == "one\ntwo\n"
