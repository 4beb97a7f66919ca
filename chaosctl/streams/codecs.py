"""Why: a target names its protocol; what that means is looked up here, and others may add theirs."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from chaosctl.errors import Invalid
from chaosctl.streams.protocol import Codec
from chaosctl.streams.v2 import V2

BUILT_IN: Mapping[str, Callable[[str], Codec]] = MappingProxyType({"v2": V2})


def codec(protocol: str, model: str, known: Mapping[str, Callable[[str], Codec]] = BUILT_IN) -> Codec:
    """The codec for a protocol's name, towards a model. Raises Invalid for a name that nobody knows."""
    if protocol not in known:
        raise Invalid(f"no protocol {protocol!r}; there are {', '.join(known)}")
    return known[protocol](model)
