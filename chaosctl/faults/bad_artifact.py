"""Why: a model is its weights; a server that cannot find them, or finds others, is a bad release too."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import JsonValue, model_validator

from chaosctl.changes import look
from chaosctl.errors import CannotPlan
from chaosctl.faults.rollout import Rollout, variables
from chaosctl.model import Json
from chaosctl.targets.fields import items, text

POD = "/spec/template/spec"
MISSING = "chaosctl-no-such-artifact"
WAYS = ("volume", "variable", "argument", "mount", "init")
BORROWED = ("securityContext", "resources")
SOURCES = {"configMap": "name", "secret": "secretName"}


class BadArtifact(Rollout):
    """Roll out a template in which the model's artifact is missing, or another one.

    Say one of: `volume`, whose ConfigMap or Secret becomes `source`; `variable` or `argument`, which gets
    the value `path`; `mount`, a volume whose mount gets `path` as its subPath; or `init`, an init container
    that runs `command`, from `image` where one is given. Where there is none of that name it is added, with
    the security context and the resources of the container. What is not said is something that does not
    exist, or fails.
    """

    kind: Literal["bad-artifact"] = "bad-artifact"
    volume: str = ""
    source: str = ""
    variable: str = ""
    argument: str = ""
    mount: str = ""
    path: str = ""
    init: str = ""
    image: str = ""
    command: tuple[str, ...] = ("false",)

    @model_validator(mode="after")
    def _one_way_to_spoil_it(self) -> Self:
        if sum(bool(getattr(self, way)) for way in WAYS) != 1:
            raise ValueError(f"say what is bad in one way: {', '.join(WAYS)}")
        return self

    def wanted(self, workload: Json, container: str) -> Iterator[tuple[str, JsonValue]]:
        if self.volume:
            yield self._volume(workload), self.source or MISSING
        elif self.variable:
            yield from variables(workload, container, {self.variable: self._path})
        elif self.argument:
            yield f"{container}/args", list(self._arguments(look(workload, f"{container}/args")))
        elif self.mount:
            at = _named(workload, f"{container}/volumeMounts", self.mount)
            yield f"{at}/subPath", self._path.lstrip("/")
        else:
            yield from self._init(workload, container)

    @property
    def _path(self) -> str:
        return self.path or f"/{MISSING}"

    def _volume(self, workload: Json) -> str:
        at = _named(workload, f"{POD}/volumes", self.volume)
        for source, name in SOURCES.items():
            if look(workload, f"{at}/{source}"):
                return f"{at}/{source}/{name}"
        raise CannotPlan(f'volume "{self.volume}" comes from neither a ConfigMap nor a Secret: name another')

    def _arguments(self, present: JsonValue) -> Iterator[JsonValue]:
        """The arguments with another value of `argument`, which may be written as one or two."""
        found, follows = False, False
        for argument in present if isinstance(present, list) else []:
            joined = str(argument).startswith(f"{self.argument}=")
            yield self._path if follows else f"{self.argument}={self._path}" if joined else argument
            follows = argument == self.argument
            found = found or follows or joined
        if not found:
            yield f"{self.argument}={self._path}"

    def _init(self, workload: Json, container: str) -> Iterator[tuple[str, JsonValue]]:
        present = items(workload, f"{POD}/initContainers")
        if self.init in [text(one, "/name") for one in present]:
            at = _named(workload, f"{POD}/initContainers", self.init)
            yield f"{at}/command", list(self.command)
            yield f"{at}/image", self.image or look(workload, f"{at}/image")
            return
        image = self.image or text(workload, f"{container}/image")
        added: Json = {"name": self.init, "image": image, "command": list(self.command)}
        # As the model's own, or a policy or a quota of the namespace keeps the pods away.
        added |= {key: found for key in BORROWED if (found := look(workload, f"{container}/{key}"))}
        yield f"{POD}/initContainers", [*present, added]


def _named(workload: Json, path: str, name: str) -> str:
    """The path of the element of a list that has this name. Raises CannotPlan."""
    names = [text(item, "/name") for item in items(workload, path)]
    if name not in names:
        what = path.rpartition("/")[2]
        raise CannotPlan(f'none of the {what} is called "{name}": there is {", ".join(names) or "none"}')
    return f"{path}/{names.index(name)}"
