"""Why: there is no registry on loopback, so an image is a name for a local command.

Commands are templates: `{ip}` becomes the pod's address.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:[A-Za-z0-9.-]+(?::\d+)?/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)
_VERSIONS = ("stable", "wrong-weights", "crash", "slow", "memory-hog")
_SERVER = (sys.executable, "-m", "chaosctl.sandbox.model", "--host", "{ip}", "--port", "8080", "--version")

SAMPLE_MODELS: Mapping[str, tuple[str, ...]] = {
    f"chaosctl.dev/sample-model:{version}": (*_SERVER, version) for version in _VERSIONS
}


class ImageNotFound(Exception):
    """No such image. The message is the one that a container runtime gives."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{name}": '
            f'failed to resolve reference "{name}": {name}: not found'
        )


class ImageNameInvalid(Exception):
    """The name of an image cannot be one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": '
            "invalid reference format"
        )


class Image:
    """A name, and the command that it stands for."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name, self._command = name, tuple(command)

    @property
    def digest(self) -> str:
        """The name with a digest, as a node reports it: the same command, the same digest."""
        text = json.dumps(self._command).encode()
        return f"{_repository(self.name)}@sha256:{hashlib.sha256(text).hexdigest()}"

    def command(self, address: str) -> list[str]:
        """The command for a pod with this address."""
        return [part.replace("{ip}", address) for part in self._command]


class Images:
    """The images that the node can pull: the sample models, and what the user added."""

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self._commands = {**SAMPLE_MODELS, **commands}

    def pull(self, name: str) -> Image:
        """The image of this name. ImageNotFound if there is none, ImageNameInvalid if there cannot be."""
        if not _REFERENCE.fullmatch(name):
            raise ImageNameInvalid(name)
        for candidate in (name, f"{name}:latest"):
            if candidate in self._commands:
                return Image(name, self._commands[candidate])
        raise ImageNotFound(name)


def _repository(name: str) -> str:
    path, slash, last = name.rpartition("/")
    return path + slash + last.partition("@")[0].partition(":")[0]
