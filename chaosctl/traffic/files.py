"""Why: each connection is an open file; a limit that is too low must be said before the first request."""

import resource

from chaosctl.errors import Invalid

OTHERS = 64  # files that this process needs for itself


def enough_files(connections: int) -> None:
    """Raise this process's limit of open files to what so many connections need. Raises Invalid."""
    needed = connections + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Invalid(
            f"{connections} connections need {needed} open files, and this process may have {hard}: "
            f"ask for fewer with --connections, or raise the limit (ulimit -Hn {needed})"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
