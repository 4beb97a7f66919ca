"""Why: a difference between the sandbox and a cluster is a bug, or it stands in the docs with its reason."""

import pytest


def differs(reason: str, *, real: object, sandbox: object) -> pytest.MarkDecorator:
    """The test's fixture `expected` is `real` on a cluster, and `sandbox` on the sandbox."""
    return pytest.mark.differs(reason=reason, real=real, sandbox=sandbox)
