"""Why: a playbook knows no cluster; a drill says which deployment it meets."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from chaosctl.errors import Invalid
from chaosctl.model import Ref
from chaosctl.spec.playbook import Label, Metadata, ParameterText
from chaosctl.spec.problems import did_you_mean
from chaosctl.spec.schedule import Schedule, WindowsText
from chaosctl.spec.script import Target
from chaosctl.spec.written import Written

API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "Canary": "flagger.app/v1beta1",
    "InferenceService": "serving.kserve.io/v1beta1",
}
LONGEST_NAME_OF_DRILL = 50  # and "-202611240900" make a name of 63
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
_LONGEST_NAME = 253


class TargetText(Written):
    """One model deployment, as written."""

    context: str = ""
    namespace: Label
    workload: str = Field(description="KIND/NAME", examples=["Deployment/fraud-model"])
    service: str = Field(default="", description="The workload's name where it is left out.")
    port: PositiveInt | None = Field(default=None, le=65535)
    url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    protocol: str = "v2"
    model: str = ""
    container: str = ""
    rollback: Literal["watchdog", "none"] = "none"

    @model_validator(mode="after")
    def _named(self) -> "TargetText":
        try:
            workload_ref(self.namespace, self.workload)
        except Invalid as error:
            raise PydanticCustomError("workload", "{why}", {"why": str(error)}) from None
        return self

    def resolve(self) -> Target:
        """The target as the run knows it."""
        ref = workload_ref(self.namespace, self.workload)
        given = self.model_dump(exclude={"namespace", "workload", "service"})
        return Target(workload=ref, service=self.service or ref.name, **given)


class PlaybookRef(Written):
    """A playbook of the library by name, or one in a file beside the drill."""

    name: str | None = None
    file: str | None = None
    parameters: Mapping[str, ParameterText] = {}

    @model_validator(mode="after")
    def _one(self) -> "PlaybookRef":
        if (self.name is None) == (self.file is None):
            raise PydanticCustomError("one_of", 'say either "name" or "file"')
        return self


class DrillMetadata(Metadata):
    """As Kubernetes has it. The names of a drill's runs end in their time, so its own is short."""

    name: Annotated[Label, Field(max_length=LONGEST_NAME_OF_DRILL)]


class DrillSpec(Written):
    """Playbooks bound to a target; they run in this order."""

    target: TargetText
    playbooks: tuple[PlaybookRef, ...] = Field(min_length=1)
    schedule: Schedule | None = Field(default=None, description="When it runs by itself.")
    windows: WindowsText | None = Field(default=None, description="When it may run at all.")
    suspend: bool = Field(
        default=False, description="Whether the schedule sleeps; what it sleeps over is not missed."
    )
    keep: PositiveInt = Field(
        default=10, description="How many of its finished Runs stay as objects; their journals stay."
    )

    @property
    def timezone(self) -> str:
        """The zone that the windows are in where they name none."""
        return self.schedule.timezone if self.schedule else "UTC"


class Drill(Written):
    """Playbooks bound to a target."""

    api_version: Literal["chaosctl.dev/v1"]
    kind: Literal["Drill"]
    metadata: DrillMetadata
    spec: DrillSpec


def parse_target(text: str, context: str = "", rollback: Literal["watchdog", "none"] = "none") -> Target:
    """The target in `NS/KIND/NAME`, as on the command line. Raises Invalid."""
    namespace, _, workload = text.partition("/")
    if workload.count("/") != 1:
        raise Invalid(f'the target "{text}" is not NAMESPACE/KIND/NAME, like models/Deployment/fraud')
    ref = workload_ref(namespace, workload)
    try:
        return TargetText(
            namespace=namespace, workload=workload, context=context, rollback=rollback
        ).resolve()
    except ValidationError:
        raise Invalid(f'the target "{text}" names no namespace: "{ref.namespace}"') from None


def workload_ref(namespace: str, workload: str) -> Ref:
    """The object that `KIND/NAME` names. Raises Invalid."""
    kind, slash, name = workload.partition("/")
    if not slash:
        raise Invalid(f'"{workload}" is not KIND/NAME, like Deployment/{workload or "fraud"}')
    if kind not in API_VERSIONS:
        raise Invalid(f'no workload is called "{kind}"; {did_you_mean(kind, API_VERSIONS)}')
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise Invalid(f'"{name}" is no name of a Kubernetes object: lower-case letters, digits, "-" and "."')
    return Ref(api_version=API_VERSIONS[kind], kind=kind, namespace=namespace, name=name)
