"""Why: what a model owes its users stands beside it, in one ConfigMap a namespace, for its team to change.

A rule that cannot be read is no rule: the watchdog says so and does not act, rather than guess.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import ConfigDict, Field, PositiveInt, ValidationError
from pydantic.alias_generators import to_camel

from chaosctl.errors import Gone
from chaosctl.model import Json, Model, Ref
from chaosctl.ports import Reader
from chaosctl.spec import Duration, Share, Target
from chaosctl.spec.problems import Mistakes
from chaosctl.spec.source import parse
from chaosctl.spec.validation import problems_of
from chaosctl.targets.fields import text, texts

CONFIG = "chaosctl-watchdog"
MODEL = "chaosctl.dev/model"


class _Written(Model):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class AtMost(_Written):
    """A share that must not be exceeded. One of 0 could never be shown, nor one of 1 refuted."""

    max: Annotated[Share, Field(gt=0, lt=1)]


class AtLeast(_Written):
    """A share that must be reached. One of 1 could never be shown, nor one of 0 refuted."""

    min: Annotated[Share, Field(gt=0, lt=1)]


class Objectives(_Written):
    """What must hold of a revision. Without `agreement`, answers are not compared with known ones."""

    errors: AtMost = AtMost(max=0.05)
    agreement: AtLeast | None = AtLeast(min=0.95)
    crash_loop: bool = True
    progress_deadline: bool = True


class Limits(_Written):
    """At most so many rollbacks `within` a time, and a pause after each. A drill's are counted apart."""

    rollbacks: PositiveInt = 3
    within: Duration = timedelta(minutes=10)
    back_off: Duration = timedelta(seconds=30)


class Rules(_Written):
    """One Deployment's entry in the ConfigMap. Names left empty are the Deployment's own."""

    service: str = ""
    port: PositiveInt | None = None
    protocol: str = "v2"
    model: str = ""
    objectives: Objectives = Objectives()
    limits: Limits = Limits()

    def target(self, workload: Json, ref: Ref) -> Target:
        """Where the Deployment answers; its model is named by a rule, else by its label."""
        return Target(
            workload=ref,
            service=self.service or ref.name,
            port=self.port,
            protocol=self.protocol,
            model=self.model or texts(workload, "/metadata/labels").get(MODEL, ref.name),
        )


async def rules_of(workload: Ref, see: Reader) -> Rules:
    """The rules of a Deployment, the defaults where nobody wrote any. Raises Invalid, ClusterError."""
    where = Ref(kind="ConfigMap", namespace=workload.namespace, name=CONFIG)
    try:
        body = await see.get(where)
    except Gone:
        return Rules()
    written = text(body.get("data"), f"/{workload.name}")
    return read(written, f"{where}, {workload.name}") if written else Rules()


def read(written: str, name: str) -> Rules:
    """Rules as people write them, in YAML; `name` is what errors call them. Raises Mistakes."""
    source = parse(written, name)
    if source.problems:
        raise Mistakes(source.problems)
    try:
        return Rules.model_validate(source.tree)
    except ValidationError as error:
        raise Mistakes(list(problems_of(error, Rules, source, source.tree))) from None
