"""Why: a drill must run anywhere, so the sandbox brings its own Kubernetes API, in process and on loopback."""
