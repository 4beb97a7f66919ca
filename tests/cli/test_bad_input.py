"""Why: whoever makes a mistake must learn what, where and what to do; and nothing may have been touched."""

import os

import pytest
import yaml
from cli.installation import Cluster, Installation, finished, until
from cli.playbooks import playbook

NOOP = {"kind": "noop"}
TARGET = ("--target", "models/Deployment/sample-model")
NAMESPACES = "api/v1/namespaces"
DEPLOYMENTS = "apis/apps/v1/namespaces/{}/deployments"
SERVERLESS = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "a", "user": {}}],
    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    "current-context": "a",
}
BOMB = "a: &a [x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n"
TAG = 'apiVersion: chaosctl.dev/v1\nkind: !!python/object/apply:os.system ["touch pwned"]\n'


def text(name, content):
    def write(folder):
        file = folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(file)

    return write


def own(**changes):
    def write(folder):
        return playbook(folder, changes.pop("inject", NOOP), **changes)

    return write


FILES = {
    "an unknown fault": (own(inject={"kind": "nop"}), "inject.kind", 'unknown fault "nop"', '"noop"'),
    "an unknown field": (own(expects=[]), "spec.expects", "unknown field", '"expect"'),
    "an unknown field of a fault": (
        own(inject={"kind": "scale-down", "replica": 1}),
        "inject.replica",
        "unknown field",
        '"replicas"',
    ),
    "an unknown probe": (
        own(probes={"x": {"kind": "eror-rate"}}),
        "probes.x.kind",
        "unknown probe",
        "error-rate",
    ),
    "a deadline in the past": (own(hold="-3s"), "timeline[0].hold", "no duration", "90s"),
    "no time at all": (own(hold="0s"), "timeline[0].hold", "more than 0 s", "own.yaml:"),
    "a file outside its folder": (
        own(workload={"requests": {"file": "../../etc/passwd"}, "arrival": {"rate": "1/s"}}),
        "requests.file",
        "leads outside the folder",
        "copy the file into it",
    ),
    "a YAML bomb": (
        text("bomb.yaml", BOMB),
        "bomb.yaml:1",
        "anchors and aliases are not allowed",
        "write the value",
    ),
    "a language tag": (text("tag.yaml", TAG), "tag.yaml:2", "python/object/apply", "remove it"),
    "10 MB of YAML": (
        text("big.yaml", "a: " + "x" * 10_000_000),
        "big.yaml",
        "larger than 1 MiB",
        "right file?",
    ),
    "a binary": (text("b.yaml", os.urandom(64) + b"\0\xff"), "b.yaml", "binary file", "YAML or JSON"),
    "an empty file": (text("empty.yaml", ""), "empty.yaml", "is empty", "chaosctl schema playbook"),
    "a folder": (str, "", "is a folder", "name a file in it"),
    "a file that is not there": (
        lambda folder: str(folder / "no.yaml"),
        "no.yaml",
        "does not exist",
        "check",
    ),
    "a name that nothing has": (lambda _folder: "nop", '"nop"', "nothing that ships is called so", '"noop"'),
}

OPTIONS = {
    "no target": ((), "noop", "knows no cluster", "--target NAMESPACE/KIND/NAME"),
    "half a target": (("--target", "models"), '"models"', "is not NAMESPACE/KIND/NAME", "like"),
    "a kind that is none": (("--target", "models/Deploymint/x"), "Deploymint", "no workload", '"Deployment"'),
    "a parameter without a value": (("--sandbox", "--set", "a"), '--set "a"', "write NAME=VALUE", ""),
    "a parameter that is unknown": (("--sandbox", "--set", "a=1"), "noop.yaml", 'unknown parameter "a"', ""),
    "a report of no kind": (("--sandbox", "--report", "xml=f"), '"xml=f"', "junit=FILE or json=FILE", ""),
    "a report nowhere": (("--sandbox", "--report", "json=/no/f"), "/no", "does not exist", ""),
    "no kubeconfig": (
        (*TARGET, "--kubeconfig", "/no/file"),
        "/no/file",
        "no such kubeconfig",
        "--kubeconfig",
    ),
}


@pytest.fixture
def untouched(cluster: Cluster):
    """What the target is, before and after."""
    before = cluster.picture()
    yield
    assert cluster.picture() == before
    assert set(cluster.ledgers()) <= {"closed"}


def refused(done, *words):
    """Exit 2 and one message on stderr, without a traceback."""
    assert (done.code, done.out) == (2, ""), (done.code, done.out, done.err)
    assert [word for word in words if word not in done.err] == [], done.err
    assert "Traceback" not in done.err
    assert len(done.err) < 2000


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("mistake", FILES)
def test_a_file_with_a_mistake_is_refused_with_place_and_remedy(mistake, installation, tmp_path):
    write, *words = FILES[mistake]
    refused(installation("run", write(tmp_path), "--sandbox"), *words)
    assert not (installation.home.parent / "pwned").exists()


@pytest.mark.parametrize("mistake", OPTIONS)
def test_an_option_with_a_mistake_is_refused_with_a_remedy(mistake, installation):
    options, *words = OPTIONS[mistake]
    refused(installation("run", "noop", *options), *words)


