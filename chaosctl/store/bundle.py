"""Why: evidence must stand without the store it came from, and show by itself that it is whole.

A bundle is a zip of three files: `journal.jsonl`, the links of the chain, one a line, so that the SHA-256 of
a line is the next one's `prev`; `readings.jsonl`, the readings' lines as their seals cover them; and
`manifest.json`: format, tool, run, the number and the hash of the last row, the hashes of both files. The
bytes follow from the content alone, so a verifier writes them again and compares all of them.
"""

import json
import os
from collections.abc import Iterable
from importlib.metadata import version
from io import BytesIO
from itertools import chain as both
from pathlib import Path
from typing import NamedTuple, Self
from zipfile import BadZipFile, ZipFile, ZipInfo

from chaosctl.errors import StoreError
from chaosctl.model import Json
from chaosctl.store.chain import FORMAT, Head, Link, Proof, Row, Sample, canonical, check, digest, line

SUFFIX = ".chaosctl"
LARGEST = 256 * 1024 * 1024  # bytes of a bundle: hours of ten readings a second
PRIVATE = 0o600 << 16


class Bundle(NamedTuple):
    """The three files of a bundle, as text."""

    manifest: str
    journal: str
    readings: str

    @classmethod
    def of(cls, run: str, rows: Iterable[Row], head: Head) -> Self:
        rows = list(rows)
        journal = "".join(f"{row.text}\n" for row in rows if isinstance(row, Link))
        readings = "".join(line(row) for row in rows if isinstance(row, Sample))
        return cls(_manifest(run, head, version("chaosctl"), journal, readings), journal, readings)

    def pack(self) -> bytes:
        """The zip: stored, without times, the same bytes from the same content."""
        packed = BytesIO()
        with ZipFile(packed, "w") as archive:
            for name, text in self._asdict().items():
                entry = ZipInfo(_FILES[name])
                entry.create_system, entry.external_attr = 3, PRIVATE
                archive.writestr(entry, text)
        return packed.getvalue()

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Raises StoreError for what is no bundle."""
        try:
            with ZipFile(BytesIO(packed)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > len(packed):
                    raise StoreError("it is larger inside than outside: no bundle of ours")
                return cls(**{name: archive.read(file).decode() for name, file in _FILES.items()})
        except (BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
            raise StoreError(f"the archive is damaged, or no bundle: {error}") from error


_FILES = {"manifest": "manifest.json", "journal": "journal.jsonl", "readings": "readings.jsonl"}


def write(bundle: Bundle, path: Path) -> None:
    """Write a bundle beside its place and move it there, so that there is never half of one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(bundle.pack())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StoreError(
            f"{path} cannot be written: {error.strerror}: name another place with --out"
        ) from error


def verify(path: Path) -> Proof:
    """Check a bundle; the proof names the first thing that is wrong. Raises StoreError."""
    try:
        if path.stat().st_size > LARGEST:
            raise StoreError(f"{path} is larger than any bundle of ours")
        packed = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return _proven(Bundle.unpack(packed), packed)
    except (StoreError, ValueError, KeyError, TypeError, RecursionError) as error:
        return Proof("", 0, 0, 0, "", f"{path}: {error}")


def _proven(bundle: Bundle, packed: bytes) -> Proof:
    manifest = json.loads(bundle.manifest)
    run, head = manifest["run"], Head(**manifest["head"])
    proof = check(run, sorted(_rows(bundle), key=lambda row: row.seq), head)
    again = _manifest(run, head, manifest["tool"]["version"], bundle.journal, bundle.readings)
    altered = again != bundle.manifest or bundle.pack() != packed
    return proof._replace(fault=proof.fault or ("the archive was altered beside its rows" if altered else ""))


def _manifest(run: str, head: Head, tool: str, journal: str, readings: str) -> str:
    manifest: Json = {
        "format": FORMAT,
        "tool": {"name": "chaosctl", "version": tool},
        "run": run,
        "head": {"seq": head.seq, "sha256": head.sha256},
        "files": {"journal": digest(journal), "readings": digest(readings)},
    }
    return canonical(manifest) + "\n"


def _rows(bundle: Bundle) -> Iterable[Row]:
    links = (Link(json.loads(text)["seq"], text) for text in _lines(bundle.journal))
    return both(links, (_sample(text) for text in _lines(bundle.readings)))


def _lines(text: str) -> list[str]:
    """By line feeds alone: JSON may hold other line separators."""
    return text.split("\n")[:-1]


def _sample(text: str) -> Sample:
    body = json.loads(text)
    return Sample(body["seq"], body["event"])
