"""Why: the node pulls nothing, so the images of the cluster itself are made here, from files on this machine.

`python3 images.py BIN` writes BIN/images.tar, a docker-archive of three images of one layer each: the pause
image, a web server for tests (busybox), and CoreDNS.
"""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
FOLDERS = ("tmp", "etc", "proc", "sys", "dev")


def main(binaries: Path) -> None:
    busybox = BUSYBOX.read_bytes()
    dns = (binaries / "coredns").read_bytes()
    web = {"bin/busybox": busybox, "bin/sh": busybox, "www/index.html": b"v1\n"}
    images = {
        "knode.local/pause:1": ({"busybox": busybox}, ["/busybox", "sleep", "2147483647"]),
        "knode.local/web:1": (web, ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]),
        "knode.local/coredns:1": ({"coredns": dns}, ["/coredns"]),
    }
    draft = binaries / "images.tar.new"
    with tarfile.open(draft, "w") as archive:
        manifest = [_image(archive, name, *what) for name, what in images.items()]
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    draft.rename(binaries / "images.tar")


def _image(archive: tarfile.TarFile, name: str, files: dict[str, bytes], entrypoint: list[str]) -> object:
    """Add an image; its line of the manifest."""
    layer = _layer(files)
    digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    text = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(text).hexdigest()}.json"
    _add(archive, config_name, text)
    _add(archive, f"{digest}.tar", layer)
    return {"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}.tar"]}


def _layer(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as layer:
        for folder in FOLDERS:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            layer.addfile(info)
        for path, data in files.items():
            _add(layer, path, data)
    return out.getvalue()


def _add(archive: tarfile.TarFile, path: str, data: bytes) -> None:
    info = tarfile.TarInfo(path)
    info.size, info.mode = len(data), 0o755
    archive.addfile(info, io.BytesIO(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
