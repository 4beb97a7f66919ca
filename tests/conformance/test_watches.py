"""Watches: from which version, through which selector, with bookmarks, and what too old is."""

from itertools import islice, takewhile

import pytest

from conformance.api import refused
from conformance.bodies import config_map, pod


def version_of(space, plural="configmaps"):
    return space.list(plural)["metadata"]["resourceVersion"]


def take(events, count):
    return [(event.type, event.name) for event in islice(events, count)]


def test_without_a_version_what_is_there_comes_first(space):
    space.create("configmaps", config_map("a", {"w": "1"}))
    with space.watch("configmaps", labelSelector="w") as events:
        assert take(events, 1) == [("ADDED", "a")]
        space.create("configmaps", config_map("b", {"w": "1"}))
        assert take(events, 1) == [("ADDED", "b")]


def test_from_a_version_only_what_came_after_it(space):
    space.create("configmaps", config_map("a", {"w": "1"}))
    version = version_of(space)
    space.patch("configmaps", "a", {"data": {"k": "v"}})
    space.delete("configmaps", "a")
    with space.watch("configmaps", labelSelector="w", resourceVersion=version) as events:
        assert take(events, 2) == [("MODIFIED", "a"), ("DELETED", "a")]


def test_events_carry_whole_objects_with_their_kind_and_rising_versions(space):
    version = version_of(space)
    space.create("configmaps", config_map("a", k="v"))
    space.patch("configmaps", "a", {"data": {"k": "w"}})
    with space.watch("configmaps", resourceVersion=version, fieldSelector="metadata.name=a") as events:
        added, changed = next(events).object, next(events).object
    assert (added["kind"], added["apiVersion"], added["data"], changed["data"]) == (
        "ConfigMap",
        "v1",
        {"k": "v"},
        {"k": "w"},
    )
    versions = [int(version), *(int(each["metadata"]["resourceVersion"]) for each in (added, changed))]
    assert versions == sorted(set(versions))


def test_a_deletion_shows_the_last_state_at_the_version_of_its_deletion(space):
    made = space.create("configmaps", config_map("a", k="v"))
    version = made["metadata"]["resourceVersion"]
    space.delete("configmaps", "a")
    with space.watch("configmaps", resourceVersion=version, fieldSelector="metadata.name=a") as events:
        gone = next(events)
    assert (gone.type, gone.object["data"]) == ("DELETED", {"k": "v"})
    assert int(gone.object["metadata"]["resourceVersion"]) > int(version)


def test_what_leaves_a_label_selector_is_deleted_and_what_enters_it_is_added(space):
    space.create("configmaps", config_map("a", {"tier": "x"}))
    version = version_of(space)
    space.patch("configmaps", "a", {"data": {"k": "v"}})
    space.patch("configmaps", "a", {"metadata": {"labels": {"tier": "y"}}})
    space.patch("configmaps", "a", {"data": {"k": "unseen"}})
    space.patch("configmaps", "a", {"metadata": {"labels": {"tier": "x"}}})
    with space.watch("configmaps", labelSelector="tier=x", resourceVersion=version) as events:
        assert take(events, 3) == [("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "a")]


def test_what_leaves_a_label_selector_is_shown_as_it_was_inside(space):
    space.create("configmaps", config_map("a", {"tier": "x"}))
    version = version_of(space)
    space.patch("configmaps", "a", {"metadata": {"labels": {"tier": "y"}}})
    with space.watch("configmaps", labelSelector="tier=x", resourceVersion=version) as events:
        assert next(events).object["metadata"]["labels"] == {"tier": "x"}


def test_what_leaves_a_field_selector_is_deleted(space):
    space.create("pods", pod("a"))
    version = version_of(space, "pods")
    with space.watch("pods", fieldSelector="spec.nodeName=", resourceVersion="0") as events:
        seen = list(takewhile(lambda event: event.type != "DELETED", events))
    assert [event.name for event in seen] in ([], ["a"], ["a", "a"])
    assert version


def test_a_watch_of_one_object_sees_no_other(space):
    version = version_of(space)
    space.create("configmaps", config_map("b"))
    space.create("configmaps", config_map("a"))
    with space.watch("configmaps", resourceVersion=version, fieldSelector="metadata.name=a") as events:
        assert take(events, 1) == [("ADDED", "a")]


def test_a_watch_ends_after_its_time(space):
    with space.watch("configmaps", timeoutSeconds=1, resourceVersion=version_of(space)) as events:
        assert take(events, 1) == []


def test_bookmarks_come_where_they_are_asked_for(space):
    with space.watch(
        "configmaps", timeoutSeconds=4, allowWatchBookmarks="true", resourceVersion=version_of(space)
    ) as events:
        marks = [event for event in events if event.type == "BOOKMARK"]
    assert len(marks) >= 1
    mark = marks[-1].object
    assert (mark["kind"], mark["apiVersion"]) == ("ConfigMap", "v1")
    assert mark["metadata"]["resourceVersion"].isdigit()


def test_initial_events_end_with_a_marked_bookmark(space):
    space.create("configmaps", config_map("a", {"w": "1"}))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    with space.watch("configmaps", labelSelector="w", **query) as events:
        added, mark = next(events), next(events)
        space.create("configmaps", config_map("b", {"w": "1"}))
        assert take(events, 1) == [("ADDED", "b")]
    assert (added.type, added.name, mark.type) == ("ADDED", "a", "BOOKMARK")
    assert mark.object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_initial_events_need_a_match(space):
    with refused(422, "Invalid") as told, space.watch("configmaps", sendInitialEvents="true"):
        pass
    assert told.causes == [("resourceVersionMatch", "FieldValueForbidden")]
    assert told.message.endswith("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")


def test_a_version_that_is_too_old_has_expired(space):
    with space.watch("configmaps", resourceVersion="1") as events:
        event = next(events)
    assert (event.type, event.object["kind"]) == ("ERROR", "Status")
    assert (event.object["code"], event.object["reason"]) == (410, "Expired")
    assert event.object["message"].startswith("too old resource version: 1 (")


def test_a_version_that_is_none_is_refused(space):
    with refused(500) as told, space.watch("configmaps", resourceVersion="abc"):
        pass
    assert 'resourceVersion: Invalid value: "abc"' in told.message


def test_all_namespaces_can_be_watched_at_once(space, make_space, cluster):
    other, label = make_space(), {"of": space.name}
    with cluster.watch("configmaps", labelSelector=f"of={space.name}") as events:
        space.create("configmaps", config_map("a", label))
        assert take(events, 1) == [("ADDED", "a")]
        other.create("configmaps", config_map("b", label))
        assert take(events, 1) == [("ADDED", "b")]


@pytest.mark.parametrize("kind", ["table", "metadata"])
def test_a_watch_comes_in_other_forms_too(space, kind):
    forms = {"table": "Table", "metadata": "PartialObjectMetadata"}
    space.create("configmaps", config_map("a", {"w": "1"}))
    accept = f"application/json;as={forms[kind]};v=v1;g=meta.k8s.io"
    answer = space.api.send(
        "GET", space.path("configmaps"), accept=accept, watch="true", timeoutSeconds=1, labelSelector="w"
    )
    assert f'"kind":"{forms[kind]}"'.encode() in answer.body
