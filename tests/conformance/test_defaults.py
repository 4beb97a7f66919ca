"""Defaults and normal forms: what the server adds to an object, and how it writes what it was given."""

import base64

import pytest

from conformance.bodies import container, deployment, job, pod, service


def stored(shared, resources):
    body = deployment("web", 1, container(resources=resources), paused=True)
    made = shared.create("deployments", body, dryRun="All")
    return made["spec"]["template"]["spec"]["containers"][0]["resources"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0.5", "500m"),
        (1, "1"),
        ("1000m", "1"),
        ("1.5", "1500m"),
        ("0.0005", "1m"),
        ("1e3", "1e3"),
        ("2k", "2k"),
        ("0", "0"),
    ],
)
def test_amounts_of_cpu_are_written_in_normal_form(shared, written, kept):
    assert stored(shared, {"requests": {"cpu": written}}) == {"requests": {"cpu": kept}}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000Mi", "1000Mi"),
        ("1G", "1G"),
        ("1000M", "1G"),
        ("1048576", "1048576"),
        (1048576, "1048576"),
        ("0.5Mi", "512Ki"),
        ("128974848000m", "128974848"),
    ],
)
def test_amounts_of_memory_are_written_in_normal_form(shared, written, kept):
    assert stored(shared, {"requests": {"memory": written}}) == {"requests": {"memory": kept}}


def test_a_template_keeps_limits_without_requests(shared):
    assert stored(shared, {"limits": {"cpu": "1"}}) == {"limits": {"cpu": "1"}}


def test_a_pod_asks_for_what_it_is_limited_to(shared):
    made = shared.create("pods", pod("a", container(resources={"limits": {"cpu": "1"}})), dryRun="All")
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}


