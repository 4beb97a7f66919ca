"""Why: a chart is used with values that nobody tried; a cluster takes what they make, or Helm says why."""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from chart.granting import CATALOG, controller, rules

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "chaosctl"
VOLUME = {"store": {"sqlite": {"enabled": True}}}
DATABASE = {"store": {"postgres": {"existingSecret": "database"}}}
EVERYTHING = {
    "replicas": 3,
    "image": {"digest": f"sha256:{'0' * 64}", "pullPolicy": "Always", "pullSecrets": ["registry"]},
    "store": {"postgres": {"url": "postgresql://chaosctl:secret@db.example:5433/chaosctl", "port": 5433}},
    "key": {"existingSecret": "key", "secretKey": "code"},
    "watchdog": {"enabled": True, "resources": {"limits": {"memory": "1Gi"}}},
    "rbac": {
        "secrets": ["prometheus-token"],
        "extraRules": [
            {"apiGroups": ["serving.kserve.io"], "resources": ["inferenceservices"], "verbs": ["get"]}
        ],
    },
    "serviceAccount": {"name": "drills", "annotations": {"example.dev/role": "drills"}},
    "networkPolicy": {
        "apiServerPorts": [16443],
        "metricsFrom": [{"namespaceSelector": {}}],
        "extraEgress": [{"ports": [{"port": 9090}]}],
    },
    "resources": {"limits": {"cpu": 2, "memory": "1Gi"}},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "drills", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {
            "maxSkew": 2,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "chaosctl"}},
        }
    ],
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "sre"},
    "extraEnv": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "t"}}}],
}


def helm(*arguments, values=None):
    sent = yaml.safe_dump(values or {})
    command = ["helm", *map(str, arguments), "--values", "-"]
    return subprocess.run(command, input=sent, capture_output=True, text=True, timeout=120, check=False)


def rendered(values, namespace="chaosctl-system"):
    done = helm("template", "chaosctl", CHART, "--namespace", namespace, values=values)
    assert done.returncode == 0, done.stderr
    return [body for body in yaml.safe_load_all(done.stdout) if body]


def of_kind(bodies, *kinds):
    return [body for body in bodies if body["kind"] in kinds]


@pytest.fixture(scope="module")
def space(kubectl) -> Iterator[str]:
    """A namespace that warns of whatever the restricted Pod Security Standard forbids."""
    name = f"e2e-chart-{secrets.token_hex(3)}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/warn=restricted")
    for account in ("chaosctl", "drills"):  # a dry run makes none, and pods need theirs
        kubectl("-n", name, "create", "serviceaccount", account, "--save-config")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def test_the_chart_has_the_version_of_the_package():
    from importlib.metadata import version

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert {chart["version"], chart["appVersion"]} == {version("chaosctl")}


