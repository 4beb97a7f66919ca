"""Why: a container's environment and files come from its spec, resolved as a kubelet does it."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from chaosctl.sandbox.api.objects import Json, dig

Find = Callable[[str, str], Json | None]  # (plural, name) -> the object in the pod's namespace

_REFERENCE = re.compile(r"\$\$|\$\(([^()\s]+)\)")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_KINDS = {"configmaps": "configmap", "secrets": "secret"}


class ConfigError(Exception):
    """What the spec refers to is not there. The message is the container's waiting message."""


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where known; `$$` stands for one dollar."""
    return _REFERENCE.sub(
        lambda match: "$" if match[0] == "$$" else env.get(match[1], match[0]),
        text,
    )


def environment(pod: Json, container: Json, base: Mapping[str, str], find: Find) -> dict[str, str]:
    """The container's variables over a base. ConfigError if one cannot be resolved."""
    env = dict(base)
    for source in container.get("envFrom") or ():
        env |= _env_from(source, find)
    for variable in container.get("env") or ():
        value = _value(pod, variable, env, find)
        if value is not None:
            env[variable["name"]] = value
    return env


def write_volumes(pod: Json, folder: Path, find: Find) -> dict[str, str]:
    """ConfigMap, Secret and empty volumes as folders; the variables that tell where. ConfigError as above."""
    variables = {}
    for volume in dig(pod, "spec.volumes") or ():
        place = folder / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        for name, content in _files(volume, find):
            file = place / name
            if not file.resolve().is_relative_to(place.resolve()):
                raise ConfigError(f'invalid path "{name}" in volume "{volume["name"]}"')
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        variables["CHAOSCTL_VOLUME_" + re.sub(r"\W", "_", volume["name"]).upper()] = str(place)
    return variables


def _env_from(source: Json, find: Find) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    plural = "configmaps" if "configMapRef" in source else "secrets"
    data = _data(plural, source.get("configMapRef") or source["secretRef"], find)
    return {prefix + name: content.decode(errors="replace") for name, content in (data or {}).items()}


def _value(pod: Json, variable: Json, env: Mapping[str, str], find: Find) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return expand(variable.get("value") or "", env)
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"], env)
    if "configMapKeyRef" in source:
        return _key(pod, "configmaps", source["configMapKeyRef"], find)
    if "secretKeyRef" in source:
        return _key(pod, "secrets", source["secretKeyRef"], find)
    raise ConfigError(f"the sandbox cannot resolve {', '.join(source)} of variable {variable['name']}")


def _field(pod: Json, path: str, env: Mapping[str, str]) -> str:
    if match := _SUBSCRIPT.fullmatch(path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path in {"status.podIP", "status.podIPs"}:  # known before it is in the status
        return env["POD_IP"]
    return str(dig(pod, path) or "")


def _key(pod: Json, plural: str, reference: Json, find: Find) -> str | None:
    data = _data(plural, reference, find)
    if data is not None and reference["key"] in data:
        return data[reference["key"]].decode(errors="replace")
    if reference.get("optional"):
        return None
    kind = "ConfigMap" if plural == "configmaps" else "Secret"
    where = f"{kind} {pod['metadata']['namespace']}/{reference['name']}"
    raise ConfigError(f"couldn't find key {reference['key']} in {where}")


def _data(plural: str, reference: Json, find: Find) -> dict[str, bytes] | None:
    """What a ConfigMap or Secret holds; None if it is missing and may be. ConfigError if it may not."""
    name = reference.get("name") or reference["secretName"]
    found = find(plural, name)
    if found is None:
        if reference.get("optional"):
            return None
        raise ConfigError(f'{_KINDS[plural]} "{name}" not found')
    if plural == "secrets":
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
    return {key: value.encode() for key, value in (found.get("data") or {}).items()} | binary


def _files(volume: Json, find: Find) -> Iterator[tuple[str, bytes]]:
    plural = "configmaps" if "configMap" in volume else "secrets"
    source = volume.get("configMap") or volume.get("secret")
    if source is None:
        return
    data = _data(plural, source, find) or {}
    chosen = {item["key"]: item["path"] for item in source.get("items") or ()} or {key: key for key in data}
    for key, path in chosen.items():
        if key in data:
            yield path, data[key]
        elif not source.get("optional"):
            raise ConfigError(f"references non-existent config key: {key}")
