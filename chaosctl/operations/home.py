"""Why: everything that we keep on this machine lies in one folder, for people to find and to remove."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from chaosctl.cluster.lease import SYSTEM
from chaosctl.errors import Invalid

KEY_BYTES = 32
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Home:
    """The state folder: `$CHAOSCTL_HOME`, by default the XDG state folder."""

    path: Path

    @property
    def store(self) -> Path | str:
        """`$CHAOSCTL_STORE`, a path or a `postgresql://` URL; by default a file in this folder."""
        named = os.environ.get("CHAOSCTL_STORE", "").strip()  # a Secret's file may end in a new line
        return named if "://" in named else Path(named or self.path / "store.db").absolute()

    @property
    def sandbox(self) -> Path:
        return self.path / "sandbox"

    def run(self, name: str) -> Path:
        """The folder of one run: its reports, and the request to stop it."""
        return self.path / "runs" / name

    @property
    def key_file(self) -> Path:
        """`$CHAOSCTL_KEY_FILE`, such as a mounted Secret; by default a file in this folder."""
        return Path(os.environ.get("CHAOSCTL_KEY_FILE") or self.path / "key").absolute()

    def key(self) -> bytes:
        """The installation's key, by which ledgers are known to be ours.

        Made when it is first needed; one that `$CHAOSCTL_KEY_FILE` names must be there.
        """
        file = self.key_file
        try:
            if file.parent == self.path:
                self.path.mkdir(parents=True, exist_ok=True)
                _make_once(file)
            key = bytes.fromhex(file.read_text())
        except (OSError, ValueError) as error:
            raise Invalid(
                f"{file}: {error}; chaosctl keeps its key there (CHAOSCTL_HOME names the folder, or "
                "CHAOSCTL_KEY_FILE the file)"
            ) from None
        if len(key) != KEY_BYTES:
            raise Invalid(f"{file} is not {KEY_BYTES} bytes in hexadecimal; was it cut?")
        return key


def home() -> Home:
    """Where state is kept, made absolute."""
    named = os.environ.get("CHAOSCTL_HOME")
    if named:
        return Home(Path(named).absolute())
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Home(Path(state).absolute() / "chaosctl")


def system() -> str:
    """The namespace of our own Leases, as whoever looks for them knows it: `$CHAOSCTL_NAMESPACE`."""
    return os.environ.get("CHAOSCTL_NAMESPACE") or SYSTEM


def own_namespace() -> str:
    """The same, as a process of ours in a cluster knows it: where it runs itself."""
    return os.environ.get("CHAOSCTL_NAMESPACE") or os.environ.get("POD_NAMESPACE") or _of_pod() or SYSTEM


def _of_pod() -> str:
    """What Kubernetes tells every pod that may talk to its API."""
    try:
        return POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _make_once(file: Path) -> None:
    """Whole or not at all, and by one process only: two keys would be two installations."""
    if file.exists():
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_hex(KEY_BYTES))
    try:
        os.link(draft, file)
    except FileExistsError:
        pass  # somebody else was faster; theirs counts
    finally:
        draft.unlink()
