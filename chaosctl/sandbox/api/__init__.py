"""Why: a drill must run anywhere, so the sandbox brings a Kubernetes API of its own, on loopback."""
