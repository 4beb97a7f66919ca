"""Why: on a cluster of others a demonstration is a guest: it asks first, and leaves nothing behind, ever."""

import signal

import pytest
from cli.installation import Installation, finished, until


def on_its_cluster(alone: Installation, *options: str):
    """An installation with a cluster that knows our images, and what leads a demonstration to it."""
    cluster = alone.up(*options)
    return cluster, ("demo", "--kubeconfig", str(cluster.kubeconfig))


def spaces(cluster):
    return {one["metadata"]["name"] for one in cluster.get("api/v1/namespaces")["items"]}


def furnishing(cluster):
    """The model is being started."""
    return "models" in spaces(cluster) and cluster.items("deployments")


def running(cluster):
    """A drill is under way."""
    return "models" in spaces(cluster) and "open" in cluster.ledgers()


@pytest.mark.parametrize("when", [furnishing, running], ids=lambda when: when.__name__)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_interrupted_it_takes_everything_away_again(alone: Installation, when, number):
    cluster, command = on_its_cluster(alone, "--empty")
    before = spaces(cluster)
    demo = alone.start(*command)
    until(lambda: when(cluster))
    demo.send_signal(number)
    done = finished(demo)
    assert (done.code, spaces(cluster)) == (3, before), done.err
    assert "removing the namespace models" in done.out


def test_where_the_namespace_is_taken_nothing_is_touched(alone: Installation):
    cluster, command = on_its_cluster(alone)
    before = cluster.picture()
    refused = alone(*command)
    assert (refused.code, cluster.picture()) == (2, before)
    assert "the namespace models exists" in refused.err


def test_after_one_that_was_killed_it_says_what_removes_the_rest(alone: Installation):
    cluster, command = on_its_cluster(alone, "--empty")
    demo = alone.start(*command)
    until(lambda: furnishing(cluster))
    demo.send_signal(signal.SIGKILL)
    finished(demo)
    refused = alone(*command)
    assert refused.code == 2
    assert "kubectl delete namespace models" in refused.err
    assert "models" in spaces(cluster)


def test_an_image_that_the_cluster_cannot_get_is_named_soon(alone: Installation):
    cluster, command = on_its_cluster(alone, "--empty")
    done = alone(*command, CHAOSCTL_IMAGE="nowhere.example/chaosctl:9")
    assert (done.code, "models" in spaces(cluster)) == (2, False)
    assert "nowhere.example/chaosctl:9" in done.err
    assert "build-the-image.md" in done.err
