"""Why: drills must be possible without a cluster, so chaosctl brings one: small, local, gone when it ends."""
