"""Why: what people apply is the same in every test: a Run, a Drill, a Playbook, in a namespace."""

from copy import deepcopy

VERSION = "chaosctl.dev/v1"
TARGET = {"namespace": "models", "workload": "Deployment/ranker"}
PLAYBOOK = {
    "summary": "Fewer replicas serve.",
    "stableFor": "1s",
    "probes": {"ready": {"kind": "ready-replicas"}},
    "steadyState": [{"probe": "ready", "min": 3, "every": "100ms"}],
    "timeline": [{"at": "100ms", "inject": {"kind": "scale-down", "replicas": 1}, "hold": "2s"}],
    "expect": [{"clock": "recover", "within": "30s"}],
    "recoverWithin": "20s",
}


def thing(kind, name, spec, namespace="models", **metadata):
    """As an API server shows it."""
    seen = {"uid": f"uid-{name}", "creationTimestamp": "2030-01-01T00:00:00Z", "generation": 1}
    metadata = {"name": name, "namespace": namespace, **seen, "resourceVersion": "7", **metadata}
    return {"apiVersion": VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def run(name="first", namespace="models", **spec):
    asked = spec or {"playbook": {"name": "shrink"}, "target": TARGET}
    return thing("Run", name, deepcopy(asked), namespace)


def drill(*playbooks, name="weekly", target=None, **spec):
    named = [{"name": one} if isinstance(one, str) else one for one in playbooks or ("shrink",)]
    return thing("Drill", name, {"target": deepcopy(target or TARGET), "playbooks": named, **spec})


def playbook(name="shrink", **changed):
    return thing("Playbook", name, {**deepcopy(PLAYBOOK), **changed})
