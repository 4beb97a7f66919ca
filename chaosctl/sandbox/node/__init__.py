"""Why: a drill must meet real processes that really die, so the sandbox's node runs every pod as one."""
