"""Why: a drill of a namespace is the same one to the controller, and to whoever asks when it runs."""

from chaosctl.catalog import Catalog, PlaybookFile
from chaosctl.catalog.crds import GROUP, VERSION
from chaosctl.catalog.objects import NO_FILES, drill_of, playbook_of, shipped
from chaosctl.errors import Gone, Invalid
from chaosctl.model import Ref
from chaosctl.ports import Reader
from chaosctl.spec.drill import Drill, PlaybookRef


async def drill_named(name: str, namespace: str, see: Reader) -> Drill:
    """A Drill object. Raises Invalid, ClusterError."""
    try:
        return drill_of(await see.get(_ref("Drill", namespace, name)))
    except Gone:
        raise Invalid(
            f'there is no Drill "{name}" in namespace {namespace}; '
            f"kubectl get drills -n {namespace} lists those that are"
        ) from None


async def playbook_named(wanted: PlaybookRef, namespace: str, see: Reader, catalog: Catalog) -> PlaybookFile:
    """A Playbook object of the namespace, else one of the library. Raises Invalid, ClusterError."""
    if wanted.name is None:
        raise Invalid(f'"file: {wanted.file}": {NO_FILES}; apply the Playbook and name it with "name"')
    try:
        return playbook_of(await see.get(_ref("Playbook", namespace, wanted.name)), catalog)
    except Gone:
        return shipped(wanted.name, catalog)


def _ref(kind: str, namespace: str, name: str) -> Ref:
    return Ref(api_version=f"{GROUP}/{VERSION}", kind=kind, namespace=namespace, name=name)
