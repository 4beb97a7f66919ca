"""Why: where a target answers is decided in one place, for drills and for whoever looks before them."""

from chaosctl.changes import look
from chaosctl.errors import Invalid
from chaosctl.model import Json, Ref
from chaosctl.ports import Reader
from chaosctl.spec import Target
from chaosctl.traffic.address import Address, address


async def service_address(target: Target, see: Reader) -> Address:
    """Where the target answers: its URL, else its Service's own address and port. Raises Invalid."""
    if target.url:
        return address(target.url)
    service = await see.get(Ref(kind="Service", namespace=target.namespace, name=target.service))
    host = look(service, "/spec/clusterIP")
    if not host or host == "None":
        raise Invalid(
            f"Service {target.namespace}/{target.service} has no address of its own; give the target a url"
        )
    return Address(str(host), target.port or _port(service, target))


def _port(service: Json, target: Target) -> int:
    ports = look(service, "/spec/ports")
    if not isinstance(ports, list) or len(ports) != 1:
        raise Invalid(f"Service {target.namespace}/{target.service} has several ports; give the target one")
    return int(str(look(ports[0], "/port")))
