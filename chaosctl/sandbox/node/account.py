"""Why: what runs in a pod has the rights of the pod's ServiceAccount and no others; else no Role is tried.

A pod here is a process like any other, so nothing can be mounted at the place where clients look for a token.
What a pod gets instead is a kubeconfig, and the variable that names it.
"""

from collections.abc import Callable
from pathlib import Path

from chaosctl.sandbox.api.objects import Json

Credentials = Callable[[str], str]  # a user -> the text of a kubeconfig


def write_credentials(
    pod: Json, account: Json | None, folder: Path, credentials: Credentials
) -> dict[str, str]:
    """The pod's kubeconfig as a file; the variable that tells where. Nothing where no token is wanted."""
    wanted = pod["spec"].get("automountServiceAccountToken")
    if wanted is None:
        wanted = (account or {}).get("automountServiceAccountToken", True)
    if not wanted:
        return {}
    name = pod["spec"].get("serviceAccountName") or "default"
    file = folder / "kubeconfig"
    file.touch(0o600)
    file.write_text(credentials(f"system:serviceaccount:{pod['metadata']['namespace']}:{name}"))
    return {"KUBECONFIG": str(file)}
