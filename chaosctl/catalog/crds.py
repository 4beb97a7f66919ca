"""Why: what people write in files they also apply to a cluster, whose API server must know the same fields.

A CustomResourceDefinition is made from the models. Its schema is structural: no references, no choice between
kinds, a type for every value but for those that may be several. What it cannot say (which fields a kind of
fault has, say) is checked by whoever reads the object.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from pydantic import BaseModel, JsonValue

from chaosctl.catalog.schema import PARAMETER, plain
from chaosctl.model import Json
from chaosctl.spec.drill import Drill
from chaosctl.spec.playbook import Playbook
from chaosctl.spec.run import DrillStatus, Run, RunStatus

GROUP, VERSION = "chaosctl.dev", "v1"
TAGS = ("kind", "process")  # fields that say which one of several bodies it is
OPEN = "x-kubernetes-preserve-unknown-fields"
EITHER = "x-kubernetes-int-or-string"
RULES = "x-kubernetes-validations"
BY_TYPE: Json = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
MOST = 1000  # elements of a list: without bounds, the API server cannot tell what its rules cost
LONGEST = 80  # characters of an amount; the longest name of a parameter fits
_REF = "#/$defs/"
_LITERAL = frozenset({"Metadata", "Parameter"})  # no parameter may stand in these
_KEPT = ("format", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")

CONSTRAINTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "RunSpec": (
        ("has(self.drill) != has(self.playbook)", 'say either "drill" or "playbook"'),
        (
            "has(self.playbook) == has(self.target)",
            '"playbook" and "target" belong together; a drill has its own',
        ),
    ),
    "PlaybookRef": (
        (
            "has(self.name) && !has(self.file)",
            'a cluster has no files: apply the playbook, and write its "name"',
        ),
    ),
}
"""Rules (CEL) and messages, by the model that they hold for."""


class Column(NamedTuple):
    """What `kubectl get` shows. Those of a higher priority need `-o wide`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


class Kind(NamedTuple):
    """A custom resource, and how people call it."""

    model: type[BaseModel]
    plural: str
    columns: tuple[Column, ...]
    status: type[BaseModel] | None = None
    short: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.model.__name__

    @property
    def full_name(self) -> str:
        return f"{self.plural}.{GROUP}"


AGE = Column("Age", ".metadata.creationTimestamp", "date")
KINDS: tuple[Kind, ...] = (
    Kind(Playbook, "playbooks", (Column("Summary", ".spec.summary"), AGE), short=("pb",)),
    Kind(
        Drill,
        "drills",
        (
            Column("Target", ".spec.target.workload"),
            Column("Next", ".status.nextScheduled"),
            Column("Last run", ".status.lastRun"),
            Column("Verdict", ".status.verdict"),
            AGE,
            Column("Message", ".status.message", priority=1),
        ),
        DrillStatus,
    ),
    Kind(
        Run,
        "runs",
        (
            Column("Playbook", ".status.playbook"),
            Column("Target", ".status.target"),
            Column("Phase", ".status.phase"),
            Column("Verdict", ".status.verdict"),
            Column("Revert", ".status.revert"),
            Column("Detect", ".status.clocks.detect"),
            Column("Recover", ".status.clocks.recover"),
            AGE,
            Column("Drill", ".spec.drill", priority=1),
            Column("Journal", ".status.run", priority=1),
            Column("Message", ".status.message", priority=1),
        ),
        RunStatus,
        short=("crun",),
    ),
)


def definitions() -> Mapping[str, Json]:
    """The CustomResourceDefinitions, by plural."""
    return {kind.plural: definition(kind) for kind in KINDS}


def definition(kind: Kind) -> Json:
    """One kind's CustomResourceDefinition."""
    names: Json = {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower()}
    names |= {"listKind": f"{kind.name}List", "categories": ["chaosctl"]}
    if kind.short:
        names["shortNames"] = [*kind.short]
    version: Json = {"name": VERSION, "served": True, "storage": True}
    version["additionalPrinterColumns"] = [_column(column) for column in kind.columns]
    version["schema"] = {"openAPIV3Schema": _whole(kind)}
    if kind.status:
        version["subresources"] = {"status": {}}
    spec: Json = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}
    head: Json = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**head, "metadata": {"name": kind.full_name}, "spec": spec}


def _column(column: Column) -> Json:
    shown: Json = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return {**shown, "priority": column.priority} if column.priority else shown


def _whole(kind: Kind) -> Json:
    body = plain(kind.model)
    structure = _Structure(cast("Json", body["$defs"]), templated=kind.model is Playbook)
    fields = cast("Json", body["properties"])
    properties: Json = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    properties["metadata"] = {"type": "object", "properties": {"name": structure.name(fields["metadata"])}}
    properties["spec"] = structure.of(fields["spec"])
    if kind.status:
        status = plain(kind.status)
        shapes = _Structure(cast("Json", status.pop("$defs", {})), templated=False)
        properties["status"] = shapes.of(status)
    about = cast("str", body["description"])
    return {"type": "object", "description": about, "required": ["spec"], "properties": properties}


