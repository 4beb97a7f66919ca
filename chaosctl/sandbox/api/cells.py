"""Why: what a cell of a table says of an object is a small rule of its own, and people rely on its words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chaosctl.sandbox.api import ages
from chaosctl.sandbox.api.objects import Json, dig

Cell = Callable[[Json], Any]
NONE, _UNSET = "<none>", "<unset>"
_MOST_ENDPOINTS = 3


def at(path: str, default: Any = NONE) -> Cell:  # noqa: ANN401  # any JSON
    def cell(body: Json) -> Any:  # noqa: ANN401  # any JSON
        found = dig(body, path)
        return default if found is None or found == "" else found

    return cell


def ago(path: str) -> Cell:
    return lambda body: ages.ago(dig(body, path))


def ratio(ready: str, wanted: str) -> Cell:
    return lambda body: f"{dig(body, ready) or 0}/{dig(body, wanted) or 0}"


def of_containers(field: str) -> Cell:
    def cell(body: Json) -> str:
        listed = dig(body, "spec.template.spec.containers") or ()
        return ",".join(container.get(field, "") for container in listed)

    return cell


def selector_text(selector: Json | None) -> str:
    """A LabelSelector in the language of `-l`."""
    texts = [f"{key}={value}" for key, value in ((selector or {}).get("matchLabels") or {}).items()]
    for each in (selector or {}).get("matchExpressions") or ():
        values = ",".join(each.get("values") or ())
        written = {"In": f"{each['key']} in ({values})", "NotIn": f"{each['key']} notin ({values})"}
        written |= {"Exists": each["key"], "DoesNotExist": f"!{each['key']}"}
        texts.append(written[each["operator"]])
    return ",".join(texts)


def pod_selector(body: Json) -> str:
    return selector_text(dig(body, "spec.podSelector")) or NONE


def selector(body: Json) -> str:
    return selector_text(dig(body, "spec.selector")) or NONE


def labels(path: str) -> Cell:
    return lambda body: ",".join(f"{k}={v}" for k, v in (dig(body, path) or {}).items()) or NONE


def count(*fields: str) -> Cell:
    return lambda body: sum(len(body.get(field) or ()) for field in fields)


def ports(body: Json) -> str:
    ports = dig(body, "spec.ports") or ()
    node = [f":{port['nodePort']}" if port.get("nodePort") else "" for port in ports]
    texts = [f"{port['port']}{at}/{port['protocol']}" for port, at in zip(ports, node, strict=True)]
    return ",".join(texts) or NONE


def external(body: Json) -> str:
    if dig(body, "spec.type") == "ExternalName":
        return str(dig(body, "spec.externalName"))
    pending = dig(body, "spec.type") == "LoadBalancer"
    return ",".join(dig(body, "spec.externalIPs") or ()) or ("<pending>" if pending else NONE)


def node_status(body: Json) -> str:
    ready = [each for each in dig(body, "status.conditions") or () if each["type"] == "Ready"]
    states = {"True": "Ready", "False": "NotReady"}
    text = states.get(ready[0]["status"], "NotReady") if ready else "Unknown"
    return text + (",SchedulingDisabled" if dig(body, "spec.unschedulable") else "")


def roles(body: Json) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = body["metadata"].get("labels") or {}
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or NONE


def address(type_: str) -> Cell:
    def cell(body: Json) -> str:
        listed = dig(body, "status.addresses") or ()
        return next((each["address"] for each in listed if each["type"] == type_), NONE)

    return cell


def seen(body: Json) -> str:
    moment = dig(body, "series.lastObservedTime") or body.get("lastTimestamp") or body.get("eventTime")
    return ages.ago(moment or body["metadata"].get("creationTimestamp"))


def involved(body: Json) -> str:
    involved = body.get("involvedObject") or {}
    return f"{(involved.get('kind') or '').lower()}/{involved.get('name', '')}"


def source(body: Json) -> str:
    source = body.get("source") or {}
    component = source.get("component") or body.get("reportingComponent") or ""
    return ", ".join(filter(None, (component, source.get("host"))))


def job_status(body: Json) -> str:
    for each in dig(body, "status.conditions") or ():
        if each["status"] == "True" and each["type"] in {"Complete", "Failed", "Suspended"}:
            return str(each["type"])
    return "Terminating" if "deletionTimestamp" in body["metadata"] else "Running"


def job_duration(body: Json) -> str:
    start, end = dig(body, "status.startTime"), dig(body, "status.completionTime")
    if not start:
        return ""
    return ages.ago(start, datetime.fromisoformat(end) if end else None)


def slice_ports(body: Json) -> str:
    return ",".join(str(port.get("port", "*")) for port in body.get("ports") or ()) or _UNSET


def few(addresses: list[str]) -> str:
    if not addresses:
        return _UNSET
    more = len(addresses) - _MOST_ENDPOINTS
    return ",".join(addresses[:_MOST_ENDPOINTS]) + (f" + {more} more..." if more > 0 else "")


def slice_addresses(body: Json) -> str:
    return few([address for each in body.get("endpoints") or () for address in each["addresses"]])


def endpoints(body: Json) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in body.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    return few(found) if found else NONE


def role(body: Json) -> str:
    return f"{body['roleRef']['kind']}/{body['roleRef']['name']}"


def subjects(kind: str) -> Cell:
    def cell(body: Json) -> str:
        listed = [each for each in body.get("subjects") or () if each["kind"] == kind]
        return ", ".join("/".join(filter(None, (each.get("namespace"), each["name"]))) for each in listed)

    return cell
