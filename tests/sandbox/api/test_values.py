"""Tables of the small pure rules."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosctl.sandbox.api.ages import ago, span
from chaosctl.sandbox.api.columns import columns_of
from chaosctl.sandbox.api.defaults import quality_of_service
from chaosctl.sandbox.api.kubeconfig import kubeconfig
from chaosctl.sandbox.api.pod_columns import status_of
from chaosctl.sandbox.api.quantities import amount, canonical
from chaosctl.sandbox.api.selectors import matches


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1500Mi", "1500Mi"),
        ("128974848", "128974848"),
        ("2000", "2k"),
        ("0", "0"),
        ("0.5Ki", "512"),
        ("-1", "-1"),
        ("a lot", None),
        ("1Zi", None),
        ("", None),
    ],
)
def test_quantities_have_one_canonical_form(written, stored):
    assert canonical(written) == stored


@given(
    number=st.decimals(min_value=0, max_value=10**6, places=3),
    suffix=st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]),
)
def test_the_canonical_form_means_the_same_and_stays(number, suffix):
    written = f"{number:f}{suffix}"
    stored = canonical(written)
    assert stored is not None
    assert 0 <= amount(stored) - amount(written) < Decimal("0.001")
    assert canonical(stored) == stored


def test_what_is_no_quantity_has_no_amount():
    assert amount("1.5Gi") == Decimal("1.5") * 2**30
    assert amount("lots") is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (3600, "60m"),
        (4 * 3600 + 120, "4h2m"),
        (9 * 3600, "9h"),
        (49 * 3600, "2d1h"),
        (9 * 86400, "9d"),
        (3 * 365 * 86400 + 86400, "3y1d"),
        (9 * 365 * 86400 + 86400, "9y"),
    ],
)
def test_ages_read_as_kubectl_writes_them(seconds, text):
    assert span(seconds) == text


def test_an_age_counts_from_a_timestamp():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert ago((now - timedelta(hours=5)).isoformat(), now) == "5h"
    assert ago(None) == "<unknown>"


def container(state: dict[str, object], *, ready: bool = False) -> dict[str, object]:
    return {"name": "c", "ready": ready, "restartCount": 0, "state": state}


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"phase": "Running", "containerStatuses": [container({"running": {}}, ready=True)]}, "Running"),
        ({"containerStatuses": [container({"waiting": {"reason": "ErrImagePull"}})]}, "ErrImagePull"),
        ({"containerStatuses": [container({"terminated": {"reason": "Error", "exitCode": 1}})]}, "Error"),
        ({"containerStatuses": [container({"terminated": {"exitCode": 3}})]}, "ExitCode:3"),
        ({"containerStatuses": [container({"terminated": {"signal": 9, "exitCode": 137}})]}, "Signal:9"),
        (
            {
                "containerStatuses": [
                    container({"terminated": {"reason": "Completed", "exitCode": 0}}),
                    container({"running": {}}, ready=True),
                ]
            },
            "Running",
        ),
        ({"phase": "Pending", "initContainerStatuses": [container({"running": {}})]}, "Init:0/1"),
        (
            {"initContainerStatuses": [container({"waiting": {"reason": "CrashLoopBackOff"}})]},
            "Init:CrashLoopBackOff",
        ),
        (
            {"phase": "Running", "initContainerStatuses": [container({"terminated": {"exitCode": 0}})]},
            "Running",
        ),
    ],
)
def test_the_status_of_a_pod_names_what_is_wrong(status, shown):
    spec = {"containers": [{"name": "c"}], "initContainers": [{"name": "i"}]}
    body = {"metadata": {"name": "a"}, "spec": spec, "status": status}
    assert status_of(body) == shown
    assert status_of({**body, "metadata": {"deletionTimestamp": "now"}}) == "Terminating"


LONG_AGO = "2020-01-01T00:00:00Z"
ROWS = {
    "Node": (
        {
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "127.0.0.9"}],
                "nodeInfo": {"kubeletVersion": "v1.32.4"},
            },
        },
        {
            "Status": "Ready,SchedulingDisabled",
            "Roles": "worker",
            "Version": "v1.32.4",
            "Internal-IP": "127.0.0.9",
        },
    ),
    "Service": (
        {
            "spec": {
                "type": "NodePort",
                "clusterIP": "127.96.0.1",
                "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}],
                "selector": {"app": "web"},
            }
        },
        {"Port(s)": "80:30080/TCP", "External-IP": "<none>", "Selector": "app=web"},
    ),
    "Job": (
        {
            "spec": {"completions": 2, "template": {"spec": {"containers": []}}},
            "status": {
                "succeeded": 2,
                "startTime": LONG_AGO,
                "completionTime": "2020-01-01T00:00:09Z",
                "conditions": [{"type": "Complete", "status": "True"}],
            },
        },
        {"Status": "Complete", "Completions": "2/2", "Duration": "9s"},
    ),
    "EndpointSlice": (
        {
            "addressType": "IPv4",
            "ports": [{"port": 80}],
            "endpoints": [{"addresses": [f"127.1.0.{n}"]} for n in range(1, 6)],
        },
        {"Ports": "80", "Endpoints": "127.1.0.1,127.1.0.2,127.1.0.3 + 2 more..."},
    ),
    "Endpoints": (
        {"subsets": [{"addresses": [{"ip": "127.1.0.1"}], "ports": [{"port": 80}]}]},
        {"Endpoints": "127.1.0.1:80"},
    ),
    "PodDisruptionBudget": (
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
        {"Min Available": "50%", "Max Unavailable": "N/A", "Allowed Disruptions": 1},
    ),
    "RoleBinding": (
        {
            "roleRef": {"kind": "Role", "name": "reader"},
            "subjects": [
                {"kind": "User", "name": "alice"},
                {"kind": "ServiceAccount", "namespace": "default", "name": "robot"},
            ],
        },
        {"Role": "Role/reader", "Users": "alice", "ServiceAccounts": "default/robot", "Groups": ""},
    ),
    "Lease": ({"spec": {"holderIdentity": "me"}}, {"Holder": "me"}),
    "CustomResourceDefinition": ({}, {"Created At": LONG_AGO}),
    "Pod": (
        {
            "spec": {"containers": [{"name": "c"}], "nodeName": "node-1"},
            "status": {
                "phase": "Running",
                "podIP": "127.1.0.1",
                "containerStatuses": [
                    {
                        "ready": True,
                        "restartCount": 2,
                        "state": {"running": {}},
                        "lastState": {"terminated": {"finishedAt": LONG_AGO}},
                    }
                ],
            },
        },
        {"Ready": "1/1", "Status": "Running", "IP": "127.1.0.1", "Node": "node-1"},
    ),
}


@pytest.mark.parametrize("kind", ROWS)
def test_tables_show_what_people_look_for(kind):
    body, expected = ROWS[kind]
    labels = {"node-role.kubernetes.io/worker": ""}
    body = {**body, "metadata": {"name": "a", "labels": labels, "creationTimestamp": LONG_AGO}}
    shown = {column.name: column.cell(body) for column in columns_of(kind)}
    assert {name: shown[name] for name in expected} == expected
    assert shown["Name"] == "a"


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, "Burstable"),
    ],
)
def test_the_quality_of_service_follows_from_the_resources(resources, quality):
    assert quality_of_service({"containers": [{"name": "c", "resources": resources}]}) == quality


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_label_selectors_of_objects_match(selector, expected):
    assert matches(selector, {"a": "1"}) is expected


def test_a_kubeconfig_needs_a_server():
    with pytest.raises(ValueError, match="no server URL"):
        kubeconfig("somewhere")
