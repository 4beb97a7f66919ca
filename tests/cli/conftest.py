import pytest
from cli.installation import Installation


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """One for all tests of a worker, with its sandbox up."""
    home = tmp_path_factory.mktemp("cli") / "home"
    home.mkdir()
    installation = Installation(home)
    installation.up()
    yield installation
    installation.down()


@pytest.fixture
def alone(tmp_path):
    """One without a sandbox, or with one that the test starts."""
    home = tmp_path / "home"
    home.mkdir()
    installation = Installation(home)
    yield installation
    installation.down()


@pytest.fixture
def cluster(installation):
    return installation.up()