def test_bad_input_is_not_journalled(alone: Installation):
    alone("run", "nop", "--sandbox")
    assert alone("runs", "list", "--output", "json").json == []


def test_a_cluster_that_cannot_be_reached_is_named(alone: Installation, tmp_path):
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(SERVERLESS))
    done = alone("run", "noop", *TARGET, "--kubeconfig", str(file))
    refused(done, "http://127.0.0.1:9", "no answer", "is the cluster up")
    done = alone("run", "noop", *TARGET, "--kubeconfig", str(file), "--context", "b")
    refused(done, "no usable context 'b'", "kubectl config get-contexts")


def furnished(cluster: Cluster, name: str, labels, **spec):
    """A namespace with a Deployment and a Service, whose pods need not be there."""
    cluster.request("POST", NAMESPACES, {"metadata": {"name": name, "labels": labels}})
    model = cluster.model()
    body = {"metadata": {"name": "sample-model"}, "spec": {**model["spec"], "replicas": 1, **spec}}
    cluster.request("POST", DEPLOYMENTS.format(name), body)
    return f"{name}/Deployment/sample-model"


def guards_of(done, installation):
    """The guards that objected; the refusal is in the journal."""
    refused(done, "REFUSED", "nothing was touched")
    newest = installation("runs", "list", "--output", "json").json[0]
    assert newest["verdict"] == "refused"
    lines = [line.strip() for line in done.err.splitlines() if line.startswith("  ")]
    return [line.partition(":")[0] for line in lines], done.err


@pytest.mark.usefixtures("untouched")
def test_a_target_that_is_not_there_is_refused(installation):
    done = installation("run", "noop", "--sandbox", "--target", "models/Deployment/nothing")
    guards, said = guards_of(done, installation)
    assert guards == ["target exists"]
    assert "check namespace, kind, name and context" in said


def test_a_namespace_that_has_not_opted_in_is_refused_with_the_command_that_opts_in(installation, cluster):
    target = furnished(cluster, "private", {})
    guards, said = guards_of(installation("run", "noop", "--sandbox", "--target", target), installation)
    assert "namespace opted in" in guards
    assert "kubectl label namespace private chaosctl.dev/drills=allowed" in said
    assert cluster.ledgers("private") == []


def test_a_target_that_is_not_healthy_is_refused(installation, cluster):
    template = {**cluster.model()["spec"]["template"]}
    container = {**template["spec"]["containers"][0], "image": "registry.example/none:1"}
    template["spec"] = {**template["spec"], "containers": [container]}
    target = furnished(cluster, "ill", {"chaosctl.dev/drills": "allowed"}, template=template)
    guards, said = guards_of(installation("run", "noop", "--sandbox", "--target", target), installation)
    assert "target settled and healthy" in guards
    assert "repair it first" in said


def test_a_target_without_pods_is_refused(installation, cluster):
    target = furnished(cluster, "asleep", {"chaosctl.dev/drills": "allowed"}, replicas=0)
    guards, said = guards_of(installation("run", "noop", "--sandbox", "--target", target), installation)
    assert "selector matches" in guards
    assert "there is nothing to break" in said


@pytest.mark.usefixtures("untouched")
def test_who_has_no_permission_is_told_which_one_is_missing(installation, cluster, tmp_path):
    account = cluster.request("POST", f"{NAMESPACES}/models/serviceaccounts", {"metadata": {"name": "guest"}})
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"{NAMESPACES}/models/serviceaccounts/{account['metadata']['name']}/token"
    token = cluster.request("POST", path, asked)["status"]["token"]
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = cluster.url.partition("/t/")[0]
    config["users"][0]["user"] = {"token": token}
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    done = installation("run", "noop", *TARGET, "--kubeconfig", str(file))
    refused(done, "guest", "cannot")


@pytest.mark.usefixtures("untouched")
def test_a_bug_is_told_as_a_bug_with_where_to_report_it(installation, tmp_path):
    """A broken dependency, as after a bad upgrade: something that no code of ours expects."""
    (tmp_path / "yaml.py").write_text("raise ZeroDivisionError('broken')")
    done = installation("run", "noop", "--sandbox", PYTHONPATH=str(tmp_path))
    assert (done.code, done.out) == (70, "")
    assert "a bug of ours: ZeroDivisionError: broken" in done.err
    assert "Please report it" in done.err
    assert "Traceback" not in done.err
    (details,) = installation.home.parent.glob("chaosctl-bug-*.txt")
    assert "Traceback" in details.read_text()


def test_a_second_run_on_the_same_target_is_refused(alone: Installation):
    """In a sandbox of its own: two runs at once would disturb others."""
    alone.up()
    first = alone.start("run", playbook(alone.home, NOOP, hold="20s"), "--sandbox", "--quiet")
    cluster = alone.up()
    until(lambda: cluster.ledgers() == ["open"])
    guards, said = guards_of(alone("run", "noop", "--sandbox"), alone)
    assert guards == ["no other run"]
    assert "chaosctl abort" in said
    (going,) = [run["id"] for run in alone("runs", "list", "--output", "json").json if run["phase"] != "done"]
    assert alone("abort", going).code == 0
    assert finished(first).code == 3
