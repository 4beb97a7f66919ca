"""Why: some promises are kept, or broken, at an endpoint of somebody else."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaosctl.errors import NoData
from chaosctl.model import Counts, Reading
from chaosctl.probes.headers import HeaderValue, Url, resolved
from chaosctl.spec import Probe, View


class HttpAnswer(Probe):
    """Whether an endpoint answers with the expected status; no answer at all is a bad one."""

    unit: ClassVar[str] = "share"
    counts: ClassVar[bool] = True
    kind: Literal["http"] = "http"
    url: Url
    method: Literal["GET", "HEAD", "POST", "PUT", "OPTIONS"] = "GET"
    headers: Mapping[str, HeaderValue] = {}
    status: Annotated[int, Field(ge=100, le=599)] = 200

    async def read(self, view: View) -> Reading:
        headers = await resolved(self.headers, view)
        try:
            status, _ = await view.http.request(self.method, self.url, headers=headers)
        except NoData:
            status = None
        bad = status != self.status
        moment = view.end if bad else None
        return Counts(bad=bad, n=1, start=view.start, end=view.end, first_bad=moment, last_bad=moment)
