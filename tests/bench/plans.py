"""How long people wait for a plan on a large deployment."""

from crash.scene import Cluster
from crash.world import wait_for, world

from bench.tools import median, run

PODS = 1000
TIMES = 3
PLAYBOOK = """\
apiVersion: chaosctl.dev/v1
kind: Playbook
metadata: {name: bench}
spec:
  summary: Half of the pods die.
  probes: {ready: {kind: ready-replicas}}
  steadyState: [{probe: ready, min: 1}]
  timeline: [{at: 1s, inject: {kind: pod-kill, percent: 50%}, hold: 10s}]
"""


def thousand_pods():
    with world() as (folder, kubeconfig):
        cluster = Cluster(kubeconfig)
        cluster.furnish("bench")
        cluster.http.patch(
            "apis/apps/v1/namespaces/bench/deployments/model",
            json={"spec": {"replicas": PODS}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        wait_for(lambda: ready(cluster) == PODS, folder, 120)
        file = folder / "bench.yaml"
        file.write_text(PLAYBOOK)
        target = ("--target", "bench/Deployment/model", "--kubeconfig", str(kubeconfig))
        seconds = [run("plan", str(file), *target)[1] for _ in range(TIMES)]
    yield f"chaosctl plan over {PODS} pods, median of {TIMES}", f"{median(seconds):.1f} s", "≤ 2 s"


def ready(cluster):
    return cluster.get("apis/apps/v1/namespaces/bench/deployments/model")["status"].get("readyReplicas")
