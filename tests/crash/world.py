"""Why: a sandbox with cheap pods and a guardian beside it, both real processes, both gone afterwards."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

LEASE = "apis/coordination.k8s.io/v1/namespaces/chaosctl-system/leases/chaosctl-guardian"


@contextmanager
def world(pods="objects", guardian=True):
    """The folder and the kubeconfig; CHAOSCTL_HOME points into the folder."""
    folder = Path(tempfile.mkdtemp(prefix="chaosctl-crash-"))
    os.environ["CHAOSCTL_HOME"] = str(folder / "home")
    kubeconfig = folder / "sandbox" / "kubeconfig"
    started = [start(folder, "-m", "chaosctl.sandbox", "--folder", str(folder / "sandbox"), "--pods", pods)]
    try:
        wait_for(kubeconfig.exists, folder)
        if guardian:
            started.append(start(folder, "-m", "chaosctl", "guardian", "--kubeconfig", str(kubeconfig)))
            wait_for(lambda: is_held(kubeconfig), folder)
        yield folder, kubeconfig
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def start(folder, *arguments):
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([sys.executable, *arguments], stdout=log, stderr=log)


def wait_for(done, folder, seconds=30):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, (folder / "log").read_text()[-2000:]
        time.sleep(0.02)


def is_held(kubeconfig):
    """Whether a guardian holds the Lease."""
    server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    return httpx.get(f"{server}/{LEASE}").status_code == 200
