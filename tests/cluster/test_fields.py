"""Why: who restored a field, and who would fight us for it, is read from managedFields."""

from chaosctl.cluster.fields import appliers_of, forget_us, manager_of

IMAGE = "/spec/template/spec/containers/0/image"


def seen(*entries):
    containers = [{"name": "model", "image": "m:1"}, {"name": "sidecar", "image": "s:1"}]
    spec = {"replicas": 3, "template": {"spec": {"containers": containers}}}
    return {"metadata": {"managedFields": list(entries)}, "spec": spec, "data": {"a.b": "1"}}


def entry(manager, tree, operation="Update", time="2030-01-01T00:00:00Z"):
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": tree}


def image_of(name):
    container = {f'k:{{"name":"{name}"}}': {".": {}, "f:image": {}, "f:name": {}}}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": container}}}}


def test_a_containers_image_belongs_to_whoever_wrote_that_container():
    body = seen(entry("kubectl", image_of("model")), entry("mesh", image_of("sidecar")))

    assert manager_of(body, IMAGE) == "kubectl"
    assert manager_of(body, IMAGE.replace("0", "1")) == "mesh"


def test_the_newest_of_several_wrote_it_last():
    later = entry("b", {"f:spec": {"f:replicas": {}}}, time="2030-01-01T00:00:09Z")

    assert manager_of(seen(later, entry("a", {"f:spec": {"f:replicas": {}}})), "/spec/replicas") == "b"


def test_a_tree_that_ends_early_owns_what_is_below():
    assert manager_of(seen(entry("a", {"f:spec": {"f:template": {}}})), IMAGE) == "a"


def test_nobody_owns_what_nobody_wrote():
    assert manager_of(seen(entry("a", {"f:spec": {".": {}, "f:paused": {}}})), "/spec/replicas") == ""
    assert manager_of({}, "/spec/replicas") == ""


def test_keys_with_dots_and_slashes_are_found():
    labels = {"f:metadata": {"f:labels": {"f:chaosctl.dev/run": {}}}}

    assert manager_of(seen(entry("a", {"f:data": {"f:a.b": {}}})), "/data/a.b") == "a"
    assert manager_of(seen(entry("a", labels)), "/metadata/labels/chaosctl.dev~1run") == "a"


def test_only_who_applies_server_side_counts_as_an_applier():
    body = seen(entry("argo", image_of("model"), "Apply"), entry("kubectl", image_of("model")))

    assert appliers_of(body, IMAGE) == ("argo",)


def test_our_name_is_taken_off_and_no_other():
    others = entry("kubectl", image_of("model"))

    (op,) = forget_us(seen(others, entry("chaosctl", {"f:spec": {"f:replicas": {}}})))

    assert (op.path, op.value) == ("/metadata/managedFields", [others])
    assert forget_us(seen(others)) == ()
    (op,) = forget_us(seen(entry("chaosctl", {"f:spec": {}})))
    assert op.value == [{}]
