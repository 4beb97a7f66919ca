"""Why: `python -m chaosctl.traffic.proxy` is the image `chaosctl.dev/proxy`."""

import os
import sys

import uvloop

from chaosctl.traffic.proxy.serve import Proxy
from chaosctl.traffic.proxy.settings import Settings, settings


async def serve(chosen: Settings) -> None:
    await Proxy(chosen).serve()


if __name__ == "__main__":
    uvloop.run(serve(settings(sys.argv[1:], os.environ)))
