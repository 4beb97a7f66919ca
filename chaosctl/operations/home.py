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
    def store(self) -> Path:
        return self.path / "store.db"

    @property
    def sandbox(self) -> Path:
        return self.path / "sandbox"

    def run(self, name: str) -> Path:
        """The folder of one run: its reports, and the request to stop it."""
        return self.path / "runs" / name

    def key(self) -> bytes:
        """The installation's key, by which ledgers are known to be ours; made when it is first needed."""
        file = self.path / "key"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            _make_once(file)
            key = bytes.fromhex(file.read_text())
        except (OSError, ValueError) as error:
            raise Invalid(
                f"{file}: {error}; chaosctl keeps its key there (CHAOSCTL_HOME names the folder)"
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
