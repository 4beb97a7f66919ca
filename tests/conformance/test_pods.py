"""Pods: what can be seen of one that starts, runs, ends, crashes, or never gets that far."""

import pytest

from conformance.api import refused
from conformance.bodies import IMAGE, MISSING, config_map, container, pod, shell
from conformance.differences import differs
from conformance.looks import condition, is_ready, main_status, phase, waits_for


def test_a_running_pod_tells_everything_that_clients_read(space):
    space.create("pods", pod("a"))
    body = space.until("pods", "a", is_ready)
    status = body["status"]
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    wanted = {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"}
    assert conditions == dict.fromkeys(wanted, "True")
    assert status.keys() >= {"phase", "hostIP", "podIP", "podIPs", "hostIPs", "startTime", "qosClass"}
    assert (status["phase"], status["podIPs"]) == ("Running", [{"ip": status["podIP"]}])
    main = main_status(body)
    assert (main["name"], main["image"], main["ready"], main["started"], main["restartCount"]) == (
        "main",
        IMAGE,
        True,
        True,
        0,
    )
    assert main.keys() >= {"containerID", "imageID"}
    assert list(main["state"]) == ["running"]
    assert main["lastState"] == {}
    assert body["spec"]["nodeName"]


def test_people_are_told_of_each_step(space):
    space.create("pods", pod("a"))
    space.until("pods", "a", is_ready)
    found = space.items("events", fieldSelector="involvedObject.name=a")
    assert {each["reason"] for each in found} == {"Scheduled", "Pulled", "Created", "Started"}
    assert {each["type"] for each in found} == {"Normal"}


def test_a_pod_that_fits_nowhere_waits_and_says_why(space):
    space.create("pods", pod("a", nodeSelector={"no": "such"}))
    body = space.until("pods", "a", lambda body: condition(body, "PodScheduled"))
    told = condition(body, "PodScheduled")
    assert (body["status"]["phase"], told["status"], told["reason"]) == ("Pending", "False", "Unschedulable")
    assert told["message"].startswith("0/")
    assert "didn't match Pod's node affinity/selector" in told["message"]


def test_a_pod_that_asks_for_too_much_waits_and_says_why(space):
    space.create("pods", pod("a", container(resources={"requests": {"cpu": "1000"}})))
    body = space.until("pods", "a", lambda body: condition(body, "PodScheduled"))
    assert "Insufficient cpu" in condition(body, "PodScheduled")["message"]


def test_a_crashing_container_restarts_and_backs_off(space):
    space.create("pods", pod("a", shell("echo down; exit 3")))
    body = space.until("pods", "a", lambda body: waits_for(body) == "CrashLoopBackOff")
    main = main_status(body)
    assert main["restartCount"] >= 1
    assert main["lastState"]["terminated"]["exitCode"] == 3
    assert main["lastState"]["terminated"]["reason"] == "Error"
    assert main["lastState"]["terminated"].keys() >= {"startedAt", "finishedAt", "containerID"}
    assert main["state"]["waiting"]["message"].startswith("back-off ")
    assert f"restarting failed container=main pod=a_{space.name}(" in main["state"]["waiting"]["message"]
    assert (body["status"]["phase"], main["ready"], main["started"]) == ("Running", False, False)
    told = condition(body, "Ready")
    assert (told["reason"], told["message"]) == (
        "ContainersNotReady",
        "containers with unready status: [main]",
    )
    reasons = {
        each["reason"] for each in space.items("events", fieldSelector="involvedObject.name=a,type=Warning")
    }
    assert reasons == {"BackOff"}


@pytest.mark.parametrize(
    ("script", "wanted", "code", "reason"),
    [("true", "Succeeded", 0, "Completed"), ("exit 7", "Failed", 7, "Error")],
)
def test_a_pod_that_ends_for_good_says_how(space, script, wanted, code, reason):
    space.create("pods", pod("a", shell(script), restartPolicy="Never"))
    body = space.until("pods", "a", phase(wanted))
    ended = main_status(body)["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (code, reason)
    why = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}[wanted]
    assert (condition(body, "Ready")["status"], condition(body, "Ready")["reason"]) == ("False", why)


def test_on_failure_restarts_only_failures(space):
    """The first start fails, the second does not."""
    script = 'if [ -e "${TMPDIR:-/data}/again" ]; then exit 0; fi; touch "${TMPDIR:-/data}/again"; exit 1'
    data = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volumes = [{"name": "data", "emptyDir": {}}]
    space.create("pods", pod("a", shell(script, **data), restartPolicy="OnFailure", volumes=volumes))
    body = space.until("pods", "a", phase("Succeeded"))
    assert main_status(body)["restartCount"] == 1


def test_a_bad_image_is_pulled_again_and_again(space):
    image = MISSING
    space.create("pods", pod("a", {"name": "main", "image": image}))
    body = space.until("pods", "a", lambda body: waits_for(body) == "ErrImagePull")
    assert image in main_status(body)["state"]["waiting"]["message"]
    body = space.until("pods", "a", lambda body: waits_for(body) == "ImagePullBackOff")
    assert main_status(body)["state"]["waiting"]["message"].startswith(
        f'Back-off pulling image "{image}": ErrImagePull: '
    )
    assert (body["status"]["phase"], main_status(body)["imageID"]) == ("Pending", "")


def test_an_image_that_must_be_there_is_not_pulled(space):
    space.create("pods", pod("a", {"name": "main", "image": MISSING, "imagePullPolicy": "Never"}))
    body = space.until("pods", "a", lambda body: waits_for(body) == "ErrImageNeverPull")
    text = f'Container image "{MISSING}" is not present with pull policy of Never'
    assert main_status(body)["state"]["waiting"]["message"] == text


def test_an_image_whose_name_is_none_is_not_pulled(space):
    space.create("pods", pod("a", {"name": "main", "image": "Not An Image"}))
    space.until("pods", "a", lambda body: waits_for(body) == "InvalidImageName")


def test_a_command_that_is_not_there_is_a_start_error(space):
    space.create("pods", pod("a", container(command=["/no/such"]), restartPolicy="Never"))
    body = space.until("pods", "a", phase("Failed"))
    ended = main_status(body)["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "no such file or directory" in ended["message"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        (
            {"configMapKeyRef": {"name": "there", "key": "none"}},
            "couldn't find key none in ConfigMap {}/there",
        ),
    ],
)
def test_a_variable_from_nowhere_is_a_config_error(space, source, message):
    space.create("configmaps", config_map("there", k="v"))
    space.create("pods", pod("a", container(env=[{"name": "V", "valueFrom": source}])))
    body = space.until("pods", "a", lambda body: waits_for(body) == "CreateContainerConfigError")
    assert main_status(body)["state"]["waiting"]["message"] == message.format(space.name)


