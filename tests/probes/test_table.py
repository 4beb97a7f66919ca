"""Why: a probe is written in playbooks, kept in journals and read again; one row each says how."""

import pytest
from probes.views import KINDS

# One row a probe: what people write, and the unit of what it reads.
TABLE = [
    ({"kind": "agreement"}, "share"),
    ({"kind": "closed-nodes", "nodes": ["a"]}, "nodes"),
    ({"kind": "error-rate"}, "share"),
    ({"kind": "http", "url": "http://127.0.0.1/", "status": 404}, "share"),
    ({"kind": "k8s-condition", "object": {"kind": "Pod", "name": "a"}, "type": "Ready"}, ""),
    ({"kind": "latency", "percentile": 99.9}, "seconds"),
    ({"kind": "new-pods", "besides": "abc"}, "pods"),
    ({"kind": "object-value", "object": {"kind": "Node", "name": "a", "namespace": ""}, "path": "/a"}, ""),
    ({"kind": "pod-revision", "revision": "abc"}, "share"),
    ({"kind": "pods-gone", "uids": ["a", "b"]}, "pods"),
    ({"kind": "pods-on-nodes", "nodes": ["a"]}, "pods"),
    ({"kind": "prometheus", "url": "https://127.0.0.1/prefix", "query": "up"}, ""),
    ({"kind": "ready-replicas"}, "replicas"),
    ({"kind": "request-rate", "stream": "burst"}, "requests/s"),
    ({"kind": "restarts"}, "restarts"),
    ({"kind": "revision", "version": "1"}, "share"),
    ({"kind": "slow-answers", "slowerThan": "250ms"}, "share"),
    ({"kind": "statuses", "among": [500, 502]}, "share"),
    ({"kind": "touched", "proxies": "p", "port": 9901}, ""),
]


@pytest.mark.parametrize(("body", "unit"), TABLE, ids=[row[0]["kind"] for row in TABLE])
def test_a_probe_is_read_again_from_what_is_kept_of_it(body, unit):
    probe = KINDS[body["kind"]].model_validate(body)

    kept = probe.model_dump(mode="json", by_alias=True)

    assert KINDS[body["kind"]].model_validate(kept) == probe
    assert body.items() <= kept.items() or kept["object"].items() >= body["object"].items()
    assert probe.unit == unit


def test_every_probe_has_a_row_in_the_table():
    assert [body["kind"] for body, _ in TABLE] == sorted(KINDS)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "latency", "percentile": 0},
        {"kind": "latency", "percentile": 101},
        {"kind": "slow-answers", "slowerThan": "0s"},
        {"kind": "slow-answers"},
        {"kind": "http", "url": "http://127.0.0.1/", "method": "DELETE"},
        {"kind": "object-value", "object": {"kind": "Node", "name": "a"}, "path": "a/b"},
        {"kind": "error-rate", "max": "1%"},
        {"kind": "statuses", "among": []},
        {"kind": "statuses", "among": [42]},
    ],
    ids="-".join,
)
def test_what_makes_no_sense_is_refused(body):
    with pytest.raises(ValueError, match="validation error"):
        KINDS[body["kind"]].model_validate(body)
