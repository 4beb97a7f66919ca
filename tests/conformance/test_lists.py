"""Lists: versions, pages, and labels and fields to choose by."""

import pytest

from conformance.api import refused
from conformance.bodies import config_map, deployment, job, pod, service


@pytest.fixture
def five(space):
    for number in range(5):
        space.create("configmaps", config_map(f"c{number}", {"half": str(number % 2), f"only{number}": ""}))
    return space


def test_pages_follow_one_another_and_miss_nothing(five):
    seen, token, pages = [], None, []
    while token != "":
        page = five.list("configmaps", labelSelector="half", limit=2, **{"continue": token})
        pages.append(page["metadata"])
        seen += [each["metadata"]["name"] for each in page["items"]]
        token = page["metadata"].get("continue", "")
    assert seen == ["c0", "c1", "c2", "c3", "c4"]
    assert len({page["resourceVersion"] for page in pages}) == 1


def test_a_page_without_selectors_says_how_many_are_left(space):
    for name in "abc":
        space.create("leases", {"metadata": {"name": name}, "spec": {}})
    page = space.list("leases", limit=1)
    assert page["metadata"]["remainingItemCount"] == 2
    last = space.list("leases", limit=5, **{"continue": page["metadata"]["continue"]})
    assert "remainingItemCount" not in last["metadata"]
    assert "continue" not in last["metadata"]


def test_what_is_created_between_two_pages_is_not_on_the_second(five):
    page = five.list("configmaps", labelSelector="half", limit=2)
    five.create("configmaps", config_map("c1a", {"half": "0"}))
    five.create("configmaps", config_map("c9", {"half": "0"}))
    rest = five.list(
        "configmaps", labelSelector="half", limit=9, **{"continue": page["metadata"]["continue"]}
    )
    assert [each["metadata"]["name"] for each in rest["items"]] == ["c2", "c3", "c4"]


def test_a_token_that_is_none_is_a_bad_request(space):
    with refused(400, "BadRequest") as told:
        space.list("configmaps", limit=1, **{"continue": "nonsense"})
    assert told.message.startswith("invalid continue token: continue key is not valid")


def test_a_list_may_be_at_least_as_new_as_a_version(five):
    version = five.list("configmaps")["metadata"]["resourceVersion"]
    for match in (None, "NotOlderThan"):
        found = five.list(
            "configmaps", labelSelector="half", resourceVersion=version, resourceVersionMatch=match
        )
        assert len(found["items"]) == 5
        assert int(found["metadata"]["resourceVersion"]) >= int(version)
    assert len(five.list("configmaps", labelSelector="half", resourceVersion="0")["items"]) <= 5


def test_a_list_may_be_of_exactly_a_version(five):
    before = five.list("configmaps", labelSelector="half")["metadata"]["resourceVersion"]
    five.delete("configmaps", "c0")
    five.patch("configmaps", "c1", {"data": {"new": "1"}})
    found = five.list(
        "configmaps", labelSelector="half", resourceVersion=before, resourceVersionMatch="Exact"
    )
    assert [each["metadata"]["name"] for each in found["items"]] == ["c0", "c1", "c2", "c3", "c4"]
    assert "new" not in found["items"][1].get("data", {})
    assert found["metadata"]["resourceVersion"] == before


def test_a_match_needs_a_version(space):
    with refused(422, "Invalid") as told:
        space.list("configmaps", resourceVersionMatch="Exact")
    assert "resourceVersionMatch is forbidden unless resourceVersion is provided" in told.message


def test_a_version_in_the_future_is_too_large(space):
    version = int(space.list("configmaps")["metadata"]["resourceVersion"]) + 1_000_000
    with refused(504, "Timeout") as told:
        space.list("configmaps", resourceVersion=str(version))
    assert f"Too large resource version: {version}" in told.message
    assert ("", "ResourceVersionTooLarge") in told.causes


def test_a_version_that_is_none_is_refused(space):
    with refused(400, "BadRequest") as told:
        space.list("configmaps", resourceVersion="abc")
    assert told.message == (
        'invalid resource version: resourceVersion: Invalid value: "abc": '
        'strconv.ParseUint: parsing "abc": invalid syntax'
    )


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("half=1", ["c1", "c3"]),
        ("half==1", ["c1", "c3"]),
        ("half!=1,half", ["c0", "c2", "c4"]),
        ("half in (1,2)", ["c1", "c3"]),
        ("half notin (1),half", ["c0", "c2", "c4"]),
        ("only3", ["c3"]),
        ("half,!only0", ["c1", "c2", "c3", "c4"]),
        ("half=1,only3", ["c3"]),
        ("half=7", []),
        ("only2=", ["c2"]),
    ],
)
def test_labels_select(five, selector, names):
    assert five.names("configmaps", labelSelector=selector) == names


