"""Why: a playbook may name files, and shipped playbooks have names; neither may lead anywhere else."""

from collections.abc import Mapping
from pathlib import Path

from chaosctl.errors import Invalid
from chaosctl.spec.problems import did_you_mean

_PACKAGE = Path(__file__).resolve().parent.parent
_SUFFIXES = (".yaml", ".yml", ".json")


def inside(folder: Path, name: str) -> Path:
    """The file that a document in `folder` names. Raises Invalid where it is elsewhere or not there."""
    if Path(name).is_absolute():
        raise Invalid(f'"{name}" is an absolute path; name a file in the same folder')
    try:
        found = (folder / name).resolve()
        is_file = found.is_file()
    except (OSError, ValueError, RuntimeError):
        raise Invalid(f'"{name[:80]}" is not a file name') from None
    if not found.is_relative_to(folder.resolve()):
        raise Invalid(f'"{name}" leads outside the folder {folder}; copy the file into it')
    if not is_file:
        raise Invalid(f'"{name}" does not exist in {folder}, or is not a file')
    return found


def library(what: str = "playbooks") -> Mapping[str, Path]:
    """The shipped files by name: `playbooks` or `drills`. From the wheel, or from the checkout beside it."""
    shipped = _PACKAGE / "library" / what
    folder = shipped if shipped.is_dir() else _PACKAGE.parent / what
    return {path.stem: path for path in sorted(folder.glob("*")) if path.suffix in _SUFFIXES}


def find_playbook(name_or_path: str) -> Path:
    """A shipped playbook or drill by its name, or a file by its path. Raises Invalid."""
    known = {**library("drills"), **library("playbooks")}
    if name_or_path in known:
        return known[name_or_path]
    if "/" in name_or_path or name_or_path.endswith(_SUFFIXES) or _is_there(name_or_path):
        return Path(name_or_path)
    hint = did_you_mean(name_or_path, known)
    raise Invalid(f'"{name_or_path[:80]}" is no file, and nothing that ships is called so; {hint}')


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:
        return False  # too long for a file name
