"""Objects to create. The image is one that every side has: a web server on port 8080, and /bin/sh."""

from typing import Any

Json = dict[str, Any]
IMAGE = "knode.local/web:1"
PORT = 8080
STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.1; done"  # deaf as soon as its log says "up"
MISSING = "127.0.0.1:1/none:1"  # an image that nobody has; that is found out at once


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> Json:
    return {"metadata": {"name": name, **({"labels": labels} if labels else {})}, "data": data}


def container(**fields: Any) -> Json:
    return {"name": "main", "image": IMAGE, **fields}


def shell(script: str, **fields: Any) -> Json:
    """A container that runs a script instead of the server."""
    return container(command=["/bin/sh", "-c", script], **fields)


def pod(name: str, *containers: Json, labels: dict[str, str] | None = None, **spec: Any) -> Json:
    """Its process may ignore SIGTERM, so it gets a second."""
    listed = list(containers) or [container()]
    whole = {"terminationGracePeriodSeconds": 1, "containers": listed, **spec}
    return {"metadata": {"name": name, "labels": labels or {"app": name}}, "spec": whole}


def template(labels: dict[str, str], *containers: Json, **spec: Any) -> Json:
    return {"metadata": {"labels": labels}, "spec": pod("", *containers, **spec)["spec"]}


def deployment(name: str, replicas: int = 1, *containers: Json, **spec: Any) -> Json:
    labels = {"app": name}
    body = {"replicas": replicas, "selector": {"matchLabels": labels}}
    body |= {"template": template(labels, *containers), **spec}
    return {"metadata": {"name": name}, "spec": body}


def replica_set(name: str, replicas: int, labels: dict[str, str], **spec: Any) -> Json:
    body = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(labels)}
    return {"metadata": {"name": name}, "spec": {**body, **spec}}


def service(name: str, **spec: Any) -> Json:
    body = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": PORT}], **spec}
    return {"metadata": {"name": name}, "spec": body}


def job(name: str, script: str, **spec: Any) -> Json:
    made = {"metadata": {"labels": {"app": name}}, "spec": pod("", shell(script))["spec"]}
    made["spec"]["restartPolicy"] = spec.pop("restartPolicy", "Never")
    return {"metadata": {"name": name}, "spec": {"template": made, **spec}}


def budget(name: str, **spec: Any) -> Json:
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, **spec}}


def ready_when(path: str, **fields: Any) -> Json:
    return {"httpGet": {"path": path, "port": PORT}, "periodSeconds": 1, **fields}


def owned(body: Json, owner: Json, **fields: Any) -> Json:
    """The body with a reference to its owner."""
    reference = {key: owner[key] for key in ("apiVersion", "kind")}
    reference |= {key: owner["metadata"][key] for key in ("name", "uid")} | fields
    body["metadata"]["ownerReferences"] = [*body["metadata"].get("ownerReferences", []), reference]
    return body
