"""Why: even a ledger that carries our code must not make us write anywhere: its key may have leaked."""

from collections.abc import Iterator

from chaosctl.model import Plan, Ref, Step

WIDE = frozenset({"Node"})  # kinds that belong to no namespace, and that faults change
NEVER = frozenset({"Secret"})


def beyond(where: Ref, plan: Plan) -> str:
    """Why a plan cannot be in this ledger; empty where it can."""
    for ref in (ref for step in plan for ref in _refs(step)):
        if ref.kind in NEVER:
            return f"{ref}: its values would lie readable in the ledger; use a ConfigMap"
        if ref.namespace != where.namespace and ref.kind not in WIDE:
            return f"{ref} is outside of {where.namespace}; a run changes nothing outside of its namespace"
    return ""


def _refs(step: Step) -> Iterator[Ref]:
    return (value for _, value in step if isinstance(value, Ref))