def test_a_label_that_is_missing_is_not_equal_to_anything(five):
    five.create("configmaps", config_map("plain"))
    assert "plain" in five.names("configmaps", labelSelector="half!=1")
    assert "plain" in five.names("configmaps", labelSelector="half notin (1)")


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a in x", "unable to parse requirement: found 'x' expected: '('"),
        ("in (x)", "unable to parse requirement: found '(', expected: in, notin, =, ==, !=, gt, lt"),
        ("=", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,,b", "found ',', expected: identifier after ','"),
    ],
)
def test_a_selector_that_is_none_is_a_bad_request(shared, selector, message):
    with refused(400, "BadRequest") as told:
        shared.list("configmaps", labelSelector=selector)
    assert told.message == message


@pytest.mark.parametrize("selector", ["-a=b", "a=-b"])
def test_a_selector_with_labels_that_cannot_be_is_a_bad_request(shared, selector):
    with refused(400, "BadRequest") as told:
        shared.list("configmaps", labelSelector=selector)
    assert told.message.startswith("unable to parse requirement: ")


def test_a_field_selector_that_is_none_is_a_bad_request(shared):
    with refused(400, "BadRequest") as told:
        shared.list("configmaps", fieldSelector="metadata.name in (a)")
    assert told.message == "invalid selector: 'metadata.name in (a)'; can't understand 'metadata.name in (a)'"


@pytest.mark.parametrize(
    ("plural", "selector", "found"),
    [
        ("configmaps", "metadata.name=a", True),
        ("configmaps", "metadata.name!=a", False),
        ("deployments", "metadata.name=a", True),
        ("pods", "spec.nodeName=", True),
        ("pods", "status.phase=Pending", True),
        ("pods", "status.phase!=Pending", False),
        ("pods", "spec.restartPolicy=Always,metadata.name=a", True),
        ("pods", "spec.serviceAccountName=default", True),
        ("secrets", "type=Opaque", True),
        ("secrets", "type=other", False),
        ("jobs", "status.successful=0", True),
        ("services", "spec.type=ClusterIP", True),
    ],
)
def test_fields_select(space, plural, selector, found):
    made = {
        "configmaps": config_map("a"),
        "deployments": deployment("a", paused=True),
        "pods": pod("a", nodeSelector={"no": "such"}),
        "secrets": {"metadata": {"name": "a"}},
        "jobs": job("a", "true", suspend=True),
        "services": service("a"),
    }[plural]
    space.create(plural, made)
    assert ("a" in space.names(plural, fieldSelector=selector)) is found


@pytest.mark.parametrize(
    ("plural", "field"),
    [("configmaps", "data.k"), ("deployments", "spec.replicas"), ("leases", "spec.holderIdentity")],
)
def test_a_field_that_a_kind_does_not_select_by_is_a_bad_request(shared, plural, field):
    with refused(400, "BadRequest") as told:
        shared.list(plural, fieldSelector=f"{field}=x")
    known = '"metadata.name", "metadata.namespace"'
    assert told.message == f'"{field}" is not a known field selector: only {known}'


@pytest.mark.parametrize(
    ("plural", "field", "message"),
    [
        ("pods", "spec.containers", "field label not supported: spec.containers"),
        ("events", "message", "field label not supported: message"),
        ("secrets", "data", "field label not supported: data"),
        ("jobs", "spec.suspend", 'field label "spec.suspend" not supported for Job'),
    ],
)
def test_kinds_with_fields_of_their_own_say_it_in_other_words(shared, plural, field, message):
    with refused(400, "BadRequest") as told:
        shared.list(plural, fieldSelector=f"{field}=x")
    assert told.message == message


def test_one_object_can_be_read_at_least_as_new_as_a_version(space):
    made = space.create("configmaps", config_map("a", k="v"))
    version = made["metadata"]["resourceVersion"]
    assert space.get("configmaps", "a", resourceVersion=version) == made
    assert space.get("configmaps", "a", resourceVersion="0")["metadata"]["name"] == "a"
