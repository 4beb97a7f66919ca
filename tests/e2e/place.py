"""Why: tests on a real cluster look at it and furnish it in the same way: raw JSON, as its admin."""

import base64
import json
import secrets
import ssl
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

WEB = "knode.local/web:1"
READY_WITHIN = 120.0
BY_THE_CLUSTER = ("kube-root-ca.crt",)
RESIDUE = "all,cm,lease,netpol,resourcequota,hpa,pdb,sa,role,rolebinding,secret"


def until(done, within=READY_WITHIN, say=lambda: ""):
    """The first true answer of `done`."""
    end = time.monotonic() + within
    while not (found := done()):
        assert time.monotonic() < end, f"not within {within:.0f} s: {say()}"
        time.sleep(0.1)
    return found


@contextmanager
def new_namespace(kubectl):
    """The name of one in which drills are allowed; gone afterwards, with all that is in it."""
    name = f"e2e-{secrets.token_hex(3)}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "chaosctl.dev/drills=allowed")
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--timeout=120s")


class Place:
    """A real cluster."""

    def __init__(self, kubeconfig):
        self.kubeconfig = Path(kubeconfig)
        config = yaml.safe_load(self.kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=_pem(cluster, "certificate-authority"))
        with tempfile.NamedTemporaryFile("w") as both:
            both.write(_pem(user, "client-certificate") + _pem(user, "client-key"))
            both.flush()
            context.load_cert_chain(both.name)
        self.http = httpx.Client(base_url=cluster["server"], verify=context, timeout=30)

    def close(self):
        self.http.close()

    def kubectl(self, *arguments, given=None):
        """kubectl's output; what it refused is an AssertionError with its words."""
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, *bodies):
        self.kubectl(
            "apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
        )

    def get(self, path):
        """The object or list at a path of the API; None where there is none."""
        answer = self.http.get(path)
        return None if answer.status_code == 404 else answer.json()

    def furnish(self, namespace, replicas=3, image=WEB):
        """A namespace with a Deployment, its Service and a ConfigMap, in which drills are allowed; ready."""
        label = {"chaosctl.dev/drills": "allowed"}
        self.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": label}}
        )
        name = {"name": "model", "namespace": namespace}
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"MODE": "right"}}
        ports = [{"name": "http", "port": 8080, "targetPort": 8080}]
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "spec": {"selector": {"app": "model"}, "ports": ports},
        }
        workload = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": _spec(replicas, image)}
        self.apply(
            {**settings, "metadata": {**name, "name": "settings"}},
            *({**body, "metadata": name} for body in (service, workload)),
        )
        until(lambda: self.is_ready(namespace), say=lambda: self.kubectl("get", "pods", "-n", namespace))

    def workload(self, namespace):
        return self.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/model")

    def is_ready(self, namespace):
        body = self.workload(namespace)
        status, wanted = body.get("status", {}), body["spec"]["replicas"]
        counts = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas"))
        current = status.get("observedGeneration") == body["metadata"]["generation"]
        return current and all(count == wanted for count in counts)

    def ledger(self, namespace):
        """What the ledger of the namespace says, or None."""
        found = self.get(f"/api/v1/namespaces/{namespace}/configmaps?labelSelector=chaosctl.dev/ledger")
        return next((json.loads(one["data"]["ledger"]) for one in found["items"]), None)

    def run(self, namespace, name="drill"):
        """The status of a Run."""
        body = self.get(f"/apis/chaosctl.dev/v1/namespaces/{namespace}/runs/{name}")
        return (body or {}).get("status", {})

    def lease(self, namespace, name="chaosctl-controller"):
        body = self.get(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")
        return (body or {}).get("spec", {}).get("holderIdentity", "")

    def delete(self, namespace):
        self.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=150s")

    def facts(self, namespace):
        """Everything of a namespace that must be as before a drill, without what no undo can bring back."""
        listed = json.loads(self.kubectl("get", RESIDUE, "-n", namespace, "-o", "json"))["items"]
        kept = [one for one in listed if not _passing(one)]
        return {f"{one['kind']}/{one['metadata']['name']}": lasting(one) for one in kept}

    def everything(self):
        """All of the cluster, as people would look whether something was left; pods come and go."""
        listed = json.loads(self.kubectl("get", RESIDUE, "-A", "-o", "json"))["items"]
        kept = [one for one in listed if one["kind"] not in ("Pod", "Event")]
        return {
            f"{one['kind']}/{one['metadata'].get('namespace', '')}/{one['metadata']['name']}": lasting(one)
            for one in kept
            if one["kind"] != "Lease" or one["metadata"]["namespace"] != "kube-node-lease"
        }


def lasting(body):
    """What of an object stays the same when nobody changes it; of a ReplicaSet only its template."""
    metadata = body["metadata"]
    skipped = ("deployment.kubernetes.io/", "kubectl.kubernetes.io/last-applied")
    annotations = {
        key: value for key, value in metadata.get("annotations", {}).items() if not key.startswith(skipped)
    }
    managers = sorted({one["manager"] for one in metadata.get("managedFields", [])} - {"kubectl-rollout"})
    kept = {
        key: value for key, value in body.items() if key in ("spec", "data", "rules", "subjects", "roleRef")
    }
    if body["kind"] in ("Lease", "Endpoints"):
        kept = {}
    return {**kept, "labels": metadata.get("labels", {}), "annotations": annotations, "managers": managers}


def difference(before, after):
    """In words, cut."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return "; ".join(f"{name}: {before.get(name)} became {after.get(name)}" for name in names)[:900]


def _passing(body):
    metadata = body["metadata"]
    ours = "chaosctl.dev/ledger" in metadata.get("labels", {})
    return ours or body["kind"] in ("Pod", "Event", "Lease") or metadata["name"] in BY_THE_CLUSTER


def _pem(given, name):
    if f"{name}-data" in given:
        return base64.b64decode(given[f"{name}-data"]).decode()
    return Path(given[name]).read_text()


def _spec(replicas, image):
    container = {
        "name": "model",
        "image": image,
        "env": [{"name": "MODE", "value": "right"}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    return {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "model"}},
        "template": {
            "metadata": {"labels": {"app": "model"}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
        },
    }
