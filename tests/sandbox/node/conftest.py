from pathlib import Path

import pytest
from sandbox.node.lab import Kubectl, Lab, laboratory


@pytest.fixture
async def lab(tmp_path: Path):
    async with laboratory(tmp_path / "sandbox") as found:
        yield found


@pytest.fixture
async def objects(tmp_path: Path):
    async with laboratory(tmp_path / "sandbox", pods="objects") as found:
        yield found


@pytest.fixture
def kubectl(lab: Lab, tmp_path: Path) -> Kubectl:
    tool = Kubectl(lab.sandbox.kubeconfig, tmp_path / "home")
    if tool.program is None:
        pytest.skip("kubectl is not on PATH")
    return tool
