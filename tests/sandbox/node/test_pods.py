"""Pods as processes: what people see of one that starts, crashes, hangs, eats memory or is deleted."""

import os
import re
import signal
from pathlib import Path

import pytest
from sandbox.node.lab import Json, Lab, container, get, is_ready, pod, poll, ready_probe, until_refused


def main_status(lab: Lab, name: str) -> Json:
    statuses = lab.status("pods", name).get("containerStatuses") or [{"state": {}, "lastState": {}}]
    return statuses[0]


def waiting_for(lab: Lab, name: str) -> str:
    return (main_status(lab, name)["state"].get("waiting") or {}).get("reason", "")


async def test_a_pod_serves_at_its_own_address(lab: Lab):
    for name in ("one", "two"):
        lab.create("pods", pod(name, readinessProbe=ready_probe()))
    await lab.until(lambda: len(lab.running()) == 2)
    addresses = {lab.status("pods", name)["podIP"] for name in ("one", "two")}
    assert {await get(address, 8080) for address in addresses} == {f"v1 {each}" for each in addresses}
    assert len(addresses) == 2


async def test_a_running_pod_tells_everything_that_clients_read(lab: Lab):
    lab.create("pods", pod("one", readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("one"))
    status = lab.status("pods", "one")
    conditions = {c["type"]: c["status"] for c in status["conditions"]}
    wanted = {"PodScheduled", "Initialized", "ContainersReady", "Ready", "PodReadyToStartContainers"}
    assert conditions == dict.fromkeys(wanted, "True")
    main = status["containerStatuses"][0]
    assert main["imageID"].startswith("test/server@sha256:")
    assert main["ready"]
    assert main["started"]
    assert (status["phase"], main["restartCount"]) == ("Running", 0)
    assert {"Scheduled", "Pulled", "Created", "Started"} <= lab.reasons("one")


async def test_a_crashing_container_restarts_with_growing_pauses(lab: Lab):
    lab.create("pods", pod("bad", "test/crash:1"))
    await lab.until(lambda: waiting_for(lab, "bad") == "CrashLoopBackOff")
    main = main_status(lab, "bad")
    assert main["lastState"]["terminated"]["exitCode"] == 3
    assert main["lastState"]["terminated"]["reason"] == "Error"
    await lab.until(lambda: main_status(lab, "bad")["restartCount"] >= 3)
    assert lab.status("pods", "bad")["phase"] == "Running"
    assert "BackOff" in lab.reasons("bad")


async def test_the_pause_doubles_up_to_its_cap():
    from chaosctl.sandbox.controllers.backoff import BackOff

    pauses = [BackOff(10, 300).pause(failures) for failures in range(1, 8)]
    assert pauses == [10, 20, 40, 80, 160, 300, 300]


async def test_an_unknown_image_is_refused_and_then_backed_off(lab: Lab):
    seen: set[str] = set()
    lab.create("pods", pod("bad", "registry.example/nothing:1"))

    def note() -> bool:
        seen.add(waiting_for(lab, "bad"))
        return {"ErrImagePull", "ImagePullBackOff"} <= seen

    await lab.until(note)
    assert lab.status("pods", "bad")["phase"] == "Pending"
    messages = [e["message"] for e in lab.all("events") if e["reason"] == "Failed"]
    assert any("registry.example/nothing:1: not found" in message for message in messages)


async def test_an_image_that_must_be_present_is_not_pulled(lab: Lab):
    lab.create("pods", pod("bad", "nothing:1", imagePullPolicy="Never"))
    await lab.until(lambda: waiting_for(lab, "bad") in {"ErrImageNeverPull", "ImagePullBackOff"})
    assert "ErrImageNeverPull" in lab.reasons("bad")


async def test_a_command_that_does_not_exist_is_a_start_error(lab: Lab):
    lab.create("pods", pod("bad", command=["/no/such/program"], spec={"restartPolicy": "Never"}))
    await lab.until(lambda: lab.status("pods", "bad").get("phase") == "Failed")
    ended = main_status(lab, "bad")["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    assert "/no/such/program" in ended["message"]


@pytest.mark.parametrize(
    ("script", "policy", "phase"),
    [("exit 0", "Never", "Succeeded"), ("exit 1", "Never", "Failed"), ("exit 0", "OnFailure", "Succeeded")],
)
async def test_a_pod_that_ends_has_a_phase_that_says_how(lab: Lab, script: str, policy: str, phase: str):
    lab.create("pods", pod("once", "test/shell:1", args=[script], spec={"restartPolicy": policy}))
    await lab.until(lambda: lab.status("pods", "once").get("phase") == phase)
    assert main_status(lab, "once")["restartCount"] == 0


async def test_a_failed_liveness_probe_restarts_the_container(lab: Lab):
    probe = ready_probe("/healthz", failureThreshold=1)
    lab.create(
        "pods", pod("one", readinessProbe=ready_probe(), livenessProbe={**probe, "initialDelaySeconds": 1})
    )
    await lab.until(lambda: lab.running("one"))
    await get(lab.status("pods", "one")["podIP"], 8080, "/fail")
    await lab.until(lambda: main_status(lab, "one")["restartCount"] == 1 and lab.running("one"))
    assert {"Unhealthy", "Killing"} <= lab.reasons("one")


async def test_a_startup_probe_holds_the_other_probes_back(lab: Lab):
    startup = {
        "exec": {"command": ["/bin/sh", "-c", "test -e $GATE"]},
        "periodSeconds": 1,
        "failureThreshold": 30,
    }
    gate = lab.sandbox.folder / "gate"
    env = [{"name": "GATE", "value": str(gate)}]
    lab.create("pods", pod("one", env=env, startupProbe=startup))
    await lab.until(lambda: "Unhealthy" in lab.reasons("one"))
    assert not main_status(lab, "one")["started"]
    assert not is_ready(lab.get("pods", "one"))
    gate.touch()
    await lab.until(lambda: lab.running("one"))
    assert main_status(lab, "one")["started"]


async def test_a_probe_that_the_sandbox_cannot_do_says_so(lab: Lab):
    lab.create("pods", pod("one", readinessProbe={"grpc": {"port": 1}, "periodSeconds": 1}))
    await lab.until(lambda: "Unhealthy" in lab.reasons("one"))
    messages = " ".join(e["message"] for e in lab.all("events"))
    assert "httpGet, tcpSocket and exec probes only" in messages


async def test_a_tcp_probe_waits_for_the_port(lab: Lab):
    lab.create("pods", pod("one", readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1}))
    await lab.until(lambda: lab.running("one"))


async def test_a_container_over_its_memory_limit_is_killed(lab: Lab):
    eat = "import time; hog = bytearray(120 * 2**20); time.sleep(600)"
    limits = {"limits": {"memory": "64Mi"}}
    python = ["python3", "-I", "-S", "-c", eat]
    lab.create("pods", pod("fat", command=python, resources=limits, spec={"restartPolicy": "Never"}))
    await lab.until(lambda: lab.status("pods", "fat").get("phase") == "Failed")
    ended = main_status(lab, "fat")["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


async def test_deletion_is_graceful_and_ends_in_nothing(lab: Lab):
    lab.create("pods", pod("one", readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("one"))
    lab.delete("pods", "one")
    assert lab.get("pods", "one")["metadata"]["deletionGracePeriodSeconds"] == 2
    await lab.until(lambda: lab.find("pods", "one") is None)
    assert "Killing" in lab.reasons("one")
    await poll(lambda: not list((lab.sandbox.folder / "pods").iterdir()), "the pod's folder is gone")


async def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_period(lab: Lab):
    lab.create("pods", pod("one", env=[{"name": "STUBBORN", "value": "1"}], readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("one"))
    address = lab.status("pods", "one")["podIP"]
    lab.delete("pods", "one", grace_seconds=1)
    assert await get(address, 8080) == f"v1 {address}"  # it still serves what reaches it
    await lab.until(lambda: lab.find("pods", "one") is None)
    with pytest.raises(ConnectionError):
        await get(address, 8080)


async def test_a_forced_deletion_takes_the_object_and_the_process_at_once(lab: Lab):
    lab.create("pods", pod("one", readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("one"))
    address = lab.status("pods", "one")["podIP"]
    lab.delete("pods", "one", grace_seconds=0)
    assert lab.find("pods", "one") is None
    await until_refused(address, 8080)


async def test_the_environment_comes_from_the_spec_alone(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_OF_THE_SANDBOX", "1")
    lab.create("configmaps", {"metadata": {"name": "config"}, "data": {"A": "from map", "B": "b"}})
    lab.create("secrets", {"metadata": {"name": "secret"}, "stringData": {"KEY": "s3cret"}})
    env = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "B"}}},
        {"name": "HIDDEN", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "KEY"}}},
        {"name": "TEXT", "value": "$(NAME) $(UNKNOWN) $$(NAME)"},
    ]
    source = [{"configMapRef": {"name": "config"}, "prefix": "X_"}]
    lab.create(
        "pods",
        pod("one", "test/shell:1", args=["env; sleep 600"], env=env, envFrom=source),
    )
    await lab.until(lambda: lab.running("one"))
    address = lab.status("pods", "one")["podIP"]
    await poll(lambda: "PWD=" in log_of(lab, "one"), "env has printed")
    lines = log_of(lab, "one").splitlines()
    assert {
        "NAME=one",
        "LABEL=one",
        f"ADDRESS={address}",
        f"POD_IP={address}",
        "ONE=b",
        "HIDDEN=s3cret",
        "TEXT=one $(UNKNOWN) $(NAME)",
        "X_A=from map",
    } <= set(lines)
    assert not any("SECRET_OF_THE_SANDBOX" in line for line in lines)


