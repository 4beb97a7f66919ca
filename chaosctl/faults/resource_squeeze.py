"""Why: a model that gets too little memory is killed, and one that asks for too much never starts."""

from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import JsonValue, model_validator

from chaosctl.faults.rollout import Rollout, resources
from chaosctl.model import Json


class ResourceSqueeze(Rollout):
    """Roll out other requests or limits of cpu, memory or devices; those that are not named stay.

    A memory limit below what the model needs has it killed (OOMKilled); a request that no node can give
    keeps the new pods Pending. No request may be above its limit: lower both.
    """

    kind: Literal["resource-squeeze"] = "resource-squeeze"
    requests: Mapping[str, str] = {}
    limits: Mapping[str, str] = {}

    @model_validator(mode="after")
    def _something_to_squeeze(self) -> Self:
        if not (self.requests or self.limits):
            raise ValueError('name what to squeeze: "requests" or "limits"')
        return self

    def wanted(self, workload: Json, container: str) -> Iterator[tuple[str, JsonValue]]:
        named = (("requests", self.requests), ("limits", self.limits))
        yield from resources(workload, container, [(what, amounts) for what, amounts in named if amounts])
