import pytest
from postgres import server


@pytest.fixture(scope="session")
def postgres():
    """A server for all tests of a worker."""
    with server() as started:
        yield started