def log_of(lab: Lab, name: str) -> str:
    logs = (lab.sandbox.folder / "pods").glob(f"default_{name}_*/logs/main/*.log")
    return "".join(log.read_text() for log in sorted(logs))


async def test_a_container_waits_for_the_config_it_refers_to(lab: Lab):
    env = [{"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "A"}}}]
    lab.create("pods", pod("one", env=env))
    await lab.until(lambda: waiting_for(lab, "one") == "CreateContainerConfigError")
    assert main_status(lab, "one")["state"]["waiting"]["message"] == 'configmap "late" not found'
    lab.create("configmaps", {"metadata": {"name": "late"}, "data": {"A": "a"}})
    await lab.until(lambda: lab.running("one"))


async def test_volumes_are_folders_that_the_environment_names(lab: Lab):
    lab.create("configmaps", {"metadata": {"name": "config"}, "data": {"a.txt": "hello"}})
    volumes = {"volumes": [{"name": "the-config", "configMap": {"name": "config"}}]}
    script = "cat $CHAOSCTL_VOLUME_THE_CONFIG/a.txt; sleep 600"
    lab.create("pods", pod("one", "test/shell:1", args=[script], spec=volumes))
    await poll(lambda: log_of(lab, "one") == "hello", "the file was there")


async def test_init_containers_run_before_the_others(lab: Lab):
    first = {"name": "first", "image": "test/shell:1", "args": ["echo first >> $HOME/order"]}
    second = container("test/shell:1", args=["echo second >> $HOME/order; cat $HOME/order; sleep 600"])
    body = pod("one")
    body["spec"] |= {"initContainers": [first], "containers": [second]}
    lab.create("pods", body)
    await lab.until(lambda: lab.running("one"))
    await poll(lambda: log_of(lab, "one") == "first\nsecond\n", "in order")


async def test_a_failed_init_container_fails_a_pod_that_may_not_restart(lab: Lab):
    first = {"name": "first", "image": "test/shell:1", "args": ["exit 4"]}
    body = pod("one", spec={"restartPolicy": "Never"})
    body["spec"] |= {"initContainers": [first]}
    lab.create("pods", body)
    await lab.until(lambda: lab.status("pods", "one").get("phase") == "Failed")
    assert lab.status("pods", "one")["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 4


async def test_a_pod_waits_for_the_volume_it_refers_to(lab: Lab):
    volumes = {"volumes": [{"name": "late", "configMap": {"name": "late"}}]}
    lab.create("pods", pod("one", spec=volumes))
    await lab.until(lambda: "FailedMount" in lab.reasons("one"))
    lab.create("configmaps", {"metadata": {"name": "late"}, "data": {"A": "a"}})
    await lab.until(lambda: lab.running("one"))


async def test_a_working_directory_that_is_not_there_is_a_start_error(lab: Lab):
    lab.create("pods", pod("bad", workingDir="/no/such/folder", spec={"restartPolicy": "Never"}))
    await lab.until(lambda: lab.status("pods", "bad").get("phase") == "Failed")
    assert "/no/such/folder" in main_status(lab, "bad")["state"]["terminated"]["message"]


async def test_a_second_deletion_can_shorten_the_grace_period(lab: Lab):
    stubborn = [{"name": "STUBBORN", "value": "1"}]
    lab.create("pods", pod("one", env=stubborn, readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("one"))
    lab.delete("pods", "one", grace_seconds=600)
    lab.delete("pods", "one", grace_seconds=1)
    await lab.until(lambda: lab.find("pods", "one") is None)


async def test_every_container_of_a_pod_counts(lab: Lab):
    side = {"name": "side", "image": "test/shell:1", "args": ["sleep 600"]}
    body = pod("one", readinessProbe=ready_probe())
    body["spec"]["containers"].append(side)
    lab.create("pods", body)
    await lab.until(lambda: lab.running("one"))
    assert [each["name"] for each in lab.status("pods", "one")["containerStatuses"]] == ["main", "side"]


async def test_a_startup_probe_that_never_passes_restarts_the_container(lab: Lab):
    startup = {"exec": {"command": ["/bin/false"]}, "periodSeconds": 1, "failureThreshold": 1}
    lab.create("pods", pod("one", startupProbe=startup))
    await lab.until(lambda: main_status(lab, "one").get("restartCount") == 1)
    assert "Killing" in lab.reasons("one")


async def test_another_image_restarts_the_container_in_place(lab: Lab):
    lab.create("pods", pod("one", readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("one"))
    address = lab.status("pods", "one")["podIP"]
    lab.edit("pods", "one", lambda body: body["spec"]["containers"][0].update(image="test/server:v2"))
    await lab.until(lambda: main_status(lab, "one")["restartCount"] == 1 and lab.running("one"))
    assert await get(address, 8080) == f"v2 {address}"


async def test_what_a_pod_forked_dies_with_it(lab: Lab):
    lab.create("pods", pod("one", "test/shell:1", args=["sleep 611 & echo $!; wait"]))
    await poll(lambda: log_of(lab, "one").strip(), "it has told its child's number")
    child = int(log_of(lab, "one"))
    lab.delete("pods", "one", grace_seconds=0)
    await poll(lambda: not alive(child), "the child is gone")


async def test_a_killed_process_is_seen_and_started_again(lab: Lab):
    lab.create("pods", pod("one", "test/shell:1", args=["echo $$$$; exec sleep 600"]))
    await poll(lambda: log_of(lab, "one").strip(), "it runs")
    os.kill(int(log_of(lab, "one")), signal.SIGKILL)
    await lab.until(lambda: main_status(lab, "one")["restartCount"] == 1)
    assert main_status(lab, "one")["lastState"]["terminated"]["exitCode"] == 137


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except OSError:
        return False


async def test_a_failure_is_told_by_the_last_words_of_the_log_where_the_spec_wants_it(lab: Lab):
    wanted = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    lab.create("pods", pod("told", "test/crash:1", **wanted))
    lab.create("pods", pod("silent", "test/crash:1"))
    for name in ("told", "silent"):
        await lab.until(lambda name=name: main_status(lab, name)["lastState"].get("terminated"))

    said = {
        name: main_status(lab, name)["lastState"]["terminated"].get("message") for name in ("told", "silent")
    }
    assert said == {"told": "going down\n", "silent": None}


async def test_a_pod_has_the_rights_of_its_service_account(lab: Lab):
    shown = ["cat ${KUBECONFIG:-/dev/null}; echo over; exec sleep 60"]
    lab.create("pods", pod("robot", "test/shell:1", args=shown, spec={"serviceAccountName": "robot"}))
    bare = {"automountServiceAccountToken": False}
    lab.create("pods", pod("bare", "test/shell:1", args=shown, spec=bare))
    for name in ("robot", "bare"):
        await poll(lambda name=name: "over" in log_of(lab, name), f"{name} has printed")

    (token,) = re.findall(r"/t/(\S+)", log_of(lab, "robot"))
    assert lab.sandbox.server.identities.of(token).user == "system:serviceaccount:default:robot"
    assert log_of(lab, "bare") == "over\n"
