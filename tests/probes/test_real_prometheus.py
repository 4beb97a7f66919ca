"""Why: the probe must understand a real Prometheus that scrapes a real model, not our idea of one."""

import asyncio
import shutil
import socket
import sys

import httpx
import pytest
from probes.views import read, view

from chaosctl.errors import NoData
from chaosctl.operations.http import PlainHttp

WITHIN = 30  # seconds
CONFIG = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: model
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def until(answers):
    """Poll until it answers without an error."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                return await answers()
            except (httpx.HTTPError, NoData):
                await asyncio.sleep(0.05)


async def ended(process):
    process.terminate()
    await process.wait()


@pytest.fixture
async def prometheus(tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    port, own = free_port(), free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG.format(port=port))
    model = (
        "-m",
        "chaosctl.sandbox.model",
        "--version",
        "stable",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    )
    options = (f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}")
    listening = (f"--web.listen-address=127.0.0.1:{own}", "--log.level=error")
    server = await asyncio.create_subprocess_exec(sys.executable, *model)
    scraper = await asyncio.create_subprocess_exec("prometheus", *options, *listening)
    try:
        yield f"http://127.0.0.1:{own}"
    finally:
        await ended(scraper)
        await ended(server)


async def test_a_query_reads_what_a_real_prometheus_scraped_from_a_real_model(prometheus):
    async with PlainHttp() as http:

        async def asked(query):
            return await read({"kind": "prometheus", "url": prometheus, "query": query}, view(http=http))

        up = await until(lambda: asked('up{job="model"}'))
        assert up.value in (0, 1)
        assert (await asked("scalar(vector(3))")).value == 3
        with pytest.raises(NoData, match="the query gives nothing"):
            await asked("no_such_metric")
        with pytest.raises(NoData, match="refused the query"):
            await asked("not a query (")
