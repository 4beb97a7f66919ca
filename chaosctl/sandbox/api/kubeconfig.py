"""Why: kubectl and every client library find a cluster by a kubeconfig."""

from urllib.parse import urlsplit

_NAME = "chaosctl-sandbox"


def kubeconfig(url: str, namespace: str = "default") -> str:
    """A kubeconfig, as YAML, for a server URL whose path carries the token. Raises ValueError for no URL."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError(f"{url!r} is no server URL")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": {"server": url}}],
        "users": [{"name": _NAME, "user": {}}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": namespace}}],
        "current-context": _NAME,
    }
    import yaml  # noqa: PLC0415  # not needed to serve

    return str(yaml.safe_dump(config, sort_keys=False))
