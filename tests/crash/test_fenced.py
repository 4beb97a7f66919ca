import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request, tmp_path):
    if request.param == "SQLite":
        return tmp_path / "store.db"
    postgres = request.getfixturevalue("postgres")
    return postgres.url(postgres.database())


def test_a_run_that_slept_while_another_process_took_it_over_leaves_the_cluster_to_that_one(place):
    command = [sys.executable, "-m", "crash.fenced", str(place)]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finished, aborted" in done.stdout
