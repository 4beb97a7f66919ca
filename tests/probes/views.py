"""Why: probes differ in what they look at, and in nothing else that a test must set up."""

from datetime import timedelta

from chaosctl.probes import PROBES
from chaosctl.spec import Target, View
from chaosctl.testing import EPOCH, FakeAnswers, FakeCluster, FakeHttp, Sample, deployment, deployment_ref

TARGET = Target(workload=deployment_ref("fraud"), service="fraud")
END = EPOCH + timedelta(seconds=10)
KINDS = {probe.model_fields["kind"].default: probe for probe in PROBES}


def some_cluster(*more):
    """Three ready pods of fraud."""
    return FakeCluster(deployment("fraud"), *more, startup=timedelta())


def sample(second=1, **fields):
    return Sample(due=EPOCH + timedelta(seconds=second), **fields)


def view(*samples, cluster=None, http=None, before=None, answers=True):
    seen = FakeAnswers(samples) if answers else None
    return View(TARGET, cluster or some_cluster(), http or FakeHttp(), seen, EPOCH, END, before)


async def read(body, at):
    """What the probe with this body reads."""
    return await KINDS[body["kind"]].model_validate(body).read(at)
