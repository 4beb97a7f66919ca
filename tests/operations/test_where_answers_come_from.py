"""Why: a verdict about a model is worth nothing if somebody else's pods gave the answers."""

import pytest
from cli.installation import Installation
from cli.playbooks import written

SERVICES = "api/v1/namespaces/models/services"
TARGET = {"namespace": "models", "workload": "Deployment/sample-model", "service": "other", "protocol": "v2"}


@pytest.fixture
def installation(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    installation = Installation(home)
    yield installation
    installation.down()


def test_a_service_that_sends_to_other_pods_is_refused_before_anything_is_touched(installation: Installation):
    cluster = installation.up()
    spec = {"selector": {"app": "other"}, "ports": [{"port": 8080}]}
    cluster.request("POST", SERVICES, {"metadata": {"name": "other"}, "spec": spec})
    drill = written(
        installation.home / "astray.yaml", "Drill", {"target": TARGET, "playbooks": [{"name": "noop"}]}
    )

    refused = installation("plan", drill, "--kubeconfig", str(cluster.kubeconfig))

    assert refused.code == 2
    assert "Service models/other sends to other pods (app=other)" in refused.out
    assert "name the Service of Deployment models/sample-model" in refused.out

    cluster.edit(f"{SERVICES}/other", {"spec": {"selector": {"app": "sample-model"}}})
    allowed = installation("plan", drill, "--kubeconfig", str(cluster.kubeconfig))
    assert allowed.code == 0, allowed.out
