"""Services and their endpoints: who gets requests, and who no longer does."""

import urllib.error
import urllib.request

import pytest

from conformance.api import poll
from conformance.bodies import PORT, STUBBORN, container, deployment, pod, ready_when, service, shell
from conformance.looks import is_ready, rolled_out


def slices(space, name="web"):
    return space.items("endpointslices", labelSelector=f"kubernetes.io/service-name={name}")


def endpoints(space, name="web"):
    return [each for found in slices(space, name) for each in found.get("endpoints") or []]


def ready(space, count, name="web"):
    def holds():
        found = [each for each in endpoints(space, name) if each["conditions"]["ready"]]
        return (found or ["none"]) if len(found) == count else None

    return poll(holds, f"{count} ready endpoints")


def ask(address, port=80):
    """The page, or "refused", also where whoever took the connection is gone before it answers."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=5) as answer:
            return answer.read().decode()
    except ConnectionError:
        return "refused"
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ConnectionError), error
        return "refused"


@pytest.fixture
def web(space):
    space.create("deployments", deployment("web", 2, container(readinessProbe=ready_when("/index.html"))))
    made = space.create("services", service("web"))
    space.until("deployments", "web", rolled_out)
    ready(space, 2)
    return made["spec"]["clusterIP"]


def test_a_service_answers_at_its_address(web):
    poll(lambda: ask(web) == "v1\n", "the Service answers")


def test_a_pod_answers_at_its_own_address(space):
    space.create("pods", pod("a", container(readinessProbe=ready_when("/index.html"))))
    body = space.until("pods", "a", is_ready)
    assert ask(body["status"]["podIP"], PORT) == "v1\n"


def test_without_endpoints_connections_are_refused(space, web):
    poll(lambda: ask(web) == "v1\n")
    space.patch("deployments", "web", {"spec": {"replicas": 0}})
    ready(space, 0)
    poll(lambda: ask(web) == "refused", "nobody answers any more")


def test_a_service_may_exist_before_its_pods(space):
    address = space.create("services", service("web"))["spec"]["clusterIP"]
    poll(lambda: slices(space), "there is a slice")
    assert endpoints(space) == []
    assert ask(address) == "refused"
    space.create("pods", pod("web", container(readinessProbe=ready_when("/index.html"))))
    poll(lambda: ask(address) == "v1\n", "the Service answers")


def test_an_endpoint_says_who_and_where_it_is(space, web):
    pods = {each["metadata"]["name"]: each for each in space.items("pods")}
    for each in endpoints(space):
        target = each["targetRef"]
        body = pods[target["name"]]
        assert (target["kind"], target["namespace"], target["uid"]) == (
            "Pod",
            space.name,
            body["metadata"]["uid"],
        )
        assert each["addresses"] == [body["status"]["podIP"]]
        assert each["nodeName"] == body["spec"]["nodeName"]
        assert each["conditions"] == {"ready": True, "serving": True, "terminating": False}
        assert each["zone"]


def test_a_slice_says_whose_it_is_and_which_ports_it_has(space, web):
    (found,) = slices(space)
    assert found["addressType"] == "IPv4"
    assert found["ports"] == [{"name": "", "port": PORT, "protocol": "TCP"}]
    labels = found["metadata"]["labels"]
    assert labels["kubernetes.io/service-name"] == "web"
    assert labels["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io"
    assert found["metadata"]["ownerReferences"][0]["name"] == "web"
    assert found["metadata"]["name"].startswith("web-")


def test_the_older_endpoints_say_the_same(space, web):
    def addresses():
        found = space.find("endpoints", "web") or {}
        return [one["ip"] for subset in found.get("subsets") or [] for one in subset.get("addresses") or []]

    wanted = sorted(one for each in endpoints(space) for one in each["addresses"])
    poll(lambda: sorted(addresses()) == wanted, "Endpoints list the same")


def test_a_pod_that_is_not_ready_is_listed_and_gets_no_requests(space):
    space.create("services", service("web"))
    space.create("pods", pod("web", container(readinessProbe=ready_when("/missing"))))
    poll(lambda: endpoints(space), "there is an endpoint")
    (found,) = endpoints(space)
    assert found["conditions"] == {"ready": False, "serving": False, "terminating": False}


def test_a_pod_that_goes_is_serving_and_terminating_but_not_ready(space):
    space.create("services", service("web"))
    space.create("pods", pod("web", shell(STUBBORN), terminationGracePeriodSeconds=20))
    ready(space, 1)
    poll(lambda: space.log("web") == "up\n", "it is deaf")
    space.delete("pods", "web")
    wanted = {"ready": False, "serving": True, "terminating": True}
    poll(lambda: [each["conditions"] for each in endpoints(space)] == [wanted], wanted)
    space.delete("pods", "web", {"gracePeriodSeconds": 0})
    poll(lambda: endpoints(space) == [], "its endpoint goes with it")


def test_pods_that_are_not_ready_are_published_where_it_is_asked_for(space):
    space.create("services", service("web", publishNotReadyAddresses=True))
    space.create("pods", pod("web", container(readinessProbe=ready_when("/missing"))))
    (found,) = ready(space, 1)
    assert found["conditions"]["ready"] is True
    assert found["conditions"]["serving"] in {True, False}


def test_ports_may_be_named(space):
    ports = [
        {"name": "http", "port": 80, "targetPort": "page"},
        {"name": "none", "port": 81, "targetPort": "nowhere"},
    ]
    address = space.create("services", service("web", ports=ports))["spec"]["clusterIP"]
    named = container(
        ports=[{"name": "page", "containerPort": PORT}], readinessProbe=ready_when("/index.html")
    )
    space.create("pods", pod("web", named))
    ready(space, 1)
    assert [(each["name"], each["port"]) for found in slices(space) for each in found["ports"]] == [
        ("http", PORT)
    ]
    poll(lambda: ask(address) == "v1\n", "the Service answers")


def test_another_selector_means_other_endpoints(space, web):
    space.patch("services", "web", {"spec": {"selector": {"app": "nobody"}}})
    ready(space, 0)
    poll(lambda: ask(web) == "refused", "nobody answers any more")
    space.patch("services", "web", {"spec": {"selector": {"app": "web"}}})
    poll(lambda: ask(web) == "v1\n", "the Service answers again")


def test_a_pod_that_loses_its_label_loses_its_endpoint(space, web):
    name = space.names("pods", labelSelector="app=web")[0]
    uid = space.get("pods", name)["metadata"]["uid"]
    space.patch("pods", name, {"metadata": {"labels": {"app": "quarantine"}}})
    poll(lambda: uid not in [each["targetRef"]["uid"] for each in endpoints(space)], "its endpoint goes")


def test_a_service_without_a_selector_has_the_endpoints_that_it_is_given(space):
    space.create("pods", pod("a", container(readinessProbe=ready_when("/index.html"))))
    address = space.until("pods", "a", is_ready)["status"]["podIP"]
    made = space.create("services", service("web", selector=None))
    labels = {"kubernetes.io/service-name": "web"}
    slice_ = {"metadata": {"name": "by-hand", "labels": labels}, "addressType": "IPv4"}
    slice_ |= {"ports": [{"port": PORT}], "endpoints": [{"addresses": [address]}]}
    space.create("endpointslices", slice_)
    poll(lambda: ask(made["spec"]["clusterIP"]) == "v1\n", "the Service answers")


def test_a_headless_service_has_endpoints_and_no_address(space):
    space.create("services", service("web", clusterIP="None"))
    space.create("pods", pod("web"))
    (found,) = ready(space, 1)
    assert found["targetRef"]["name"] == "web"


def test_slices_go_with_their_service(space, web):
    space.delete("services", "web")
    poll(lambda: slices(space) == [], "its slices go with it")


# Through the API server


def through(space, plural, name, path=""):
    return space.api.send("GET", f"{space.path(plural, name, 'proxy')}/{path}")


def test_a_pod_is_asked_through_the_api_server(space):
    space.create("pods", pod("a", container(readinessProbe=ready_when("/index.html"))))
    space.until("pods", "a", is_ready)
    answer = through(space, "pods", f"a:{PORT}")
    assert (answer.code, answer.body) == (200, b"v1\n")
    assert through(space, "pods", f"a:{PORT}", "missing").code == 404


def test_a_service_is_asked_through_the_api_server(space, web):
    assert through(space, "services", "web:80").body == b"v1\n"


def test_a_port_where_nobody_listens_is_an_error_of_the_server(space):
    space.create("pods", pod("a", container(readinessProbe=ready_when("/index.html"))))
    space.until("pods", "a", is_ready)
    answer = through(space, "pods", "a:9")
    assert answer.code == 503
    assert "connection refused" in answer.json["message"]


def test_a_service_without_endpoints_is_unavailable(space):
    space.create("services", service("web"))
    answer = through(space, "services", "web:80")
    assert (answer.code, answer.json["reason"]) == (503, "ServiceUnavailable")
    assert "no endpoints available for service" in answer.json["message"]
