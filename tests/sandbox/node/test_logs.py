"""What `kubectl logs` shows."""

import asyncio
from contextlib import suppress

from sandbox.node.lab import Kubectl, Lab, get, pod, ready_probe


async def test_the_last_lines_and_the_start_before(lab: Lab, kubectl: Kubectl):
    script = "for i in 1 2 3 4 5; do echo line $i; done; test -e $HOME/x && sleep 600; touch $HOME/x; exit 1"
    lab.create("pods", pod("one", "test/shell:1", args=[script]))
    await lab.until(
        lambda: (lab.status("pods", "one").get("containerStatuses") or [{}])[0].get("restartCount") == 1
    )
    while "line 5" not in (text := await kubectl("logs", "one")):
        assert text in "line 1\nline 2\nline 3\nline 4\nline 5\n"
    assert await kubectl("logs", "one", "--tail=2") == "line 4\nline 5\n"
    assert (await kubectl("logs", "one", "--previous")).count("line") == 5
    assert await kubectl("logs", "one", "--tail=0") == ""


async def test_following_ends_with_the_container(lab: Lab, kubectl: Kubectl):
    lab.create("pods", pod("one", readinessProbe=ready_probe(), spec={"restartPolicy": "Never"}))
    await lab.until(lambda: lab.running("one"))
    following = asyncio.create_task(kubectl("logs", "-f", "one"))
    with suppress(ConnectionError):
        await get(lab.status("pods", "one")["podIP"], 8080, "/exit")
    text = await following
    assert text.splitlines()[-1] == "asked to exit"


async def test_a_container_that_has_not_started_has_no_log(lab: Lab, kubectl: Kubectl):
    lab.create("pods", pod("bad", "nothing:1"))
    await lab.until(lambda: "Failed" in lab.reasons("bad"))
    assert "is waiting to start: " in await kubectl("logs", "bad", code=1)
    assert "previous terminated container" in await kubectl("logs", "bad", "--previous", code=1)
