import pytest
from store.places import OnDisk, OnServer

from chaosctl.store import Store


@pytest.fixture
def on_disk(tmp_path):
    return OnDisk(tmp_path / "home" / "store.db")


@pytest.fixture
def on_server(postgres):
    """A database of its own, so that no test sees what another one left."""
    name = postgres.database()
    yield OnServer(postgres.url(name), postgres, name)
    postgres.drop(name)


@pytest.fixture(params=["on_disk", "on_server"])
def place(request):
    """Each kind of database."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(place):
    with Store(place.where) as opened:
        yield opened