@pytest.mark.parametrize(
    ("resources", "expected_class"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1m"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_the_quality_of_service_follows_from_resources(shared, resources, expected_class):
    made = shared.create("pods", pod("a", container(resources=resources)), dryRun="All")
    assert made["status"] == {"phase": "Pending", "qosClass": expected_class}


def test_a_pod_gets_its_defaults(shared):
    body = pod("a")
    del body["spec"]["terminationGracePeriodSeconds"]
    spec = shared.create("pods", body, dryRun="All")["spec"]
    assert {key: spec[key] for key in spec if key not in {"containers", "tolerations", "volumes"}} == {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "serviceAccount": "default",
        "serviceAccountName": "default",
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
    }
    assert [(each["key"], each["tolerationSeconds"]) for each in spec["tolerations"]] == [
        ("node.kubernetes.io/not-ready", 300),
        ("node.kubernetes.io/unreachable", 300),
    ]


def test_a_container_gets_its_defaults(shared):
    body = pod("a", container(ports=[{"containerPort": 80}]), automountServiceAccountToken=False)
    assert shared.create("pods", body, dryRun="All")["spec"]["containers"] == [
        {
            "name": "main",
            "image": "knode.local/web:1",
            "imagePullPolicy": "IfNotPresent",
            "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
    ]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("x", "Always"),
        ("x:latest", "Always"),
        ("x:1", "IfNotPresent"),
        ("h:5000/x", "Always"),
        ("x@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_images_without_a_fixed_tag_are_always_pulled(shared, image, policy):
    made = shared.create("pods", pod("a", {"name": "main", "image": image}), dryRun="All")
    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_probes_get_their_defaults(shared):
    probes = {"readinessProbe": {"httpGet": {"port": 80}}, "livenessProbe": {"tcpSocket": {"port": 80}}}
    made = shared.create("pods", pod("a", container(**probes)), dryRun="All")["spec"]["containers"][0]
    timing = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    assert made["readinessProbe"] == {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, **timing}
    assert made["livenessProbe"] == {"tcpSocket": {"port": 80}, **timing}


def test_volumes_and_field_references_get_their_defaults(shared):
    env = [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    body = pod("a", container(env=env), volumes=[{"name": "v", "configMap": {"name": "c"}}, {"name": "e"}])
    spec = shared.create("pods", body, dryRun="All")["spec"]
    assert spec["volumes"][0] == {"name": "v", "configMap": {"name": "c", "defaultMode": 420}}
    assert spec["volumes"][1] == {"name": "e", "emptyDir": {}}
    assert spec["containers"][0]["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"


def test_a_deployment_gets_its_defaults(shared):
    body = deployment("web")
    del body["spec"]["replicas"]
    spec = shared.create("deployments", body, dryRun="All")["spec"]
    del spec["selector"], spec["template"]
    assert spec == {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
    }


def test_a_template_gets_the_defaults_of_its_pods_but_not_those_of_admission(shared):
    made = shared.create("deployments", deployment("web"), dryRun="All")["spec"]["template"]
    assert made["metadata"] == {"labels": {"app": "web"}}
    assert set(made["spec"]) == {
        "containers",
        "restartPolicy",
        "terminationGracePeriodSeconds",
        "dnsPolicy",
        "securityContext",
        "schedulerName",
    }


def test_a_job_gets_its_defaults(shared):
    made = shared.create("jobs", job("once", "true"), dryRun="All")
    spec = dict(made["spec"])
    uid = made["metadata"]["uid"]
    template, selector = spec.pop("template"), spec.pop("selector")
    assert spec == {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    assert selector == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert template["metadata"]["labels"] == {
        "app": "once",
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "once",
        "controller-uid": uid,
        "job-name": "once",
    }


def test_a_service_gets_its_defaults_and_an_address(space):
    spec = space.create("services", service("web", ports=[{"port": 80}]))["spec"]
    address = spec.pop("clusterIP")
    assert address.count(".") == 3
    assert spec == {
        "clusterIPs": [address],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "selector": {"app": "web"},
        "sessionAffinity": "None",
        "type": "ClusterIP",
    }


def test_a_service_keeps_its_address_when_an_update_leaves_it_out(space):
    address = space.create("services", service("web"))["spec"]["clusterIP"]
    changed = space.update("services", service("web", ports=[{"port": 81}]))
    assert changed["spec"]["clusterIP"] == address
    assert changed["spec"]["ports"][0]["port"] == 81


def test_a_headless_service_has_no_address(space):
    spec = space.create("services", service("web", clusterIP="None"))["spec"]
    assert (spec["clusterIP"], spec["clusterIPs"]) == ("None", ["None"])


def test_secrets_take_text_and_keep_base64(space):
    body = {"metadata": {"name": "s"}, "stringData": {"a": "text"}, "data": {"b": "eA=="}}
    made = space.create("secrets", body)
    assert made["data"] == {"a": base64.b64encode(b"text").decode(), "b": "eA=="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made


def test_a_status_that_is_sent_along_is_dropped(space):
    body = deployment("web", paused=True)
    body["status"] = {"replicas": 99}
    assert space.create("deployments", body)["status"] == {}


def test_what_a_new_object_may_not_say_of_itself_is_dropped(shared):
    body = deployment("web", paused=True)
    body["metadata"] |= {"uid": "mine", "generation": 7, "creationTimestamp": "2001-01-01T00:00:00Z"}
    metadata = shared.create("deployments", body, dryRun="All")["metadata"]
    assert metadata["uid"] != "mine"
    assert metadata["generation"] == 1
    assert not metadata["creationTimestamp"].startswith("2001")


def test_a_lease_keeps_its_microseconds(space):
    times = {"renewTime": "2026-01-02T03:04:05.678901Z", "acquireTime": "2026-01-02T03:04:05.000000Z"}
    spec = {"holderIdentity": "me", "leaseDurationSeconds": 15, "leaseTransitions": 0, **times}
    made = space.create("leases", {"metadata": {"name": "l"}, "spec": spec})
    assert made["spec"] == spec
