import pytest
from controller.place import Installation
from controller.place import place as one_place


@pytest.fixture(scope="session")
def place():
    """One for all tests of a worker."""
    with one_place() as made:
        yield made


@pytest.fixture(scope="module")
def installation(place, request):
    """One replica that leads, for all tests of a module; each has a namespace of its own."""
    name = request.module.__name__.rpartition(".")[2].replace("_", "-")
    made = Installation(place, name)
    made.start()
    made.leader()
    yield made
    made.end()


@pytest.fixture
def space(request):
    """The name of a namespace that nobody else uses."""
    return "n-" + format(abs(hash(request.node.nodeid)), "x")
