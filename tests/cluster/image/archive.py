"""Why: images that share all their layers are one file for a container runtime, and are made in one build.

`archive.py CHAOSCTL MODEL RECIPE ARCHIVE`: a docker-archive of chaosctl, what `buildah inspect` says of the
sample model, and the Containerfile. In ARCHIVE are chaosctl and every version of the sample model.
"""

import hashlib
import io
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VARIABLE = "CHAOSCTL_MODEL_VERSION"
Json = dict[str, Any]


def versions(recipe: str) -> list[str]:
    """Of the sample model, as the Containerfile has them."""
    return re.findall(rf"^ENV {VARIABLE}=(\S+)$", recipe, re.MULTILINE)


def models(config: Json, recipe: str) -> Iterator[tuple[str, bytes]]:
    """The name and the configuration of each version."""
    for version in versions(recipe):
        settings = config["config"]
        others = [each for each in settings["Env"] if not each.startswith(f"{VARIABLE}=")]
        own = {**config, "config": {**settings, "Env": [*others, f"{VARIABLE}={version}"]}}
        yield f"chaosctl.dev/sample-model:{version}", json.dumps(own).encode()


def add(out: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    out.addfile(entry, io.BytesIO(content))


def write(chaosctl: Path, models: Iterator[tuple[str, bytes]], archive: Path) -> None:
    """Copy the layers once, and let every image point to them."""
    with tarfile.open(chaosctl) as given, tarfile.open(archive, "w") as out:
        manifest = json.load(given.extractfile("manifest.json"))  # type: ignore[arg-type]  # it is a file
        [first] = manifest
        for name in (first["Config"], *first["Layers"]):
            out.addfile(given.getmember(name), given.extractfile(name))
        for tag, config in models:
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            add(out, name, config)
            manifest.append({"Config": name, "RepoTags": [tag], "Layers": first["Layers"]})
        add(out, "manifest.json", json.dumps(manifest).encode())


if __name__ == "__main__":
    image, inspected, recipe, archive = map(Path, sys.argv[1:])
    config = json.loads(json.loads(inspected.read_text())["Config"])
    write(image, models(config, recipe.read_text()), archive)
