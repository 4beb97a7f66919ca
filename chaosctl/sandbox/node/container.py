"""Why: a container lives through pulls, starts, probes, crashes and back-off; drills break it at each.

One task runs it: pull, configure, start, wait, and again by the pod's restart policy. Whenever what can be
seen of it changes, it says so.
"""

import asyncio
import itertools
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.quantities import amount
from chaosctl.sandbox.controllers.loop import background
from chaosctl.sandbox.node.environment import ConfigError, environment, expand
from chaosctl.sandbox.node.host import Host
from chaosctl.sandbox.node.images import Image, ImageNameInvalid, ImageNotFound
from chaosctl.sandbox.node.prober import Prober
from chaosctl.sandbox.node.probes import Subject
from chaosctl.sandbox.node.process import Process
from chaosctl.sandbox.node.state import ContainerState

_START_FAILED = 128
_MEMORY_POLL = 0.25  # seconds
_DEFAULT_GRACE = 30
_LAST_WORDS = 2048  # bytes
_COMPONENT = "kubelet"


class Place(NamedTuple):
    """Where a container lives: its pod, what its environment starts with, and whom to tell of changes."""

    host: Host
    pod: Json
    base: Mapping[str, str]
    changed: Callable[[], None]


class Container:
    """One container of a pod, through all its restarts."""

    def __init__(self, place: Place, spec: Json, policy: str) -> None:
        self._host, self._pod, self._base, changed = place
        self._spec, self._policy = spec, policy
        self._folder = self._host.pod_folder(self._pod)
        self._logs = self._folder / "logs" / self.name
        waits = "PodInitializing" if self._pod["spec"].get("initContainers") else "ContainerCreating"
        self._state = ContainerState(changed, waits)
        self._process: Process | None = None
        self._image: Image | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._failures = 0
        self._stopping = self._out_of_memory = False

    @property
    def name(self) -> str:
        return str(self._spec["name"])

    @property
    def running(self) -> bool:
        return self._state.running

    @property
    def succeeded(self) -> bool:
        return self._state.exit_code == 0

    @property
    def failed_for_good(self) -> bool:
        return self._policy == "Never" and self._state.exit_code not in {None, 0}

    @property
    def status(self) -> Json:
        """Its entry in the pod's containerStatuses."""
        digest = self._image.digest if self._image else ""
        return {"name": self.name, "image": self._spec["image"], "imageID": digest, **self._state.status}

    def see(self, pod: Json) -> None:
        """Take over what was changed in the pod. Another image means another process."""
        spec = next(each for each in pod["spec"]["containers"] if each["name"] == self.name)
        changed = spec["image"] != self._spec["image"]
        self._pod, self._spec = pod, spec
        if changed:
            self._failures = 0
            text = f"Container {self.name} definition changed, will be restarted"
            self._restarting = background(self.restart(text), "restarting a container")

    def log(self, *, previous: bool = False) -> Path | None:
        """The log of this start, or of the one before; None if there was none."""
        exists = self._state.starts > int(previous)
        return self._state.log(self._logs, back=int(previous)) if exists else None

    async def run(self) -> None:
        """Run it until the restart policy, or somebody, says stop."""
        while not self._stopping:
            self._image = await self._pull()
            command, env = await self._configure(self._image)
            code = await self._run_once(command, env)
            if self._stopping or not self._restarts(code):
                return
            await self._pause()

    async def stop(self, grace: float) -> None:
        """End it for good: SIGTERM, and SIGKILL after the grace period (seconds)."""
        self._stopping = True
        await self._end(grace)

    def kill(self) -> None:
        """End it for good, at once."""
        self._stopping = True
        if self._process:
            self._process.signal(signal.SIGKILL)

    async def restart(self, why: str) -> None:
        """End this process; the restart policy goes on from there."""
        if self._stopping or not self.running:
            return
        self._host.recorder.normal(self._pod, "Killing", why, _COMPONENT)
        grace = self._pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE)
        await self._end(float(grace))

    # Before a start

    async def _pull(self) -> Image:
        say = self._host.recorder
        for failures in itertools.count(1):
            name = self._spec["image"]
            try:
                image = self._host.images.pull(name)
            except ImageNameInvalid as error:
                self._state.waits("InvalidImageName", str(error))
                say.warning(self._pod, "InspectFailed", str(error), _COMPONENT)
                say.warning(self._pod, "Failed", "Error: InvalidImageName", _COMPONENT)
                await asyncio.sleep(self._host.back_off.pause(failures))
            except ImageNotFound as error:
                self._image_failed(error)
                await asyncio.sleep(self._host.back_off.base / 10)  # a pull takes its time
                self._state.waits(
                    "ImagePullBackOff", f'Back-off pulling image "{name}": ErrImagePull: {error}'
                )
                say.normal(self._pod, "BackOff", f'Back-off pulling image "{name}"', _COMPONENT)
                say.warning(self._pod, "Failed", "Error: ImagePullBackOff", _COMPONENT)
                await asyncio.sleep(self._host.back_off.pause(failures))
            else:
                text = f'Container image "{name}" already present on machine'
                say.normal(self._pod, "Pulled", text, _COMPONENT)
                return image
        raise AssertionError  # unreachable: counting never ends

    def _image_failed(self, error: ImageNotFound) -> None:
        name, say = self._spec["image"], self._host.recorder
        if self._spec.get("imagePullPolicy") == "Never":
            text = f'Container image "{name}" is not present with pull policy of Never'
            self._state.waits("ErrImageNeverPull", text)
            say.warning(self._pod, "ErrImageNeverPull", text, _COMPONENT)
            return
        say.normal(self._pod, "Pulling", f'Pulling image "{name}"', _COMPONENT)
        say.warning(self._pod, "Failed", f'Failed to pull image "{name}": {error}', _COMPONENT)
        say.warning(self._pod, "Failed", "Error: ErrImagePull", _COMPONENT)
        self._state.waits("ErrImagePull", str(error))

    async def _configure(self, image: Image) -> tuple[list[str], dict[str, str]]:
        """The command line and the environment, as soon as everything that they refer to is there."""
        namespace = self._pod["metadata"]["namespace"]
        while True:
            try:
                env = environment(
                    self._pod,
                    self._spec,
                    self._base,
                    lambda plural, name: self._host.find(namespace, plural, name),
                )
            except ConfigError as error:
                self._state.waits("CreateContainerConfigError", str(error))
                self._host.recorder.warning(self._pod, "Failed", f"Error: {error}", _COMPONENT)
                await asyncio.sleep(self._host.back_off.base)
            else:
                return self._command(image, env), env

    def _command(self, image: Image, env: Mapping[str, str]) -> list[str]:
        """`command` replaces what the image runs, `args` are added to it."""
        replaced = [expand(part, env) for part in self._spec.get("command") or ()]
        return (replaced or image.command(env["POD_IP"])) + [
            expand(part, env) for part in self._spec.get("args") or ()
        ]

    # One start

    async def _run_once(self, command: list[str], env: dict[str, str]) -> int:
        self._state.begins()
        self._out_of_memory = False
        try:
            self._process = self._start(command, env)
        except OSError as error:
            return self._start_failed(error)
        started = not self._spec.get("startupProbe")
        self._state.runs(started=started, ready=started and not self._spec.get("readinessProbe"))
        self._host.recorder.normal(self._pod, "Started", f"Started container {self.name}", _COMPONENT)
        begun = time.monotonic()
        code = await self._watched(self._process, self._prober(env))
        if time.monotonic() - begun > 2 * self._host.back_off.cap:
            self._failures = 0
        self._process = None
        reason = "OOMKilled" if self._out_of_memory else "Error" if code else "Completed"
        self._state.ends(code, reason, self._last_words() if code else "")
        return code

    def _last_words(self) -> str:
        """The end of the log, where the spec says that it is the message of a failure."""
        if self._spec.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            return ""
        return self._state.log(self._logs).read_bytes()[-_LAST_WORDS:].decode(errors="replace")

    def _start(self, command: list[str], env: dict[str, str]) -> Process:
        """Start the process. OSError says as runc does what is wrong with the command."""
        folder = Path(self._spec.get("workingDir") or Path.cwd())
        if not folder.is_dir():
            raise NotADirectoryError(f'chdir to cwd ("{folder}") failed: no such file or directory')
        if shutil.which(command[0], path=env.get("PATH")) is None:
            why = "executable file not found in $PATH"
            if "/" in command[0]:
                why = f"stat {command[0]}: no such file or directory"
            raise FileNotFoundError(f'exec: "{command[0]}": {why}')
        self._logs.mkdir(parents=True, exist_ok=True)
        self._state.log(self._logs, back=2).unlink(missing_ok=True)
        self._host.keeper.ensure()
        process = Process.start(command, env, folder, self._state.log(self._logs))
        self._host.recorder.normal(self._pod, "Created", f"Created container: {self.name}", _COMPONENT)
        return process

    def _start_failed(self, error: OSError) -> int:
        message = f"failed to create containerd task: {error}"
        self._host.recorder.warning(self._pod, "Failed", f"Error: {message}", _COMPONENT)
        self._state.ends(_START_FAILED, "StartError", message)
        return _START_FAILED

    async def _watched(self, process: Process, prober: Prober) -> int:
        """Wait for the end, under probes and the memory limit."""
        watchers = [background(prober.run(), f"probing {self.name}")]
        if limit := dig(self._spec, "resources.limits.memory"):
            watchers.append(background(self._limit(process, int(amount(limit) or 0)), "limiting memory"))
        try:
            return await process.wait()
        finally:
            process.signal(signal.SIGKILL)  # if it is we who are cancelled
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)

    async def _limit(self, process: Process, limit: int) -> None:
        while True:
            if process.resident_bytes() > limit:
                break
            await asyncio.sleep(_MEMORY_POLL)
        self._out_of_memory = True
        process.signal(signal.SIGKILL)

    async def _end(self, grace: float) -> None:
        if (process := self._process) is None:
            return
        process.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                await process.wait()
        except TimeoutError:
            process.signal(signal.SIGKILL)
            await process.wait()

    # After an end

    def _restarts(self, code: int) -> bool:
        return self._policy == "Always" or (self._policy == "OnFailure" and code != 0)

    async def _pause(self) -> None:
        """The first restart is immediate, as with a kubelet; later ones wait longer each time."""
        self._failures += 1
        if self._failures == 1:
            return
        pause = self._host.back_off.pause(self._failures - 1)
        meta = self._pod["metadata"]
        which = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        text = f"Back-off restarting failed container {self.name} in pod {which}"
        self._host.recorder.warning(self._pod, "BackOff", text, _COMPONENT)
        message = f"back-off {pause:g}s restarting failed container={self.name} pod={which}"
        self._state.waits("CrashLoopBackOff", message)
        await asyncio.sleep(pause)

    def _prober(self, env: Mapping[str, str]) -> Prober:
        ports = {
            port["name"]: port["containerPort"] for port in self._spec.get("ports") or () if "name" in port
        }
        subject = Subject(env["POD_IP"], ports, env, self._folder)
        return Prober(self._spec, subject, self._state, self._unhealthy, self.restart)

    def _unhealthy(self, why: str) -> None:
        self._host.recorder.warning(self._pod, "Unhealthy", why, _COMPONENT)
