"""A real cluster, as every test here gets it. `tests/e2e/run` says which one."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.place import Place, new_namespace

Kubectl = Callable[..., str]


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """Of a cluster whose Services can be reached from here."""
    named = os.environ.get("KUBECONFIG_E2E")
    assert named, "these tests need a real cluster: make e2e"
    return Path(named)


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    """kubectl's output; what it refused is an AssertionError with its words."""

    def run(*args: str, stdin: str | None = None) -> str:
        command = ["kubectl", "--kubeconfig", str(kubeconfig), *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, f"{' '.join(args)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def place(kubeconfig: Path) -> Iterator[Place]:
    """The cluster, to look at and to furnish."""
    found = Place(kubeconfig)
    yield found
    found.close()


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """One of its own for a test."""
    with new_namespace(kubectl) as name:
        yield name
