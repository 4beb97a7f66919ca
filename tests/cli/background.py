"""Why: drills mostly wait, so many run at once; and once, however many workers ask for their results."""

import json
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from cli.installation import Installation, until

Case = Callable[[Installation], Any]
WITHIN = 280.0


def asked(request: pytest.FixtureRequest, parameter: str, file: str) -> list[str]:
    """The values of a parameter among the selected tests of a file, in their order."""
    here = [item for item in request.session.items if str(item.path) == file and hasattr(item, "callspec")]
    found = [item.callspec.params[parameter] for item in here if parameter in item.callspec.params]
    return list(dict.fromkeys(found))


class Results:
    """What cases found, by name, once they are done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> Any:
        file = self._folder / f"{name}.json"
        until(file.exists, WITHIN)
        found = json.loads(file.read_text())
        assert "trouble" not in found, found["trouble"]
        return found["found"]


@contextmanager
def background(
    factory: pytest.TempPathFactory, name: str, cases: Mapping[str, Case], lanes: int
) -> Iterator[Results]:
    """Start every case, `lanes` at once, each lane with an installation of its own; once for all workers."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    try:
        folder.mkdir()
    except FileExistsError:
        yield Results(folder)
        return
    waiting: Queue[str] = Queue()
    for case in cases:
        waiting.put(case)
    with ThreadPoolExecutor(lanes) as pool:
        going = [pool.submit(_lane, folder, number, waiting, cases) for number in range(lanes)]
        yield Results(folder)
    for lane in going:
        lane.result()


def _lane(folder: Path, number: int, waiting: "Queue[str]", cases: Mapping[str, Case]) -> None:
    home = folder / f"lane-{number}" / "home"
    home.mkdir(parents=True)
    installation = Installation(home)
    try:
        while True:
            _keep(folder, name := waiting.get_nowait(), _tried(cases[name], installation))
    except Empty:
        return
    finally:
        installation.down()


def _tried(case: Case, installation: Installation) -> dict[str, Any]:
    try:
        return {"found": case(installation)}
    except Exception:  # noqa: BLE001 - told to the test that asks for this case
        return {"trouble": traceback.format_exc()}


def _keep(folder: Path, name: str, found: dict[str, Any]) -> None:
    draft = folder / f".{name}.draft"
    draft.write_text(json.dumps(found))
    draft.replace(folder / f"{name}.json")
