from pathlib import Path

import pytest

from chaosctl.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "store.db"


@pytest.fixture
def store(path):
    with Store(path) as opened:
        yield opened
