"""Why: a drill that names the wrong deployment is worse than no drill."""

import pytest

from chaosctl.errors import Invalid
from chaosctl.model import Ref
from chaosctl.spec.drill import TargetText, parse_target


def test_a_target_is_named_in_three_parts():
    target = parse_target("models/Deployment/fraud", context="staging")
    ref = Ref(api_version="apps/v1", kind="Deployment", namespace="models", name="fraud")
    assert (target.workload, target.service, target.context) == (ref, "fraud", "staging")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fraud", "is not NAMESPACE/KIND/NAME, like models/Deployment/fraud"),
        ("models/Deployment/fraud/x", "is not NAMESPACE/KIND/NAME"),
        ("models/Deploymnt/fraud", 'no workload is called "Deploymnt"; did you mean "Deployment"\\?'),
        ("models/Deployment/Fraud!", '"Fraud!" is no name of a Kubernetes object'),
        ("models/Deployment/", '"" is no name of a Kubernetes object'),
        ("/Deployment/fraud", "names no namespace"),
    ],
)
def test_a_target_that_is_none_says_why(text, message):
    with pytest.raises(Invalid, match=message):
        parse_target(text)


def test_a_written_target_keeps_what_was_written():
    text = {"namespace": "m", "workload": "Rollout/r", "service": "s", "port": 80, "rollback": "watchdog"}
    target = TargetText.model_validate(text).resolve()
    assert target.workload.api_version == "argoproj.io/v1alpha1"
    assert (target.service, target.port, target.rollback) == ("s", 80, "watchdog")
