"""Why: `python -m chaosctl.sandbox.model` is what a node of the sandbox runs as the model's image."""

import os
import sys

import uvloop

from chaosctl.sandbox.model.serve import ModelServer
from chaosctl.sandbox.model.settings import Settings, settings


async def serve(chosen: Settings) -> None:
    await ModelServer(chosen).serve()


if __name__ == "__main__":
    uvloop.run(serve(settings(sys.argv[1:], os.environ)))