def test_a_pod_starts_once_what_it_refers_to_is_there(space):
    source = {"configMapKeyRef": {"name": "late", "key": "k"}}
    space.create("pods", pod("a", container(env=[{"name": "V", "valueFrom": source}])))
    space.until("pods", "a", lambda body: waits_for(body) == "CreateContainerConfigError")
    space.create("configmaps", config_map("late", k="v"))
    space.until("pods", "a", is_ready)


def test_a_volume_from_nowhere_keeps_the_container_waiting(space):
    body = pod("a", container(), volumes=[{"name": "v", "configMap": {"name": "none"}}])
    body["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    space.create("pods", body)
    waiting = space.until("pods", "a", waits_for)
    assert waits_for(waiting) == "ContainerCreating"
    space.create("configmaps", config_map("none", k="v"))
    space.until("pods", "a", is_ready)


def test_init_containers_run_in_order_and_before_the_others(space):
    first, second = ({**shell(f"echo {each}"), "name": each} for each in ("first", "second"))
    space.create("pods", pod("a", initContainers=[first, second]))
    body = space.until("pods", "a", is_ready)
    statuses = body["status"]["initContainerStatuses"]
    assert [each["name"] for each in statuses] == ["first", "second"]
    ended = [each["state"]["terminated"] for each in statuses]
    assert [each["reason"] for each in ended] == ["Completed", "Completed"]
    assert ended[0]["finishedAt"] <= ended[1]["startedAt"]


def test_an_init_container_that_fails_holds_the_others_back(space):
    space.create("pods", pod("a", initContainers=[{**shell("exit 1"), "name": "setup"}]))

    def loops(body):
        statuses = body["status"].get("initContainerStatuses") or [{"state": {}}]
        return statuses[0]["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"

    body = space.until("pods", "a", loops)
    assert (body["status"]["phase"], waits_for(body)) == ("Pending", "PodInitializing")
    told = condition(body, "Initialized")
    assert (told["status"], told["reason"]) == ("False", "ContainersNotInitialized")
    assert told["message"] == "containers with incomplete status: [setup]"


def test_a_pod_whose_init_container_fails_for_good_fails(space):
    space.create(
        "pods", pod("a", initContainers=[{**shell("exit 1"), "name": "setup"}], restartPolicy="Never")
    )
    space.until("pods", "a", phase("Failed"))


def test_a_pods_image_can_be_changed_and_its_container_starts_again(space):
    space.create("pods", pod("a"))
    space.until("pods", "a", is_ready)
    patch = {"spec": {"containers": [{"name": "main", "image": MISSING}]}}
    space.patch("pods", "a", patch, "strategic")
    body = space.until("pods", "a", lambda body: waits_for(body) in {"ErrImagePull", "ImagePullBackOff"})
    assert main_status(body)["restartCount"] in {0, 1}


def test_two_containers_are_ready_together(space):
    sick = {**shell("sleep 0.5; exit 1"), "name": "side"}
    space.create("pods", pod("a", container(), sick))
    body = space.until(
        "pods",
        "a",
        lambda body: body["status"].get("containerStatuses", [{}])[-1].get("restartCount", 0) >= 1,
    )
    told = space.until("pods", "a", lambda body: condition(body, "Ready").get("status") == "False")
    assert condition(told, "Ready")["message"] == "containers with unready status: [side]"
    assert [each["name"] for each in body["status"]["containerStatuses"]] == ["main", "side"]


@differs("pods are processes of the machine; nobody can get into one", real=400, sandbox=501)
def test_exec_needs_a_connection_of_its_own(space, expected):
    space.create("pods", pod("a"))
    space.until("pods", "a", is_ready)
    with refused(expected):
        space.api.ask("GET", space.path("pods", "a", "exec"), command="true")


def test_a_pod_takes_over_where_its_node_is(space, cluster):
    space.create("pods", pod("a"))
    body = space.until("pods", "a", is_ready)
    node = cluster.get("nodes", body["spec"]["nodeName"])["metadata"]["labels"]
    zone = "topology.kubernetes.io/zone"
    assert body["metadata"]["labels"][zone] == node[zone]
