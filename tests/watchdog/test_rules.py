"""Why: rules are written by people; a slip must be shown, not become a silent default."""

from datetime import timedelta

import pytest
from watchdog.scene import MODEL, watched

from chaosctl.errors import Invalid
from chaosctl.watchdog.rules import Rules, read

WHOLE = """
service: front
port: 8080
protocol: v2
model: fraud
objectives:
  errors: {max: 1%}
  agreement: {min: 99%}
  crashLoop: false
  progressDeadline: false
limits: {rollbacks: 2, within: 1h, backOff: 90s}
"""


def test_rules_are_read_as_people_write_them():
    rules = read(WHOLE, "rules")

    assert rules.objectives.errors.max == 0.01
    assert rules.objectives.agreement.min == 0.99
    assert not rules.objectives.crash_loop
    assert rules.limits.back_off == timedelta(seconds=90)
    target = rules.target(watched(), MODEL)
    assert (target.service, target.port, target.model) == ("front", 8080, "fraud")


def test_without_rules_a_deployments_own_names_and_label_are_taken():
    target = Rules().target(watched(**{"chaosctl.dev/model": "breast-cancer"}), MODEL)

    assert (target.service, target.model, target.protocol) == ("model", "breast-cancer", "v2")
    assert Rules().target(watched(), MODEL).model == "model"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objectives: {error: {max: 1%}}", "unknown field"),
        ("limits: {backof: 90s}", "backOff"),
        ("objectives: {errors: {max: 0%}}", "more than 0"),
        ("objectives: {agreement: {min: 100%}}", "less than 1"),
        ("limits: {within: 10}", "no unit"),
        ("limits: {rollbacks: 0}", "more than 0"),
        ("- service", "mapping"),
        ("service: [", "rules"),
        ("objectives: !!python/object:os.system {}", "rules"),
    ],
)
def test_a_slip_is_shown_where_it_is(text, message):
    with pytest.raises(Invalid, match=message):
        read(text, "rules")
