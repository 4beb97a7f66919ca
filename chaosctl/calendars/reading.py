"""Why: a freeze is announced by changing a calendar, so it is read anew each time that somebody asks.

A file is read where a person runs a drill on their machine; in a cluster the calendar is in a ConfigMap.
"""

from pathlib import Path

from chaosctl.calendars.windows import ALWAYS, Calendar, calendar_of
from chaosctl.errors import Gone, Invalid
from chaosctl.model import Ref
from chaosctl.ports import Reader
from chaosctl.spec.windows import MAX_BYTES, Blackout, Windows


async def calendar_in(windows: Windows | None, namespace: str, see: Reader) -> Calendar:
    """When a drill in this namespace may run, as it stands now. Raises Invalid, ClusterError."""
    if windows is None:
        return ALWAYS
    place = windows.blackout
    if place is None or place.file:
        return calendar_here(windows)
    return calendar_of(windows, await _of_a_config_map(place, namespace, see))


def calendar_here(windows: Windows | None) -> Calendar:
    """The same without a cluster. Raises Invalid; so does a calendar that lies in one."""
    if windows is None:
        return ALWAYS
    place = windows.blackout
    if place is None:
        return calendar_of(windows)
    if not place.file:
        raise Invalid(f"{place} is in the cluster; say which one, with --context or --kubeconfig")
    return calendar_of(windows, _of_a_file(place))


def _of_a_file(place: Blackout) -> str:
    try:
        with Path(place.file).open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("utf-8-sig")
    except OSError as error:
        raise Invalid(f"{place} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Invalid(f"{place} is not UTF-8; export the calendar again") from None


async def _of_a_config_map(place: Blackout, namespace: str, see: Reader) -> str:
    ref = Ref(kind="ConfigMap", namespace=namespace, name=place.config_map)
    try:
        data = (await see.get(ref)).get("data")
    except Gone:
        raise Invalid(f"{ref} does not exist; create it, or leave the blackout out") from None
    if not isinstance(data, dict) or place.key not in data:
        raise Invalid(f'{ref} has no key "{place.key}"; put the calendar there')
    return str(data[place.key])
