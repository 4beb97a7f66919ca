"""Why: a drill breaks what controllers repair, so the sandbox has the ones that a drill meets."""
