"""Why: images that share their layers must be imported as one file, by containerd, docker and podman alike.

`archive.py LAYOUT ARCHIVE`: an OCI layout as an archive, each image under its full name.
"""

import json
import sys
import tarfile
from pathlib import Path

NAME = "org.opencontainers.image.ref.name"
CONTAINERDS = "io.containerd.image.name"  # without it, containerd makes up names of its own


def name_all(index: Path) -> None:
    """Say each image's name as containerd wants it."""
    body = json.loads(index.read_text())
    for image in body["manifests"]:
        image["annotations"][CONTAINERDS] = image["annotations"][NAME]
    index.write_text(json.dumps(body))


def pack(layout: Path, archive: Path) -> None:
    """Whole or not at all."""
    draft = archive.with_suffix(".draft")
    with tarfile.open(draft, "w") as out:
        for path in sorted(layout.rglob("*")):
            if path.is_file():
                out.add(path, str(path.relative_to(layout)))
    draft.replace(archive)


name_all(Path(sys.argv[1]) / "index.json")
pack(Path(sys.argv[1]), Path(sys.argv[2]))