class _Structure:
    """JSON Schema made structural. `templated`: a parameter may stand wherever a scalar may."""

    def __init__(self, known: Json, *, templated: bool) -> None:
        self._known = known
        self._templated = templated

    def name(self, metadata: JsonValue) -> Json:
        """What an object may be called."""
        reference = cast("str", cast("Json", metadata)["$ref"]).removeprefix(_REF)
        fields = cast("Json", cast("Json", self._known[reference])["properties"])
        return _scalar(cast("Json", fields["name"]), templated=False)

    def of(self, value: JsonValue, *, templated: bool | None = None) -> Json:
        body = cast("Json", value)
        inside = self._templated if templated is None else templated
        reference = body.get("$ref")
        if isinstance(reference, str):
            return self._named(reference.removeprefix(_REF), body, inside)
        made = self._shape(body, inside)
        return {**made, **_about(body)}

    def _named(self, name: str, body: Json, templated: bool) -> Json:  # noqa: FBT001 - as `of` has it
        made = self.of(self._known[name], templated=templated and name not in _LITERAL)
        rules: list[JsonValue] = [
            {"rule": rule, "message": message} for rule, message in CONSTRAINTS.get(name, ())
        ]
        return {**made, **({RULES: rules} if rules else {}), **_about(body)}

    def _shape(self, body: Json, templated: bool) -> Json:  # noqa: FBT001 - as `of` has it
        if "oneOf" in body:
            choices = [self.of(one, templated=templated) for one in cast("list[JsonValue]", body["oneOf"])]
            return _merged(choices) if all("properties" in one for one in choices) else {OPEN: True}
        if "anyOf" in body:
            return self._any(body, templated)
        match body.get("type"):
            case "object":
                return self._object(body, templated)
            case "array":
                return {"type": "array", **self._items(body, templated), "maxItems": MOST, **_limits(body)}
            case _:
                return _scalar(body, templated=templated)

    def _any(self, body: Json, templated: bool) -> Json:  # noqa: FBT001 - as `of` has it
        choices = [cast("Json", one) for one in cast("list[JsonValue]", body["anyOf"])]
        choices = [one for one in choices if one.get("type") != "null"]
        if len(choices) == 1:
            return self.of(choices[0], templated=templated)
        if [one.get("type") for one in choices] != ["string", "integer"]:
            return {OPEN: True}
        text, number = choices
        return {EITHER: True, "maxLength": LONGEST, **_text(text, templated=templated), **_only(number)}

    def _items(self, body: Json, templated: bool) -> Json:  # noqa: FBT001 - as `of` has it
        items = cast("Json", body.get("items", {}))
        made: Json = {"items": self.of(items, templated=templated)}
        return made | (BY_TYPE if items.get("$ref") == f"{_REF}Condition" else {})

    def _object(self, body: Json, templated: bool) -> Json:  # noqa: FBT001 - as `of` has it
        fields = cast("Json", body.get("properties", {}))
        if not fields:
            return {"type": "object", "additionalProperties": self.of(_values(body), templated=templated)}
        made: Json = {"type": "object"}
        made["properties"] = {
            name: self.of(one, templated=templated and name not in TAGS) for name, one in fields.items()
        }
        if body.get("required"):
            made["required"] = body["required"]
        if body.get("additionalProperties"):
            made[OPEN] = True
        return made


def _values(body: Json) -> JsonValue:
    """What the values of a mapping are. Its keys cannot be checked: structural schemas do not say."""
    patterns = cast("Json", body.get("patternProperties", {}))
    return next(iter(patterns.values()), body.get("additionalProperties", {}))


def _merged(choices: Iterable[Json]) -> Json:
    """One object with the fields of every choice, and the tags by which they differ."""
    properties: Json = {}
    tags: list[JsonValue] = []
    required = True
    for choice in choices:
        fields = cast("Json", choice["properties"])
        tag = next(name for name in TAGS if name in fields)
        tags += cast("list[JsonValue]", cast("Json", fields[tag])["enum"])
        required = required and tag in cast("list[JsonValue]", choice.get("required", []))
        properties |= fields
    properties[tag] = {"type": "string", "enum": tags}
    return {"type": "object", "properties": properties, **({"required": [tag]} if required else {})}


def _scalar(body: Json, *, templated: bool) -> Json:
    kind = body.get("type")
    if not isinstance(kind, str):
        return {OPEN: True}
    if kind == "string":
        return {"type": "string", **_text(body, templated=templated)}
    if not templated:
        return {"type": kind, **_limits(body)}
    if kind == "integer":
        return {EITHER: True, "pattern": PARAMETER, **_limits(body)}
    return {OPEN: True}


def _text(body: Json, *, templated: bool) -> Json:
    choices = body.get("enum", [body["const"]] if "const" in body else None)
    if not templated:
        found = {"pattern": body["pattern"]} if "pattern" in body else {}
        return {**found, **_limits(body), **({"enum": choices} if choices else {})}
    pattern = f"^({'|'.join(map(str, cast('list[str]', choices)))})$" if choices else body.get("pattern")
    limits = {key: value for key, value in _limits(body).items() if key != "maxLength" or not pattern}
    return {**limits, "pattern": f"{pattern}|{PARAMETER}"} if pattern else limits


def _only(number: Json) -> Json:
    """Where text is the rule, a number may be one value at most."""
    rule = f"type(self) == string || self == {number['const']}"
    return {RULES: [{"rule": rule, "message": "a number needs its unit: write it like 90s, 3m or 250ms"}]}


def _limits(body: Json) -> Json:
    found: Json = {key: body[key] for key in _KEPT if key in body}
    for side in ("minimum", "maximum"):
        bound = f"exclusive{side.capitalize()}"
        if bound in body:
            found |= {side: body[bound], bound: True}
    return found


def _about(body: Json) -> Json:
    """The description, with the default: the API server fills in nothing, so that files stay as written."""
    words = [str(body["description"])] if "description" in body else []
    if default := body.get("default"):
        words.append(f"Default: {str(default).lower() if isinstance(default, bool) else default}.")
    return {"description": " ".join(words)} if words else {}
