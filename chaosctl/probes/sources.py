"""Why: a source that does not answer gives no data, whichever probe asked it, and never a value."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from chaosctl.errors import ClusterError, NoData
from chaosctl.model import Json, Model, Ref
from chaosctl.ports import Answers
from chaosctl.spec import Probe, Target, View
from chaosctl.targets.fields import is_leaving, is_ready


class ObjectName(Model):
    """A Kubernetes object as people name it; in the target's namespace unless it says another."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)

    api_version: str = "v1"
    kind: str
    name: str
    namespace: str | None = None
    """"" is for a cluster-wide object."""

    def ref(self, target: Target) -> Ref:
        namespace = target.namespace if self.namespace is None else self.namespace
        return Ref(api_version=self.api_version, kind=self.kind, namespace=namespace, name=self.name)


@contextmanager
def cluster() -> Iterator[None]:
    """What the cluster refuses to say is no data."""
    try:
        yield
    except ClusterError as error:
        raise NoData(str(error)) from error


async def fetch(view: View, ref: Ref) -> Json:
    """One object. Raises NoData."""
    with cluster():
        return await view.see.get(ref)


async def ready_pods(view: View) -> list[Json]:
    """The target's pods that get requests. Raises NoData."""
    with cluster():
        return [pod for pod in await view.see.pods(view.target.workload) if is_ready(pod)]


async def staying_pods(view: View) -> list[Json]:
    """The target's pods that are not being deleted. Raises NoData."""
    with cluster():
        return [pod for pod in await view.see.pods(view.target.workload) if not is_leaving(pod)]


class OfTraffic(Probe):
    """A probe of what was answered: to the workload, or to an entry of the timeline that sends traffic."""

    stream: Annotated[str, Field(description="An entry that sends traffic; else it is the workload's.")] = ""

    def answers(self, view: View) -> Answers:
        """What that traffic saw. Raises NoData."""
        if view.answers is None:
            raise NoData("no traffic is being sent, so there are no answers to look at")
        if not self.stream:
            return view.answers
        found = view.stream(self.stream)
        if found is None:
            raise NoData(f"{self.stream} has sent no traffic yet")
        return found
