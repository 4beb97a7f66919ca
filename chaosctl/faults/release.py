"""Why: most outages begin with a release."""

from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import JsonValue, model_validator

from chaosctl.faults.rollout import Rollout, resources, variables
from chaosctl.model import Json


class Release(Rollout):
    """Roll out another image, other variables, arguments or resources, as a bad release would.

    Variables and resources that are not named stay as they are.
    """

    kind: Literal["release"] = "release"
    image: str = ""
    env: Mapping[str, str] = {}
    args: tuple[str, ...] | None = None
    resources: Mapping[Literal["requests", "limits"], Mapping[str, str]] = {}

    @model_validator(mode="after")
    def _something_to_release(self) -> Self:
        if not (self.image or self.env or self.args is not None or self.resources):
            raise ValueError('name what to release: "image", "env", "args" or "resources"')
        return self

    def wanted(self, workload: Json, container: str) -> Iterator[tuple[str, JsonValue]]:
        if self.image:
            yield f"{container}/image", self.image
        if self.args is not None:
            yield f"{container}/args", list(self.args)
        yield from variables(workload, container, self.env)
        if self.resources:
            yield from resources(workload, container, self.resources.items())
