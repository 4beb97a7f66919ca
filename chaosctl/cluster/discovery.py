"""Why: any kind can be a target, also one unheard of. The cluster says where its objects are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, cast
from urllib.parse import quote

from chaosctl.errors import Gone
from chaosctl.model import Json, Ref


class Resource(NamedTuple):
    """A kind, as URLs name it."""

    group: str
    version: str
    plural: str
    namespaced: bool

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, ref: Ref) -> str:
        """Of one object; of its collection where it has no name."""
        space = f"/namespaces/{quote(ref.namespace)}" if self.namespaced and ref.namespace else ""
        name = f"/{quote(ref.name)}" if ref.name else ""
        return f"{self.root}{space}/{self.plural}{name}"


@dataclass
class Discovery:
    """Finds resources by kind. What it has learned it keeps; on a miss it looks once more."""

    get: Callable[[str], Awaitable[Json]]
    _known: dict[tuple[str, str], Resource] = field(default_factory=dict)

    async def resource(self, ref: Ref) -> Resource:
        """Raises Gone where the cluster does not know the kind."""
        key = ref.api_version, ref.kind
        if key not in self._known:
            self._known.update(await self._look(ref.api_version))
        if key not in self._known:
            raise Gone(f"the cluster knows no {ref.kind} in {ref.api_version}; is its CRD installed?")
        return self._known[key]

    async def _look(self, api_version: str) -> dict[tuple[str, str], Resource]:
        group, _, version = api_version.rpartition("/")
        listed = await self.get(Resource(group, version, "", namespaced=False).root)
        return {
            (api_version, str(one["kind"])): Resource(
                group, version, str(one["name"]), namespaced=bool(one["namespaced"])
            )
            for one in cast("list[Json]", listed.get("resources") or [])
            if "/" not in str(one["name"])
        }
