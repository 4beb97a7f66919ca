"""Why: a drill must be tried within a minute on any machine, so a cluster and a model come with one command.

The sandbox is a process of its own. Guardian and watchdog run in it as they would in any cluster: as pods in
the namespace chaosctl-system.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from chaosctl.cluster.owner import Owner, lives, process_owner
from chaosctl.errors import Invalid
from chaosctl.operations.home import home
from chaosctl.operations.manifests import MODELS, images, model, namespace
from chaosctl.operations.seed import Seeder

START_WITHIN = 20.0
READY_WITHIN = 60.0
STOP_WITHIN = 20.0
LOOK_AGAIN = 0.02
PROCESS = "process.json"


@dataclass(frozen=True)
class SandboxState:
    """A sandbox, as it is. Times are seconds since `up` was asked."""

    folder: Path
    is_up: bool
    pid: int = 0
    api_after: float | None = None
    ready_after: float | None = None

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def as_text(self) -> str:
        if not self.is_up:
            return "the sandbox is not up; chaosctl sandbox up starts it"
        times = ""
        if self.api_after is not None:
            ready = f", the model ready after {self.ready_after:.1f} s" if self.ready_after else ""
            times = f"; the API answered after {self.api_after:.1f} s{ready}"
        return f"the sandbox is up (process {self.pid}){times}\nexport KUBECONFIG={self.kubeconfig}"


def status(folder: Path | None = None) -> SandboxState:
    """Whether a sandbox is up in this folder, by default in the state folder."""
    folder = folder or home().sandbox
    try:
        owner = Owner.model_validate_json((folder / PROCESS).read_text())
    except (OSError, ValueError):
        return SandboxState(folder, is_up=False)
    up = lives(owner) and (folder / "kubeconfig").exists()
    return SandboxState(folder, is_up=up, pid=owner.pid)


def up(  # noqa: PLR0913 - what can be chosen about it
    *,
    empty: bool = False,
    kubeconfig: Path | None = None,
    config: Path | None = None,
    watchdog: bool = True,
    folder: Path | None = None,
    owner: int | None = None,
) -> SandboxState:
    """Start a sandbox and wait until its model is ready; one that is up already is left as it is.

    With `owner` it ends when that process has ended and nothing is left to undo. Raises Invalid.
    """
    found = status(folder)
    if not found.is_up:
        found = _start(found.folder, _with_images(config), owner)
        ready = _furnish(found, empty=empty, watchdog=watchdog)
        found = SandboxState(
            found.folder, is_up=True, pid=found.pid, api_after=found.api_after, ready_after=ready
        )
    if kubeconfig is not None:
        shutil.copyfile(found.kubeconfig, kubeconfig)
        kubeconfig.chmod(0o600)
    return found


def down(folder: Path | None = None) -> str:
    """Stop a sandbox and remove what it wrote."""
    found = status(folder)
    if found.is_up:
        _stop(found.pid)
    shutil.rmtree(found.folder, ignore_errors=True)
    return "the sandbox is down" if found.is_up else "no sandbox was up"


@contextmanager
def for_one_run(progress: Callable[[str], None]) -> Iterator[SandboxState]:
    """The sandbox that is up, or one that lasts as long as this block, and no longer than this process."""
    found = status()
    if found.is_up:
        yield found
        return
    folder = home().path / f"sandbox-{os.getpid()}"
    progress("starting a sandbox for this run")
    try:
        yield up(folder=folder, owner=os.getpid())
    finally:
        down(folder)


def _with_images(config: Path | None) -> dict[str, object]:
    """The sandbox's configuration: the user's, with our own images added."""
    written = _read(config) if config else {}
    theirs = written.get("images") or {}
    return {**written, "images": {**images(), **theirs}} if isinstance(theirs, dict) else written


def _read(config: Path) -> dict[str, object]:
    """Checked here, where a person can be told. Raises Invalid."""
    from chaosctl.sandbox.cluster import SandboxConfig  # noqa: PLC0415 - heavy, and rarely needed

    try:
        written = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
        SandboxConfig.model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        example = "images: {my/model:1: [./serve, --bind, '{ip}']}"
        raise Invalid(f"{config}: {where}: {first['msg']}; write it like {example}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Invalid(f"{config}: {error}") from None
    return dict(written)


def _start(folder: Path, config: dict[str, object], owner: int | None) -> SandboxState:
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    home().key()
    (folder / "config.yaml").write_text(yaml.safe_dump(_placed(config)))
    command = [sys.executable, "-m", "chaosctl.sandbox", "--folder", str(folder)]
    command += ["--config", str(folder / "config.yaml")]
    command += ["--owner-pid", str(owner)] if owner is not None else []
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (folder / PROCESS).write_text(process_owner(process.pid).model_dump_json())
    _until(lambda: (folder / "kubeconfig").exists() or process.poll() is not None, START_WITHIN, folder)
    if process.poll() is not None:
        raise Invalid(f"the sandbox did not start:\n{_tail(folder)}")
    return SandboxState(folder, is_up=True, pid=process.pid, api_after=time.monotonic() - began)


def _placed(config: dict[str, object]) -> dict[str, object]:
    """Our images' commands know where the state folder and the key are."""
    text = json.dumps(config)
    places = {"@home@": home().path, "@key@": home().key_file}
    for name, place in places.items():
        text = text.replace(name, str(place))
    return dict(json.loads(text))


def _furnish(found: SandboxState, *, empty: bool, watchdog: bool) -> float | None:
    """Put the model and our keepers into it; seconds until the model was ready."""
    began = time.monotonic() - (found.api_after or 0.0)
    with Seeder(found.kubeconfig) as seeder:
        ready = None
        if not empty:
            seeder.apply((namespace(), *model(watchdog=watchdog)))
        from chaosctl.operations.accounts import keepers  # noqa: PLC0415 - takes as long as the model

        if not empty:
            seeder.until_ready(MODELS, "sample-model", READY_WITHIN)
            ready = time.monotonic() - began
        seeder.apply(keepers(watchdog=watchdog and not empty))
        seeder.until_lease("chaosctl-guardian", READY_WITHIN)
    return ready


def _stop(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not _ended(handle, STOP_WITHIN):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            _ended(handle, STOP_WITHIN)
    except ProcessLookupError:
        pass  # it ended meanwhile
    finally:
        os.close(handle)


def _ended(handle: int, within: float) -> bool:
    ended, _, _ = select.select([handle], [], [], within)
    return bool(ended)


def _until(done: Callable[[], bool], within: float, folder: Path) -> None:
    end = time.monotonic() + within
    while not done():
        if time.monotonic() > end:
            raise Invalid(f"the sandbox was not ready within {within:.0f} s:\n{_tail(folder)}")
        time.sleep(LOOK_AGAIN)


def _tail(folder: Path) -> str:
    log = (folder / "sandbox.log").read_text(errors="replace").splitlines()
    return "\n".join(log[-15:])