@pytest.mark.parametrize("values", [VOLUME, DATABASE, EVERYTHING], ids=["volume", "database", "everything"])
def test_helm_finds_nothing_to_complain_of(values):
    done = helm("lint", "--strict", CHART, values=values)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "values",
    [
        VOLUME,
        DATABASE,
        EVERYTHING,
        DATABASE | {"namespaces": ["HERE"], "watchdog": {"enabled": True}},
        DATABASE | {"replicas": 1, "networkPolicy": {"enabled": False}, "faults": {"enabled": []}},
        DATABASE
        | {"crds": {"install": False}, "rbac": {"create": False}, "serviceAccount": {"create": False}},
    ],
    ids=["volume", "database", "everything", "some-namespaces", "narrow", "prepared"],
)
def test_a_cluster_takes_what_the_chart_makes_and_has_no_warning(kubectl, space, values):
    here = yaml.safe_load(yaml.safe_dump(values).replace("HERE", space))
    bodies = rendered(here, space)
    kubectl("apply", "--dry-run=server", "--warnings-as-errors", "-f", "-", stdin=yaml.safe_dump_all(bodies))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "say where journals lie"),
        (VOLUME | {"replicas": 2}, "journals on a volume have one writer"),
        ({"store": VOLUME["store"] | DATABASE["store"]}, "either in PostgreSQL or on a volume"),
        (
            {"store": {"postgres": {"url": "postgresql://db/a", "existingSecret": "b"}}},
            "either url or existingSecret",
        ),
        ({"store": {"postgres": {"url": "mysql://db/a"}}}, "does not match pattern"),
        (DATABASE | {"replicas": 0}, "minimum"),
        (DATABASE | {"replica": 2}, "'replica' not allowed"),
        (DATABASE | {"image": {"version": "1"}}, "'version' not allowed"),
        (DATABASE | {"faults": {"enabled": ["pod-kil"]}}, "value must be one of"),
        (DATABASE | {"namespaces": ["*"]}, "does not match pattern"),
        (DATABASE | {"namespaces": "models"}, "want array"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_cannot_be_are_refused_with_the_reason(values, said):
    done = helm("template", "chaosctl", CHART, values=values)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("kinds", [[*CATALOG.faults], ["noop"], ["zone-outage", "latency"], []])
def test_the_roles_hold_what_the_enabled_faults_need_and_nothing_else(kinds):
    bodies = rendered(DATABASE | {"faults": {"enabled": kinds}})
    wanted = controller(*kinds) if kinds else controller("noop") - _only("noop")
    assert _granted(of_kind(bodies, "ClusterRole")) == _flat(rules(one for one in wanted if not one.home))
    assert _granted(of_kind(bodies, "Role")) == _flat(rules(one for one in wanted if one.home))


def _only(kind):
    """What no other part of the controller's work needs."""
    return controller(kind) - controller("noop", kind) | {
        one for one in controller(kind) if one.verb == "patch" and one.resource == "deployments"
    }


def test_a_release_for_some_namespaces_has_no_right_beyond_them():
    bodies = rendered(DATABASE | {"namespaces": ["a", "b"], "watchdog": {"enabled": True}})
    assert of_kind(bodies, "ClusterRole", "ClusterRoleBinding") == []
    found = {(body["metadata"]["namespace"], body["metadata"]["name"]) for body in of_kind(bodies, "Role")}
    names = {(space, name) for space in ("a", "b") for name in ("chaosctl", "chaosctl-watchdog")}
    assert found == names | {
        ("chaosctl-system", f"{name}-home") for name in ("chaosctl", "chaosctl-watchdog")
    }
    assert "nodes" not in {rule["resources"][0] for body in of_kind(bodies, "Role") for rule in body["rules"]}


def test_secrets_are_granted_by_name_alone():
    bodies = rendered(EVERYTHING)
    found = [
        rule
        for body in of_kind(bodies, "ClusterRole")
        for rule in body["rules"]
        if "secrets" in rule["resources"]
    ]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in found] == [(["prometheus-token"], ["get"])]


def test_no_rule_has_a_wildcard():
    for values in (DATABASE | {"watchdog": {"enabled": True}}, EVERYTHING):
        for body in of_kind(rendered(values), "Role", "ClusterRole"):
            assert "*" not in yaml.safe_dump(body["rules"])


def test_on_a_volume_one_controller_stops_before_the_next_starts():
    (deployment,) = of_kind(rendered(VOLUME), "Deployment")
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert of_kind(rendered(VOLUME), "PodDisruptionBudget") == []


def test_with_a_database_there_are_two_and_an_eviction_leaves_one():
    bodies = rendered(DATABASE)
    (deployment,), (budget,) = of_kind(bodies, "Deployment"), of_kind(bodies, "PodDisruptionBudget")
    assert deployment["spec"]["replicas"] == 2
    assert budget["spec"]["maxUnavailable"] == 1
    assert of_kind(bodies, "PersistentVolumeClaim") == []


def test_the_database_is_named_in_a_secret_and_nowhere_else():
    for body in rendered(EVERYTHING):
        assert body["kind"] == "Secret" or "postgresql://" not in yaml.safe_dump(body)


def test_only_the_controller_has_the_key_of_the_ledgers():
    for deployment in of_kind(rendered(EVERYTHING), "Deployment"):
        is_controller = deployment["metadata"]["labels"]["app.kubernetes.io/component"] == "controller"
        assert ("/etc/chaosctl/key" in yaml.safe_dump(deployment)) is is_controller


def test_a_service_monitor_comes_where_it_is_wanted():
    (monitor,) = of_kind(rendered(DATABASE | {"serviceMonitor": {"enabled": True}}), "ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["path"] == "/metrics"
    assert of_kind(rendered(DATABASE), "ServiceMonitor") == []


def _granted(roles):
    assert len(roles) == 1
    return _flat(roles[0]["rules"])


def _flat(found):
    return {
        (group, resource, verb, *rule.get("resourceNames", ()))
        for rule in found
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
