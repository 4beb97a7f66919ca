"""Why: a plug-in that is broken, or that takes another's name, must be named before anything runs."""

import sys

import pytest
from catalog.examples import CATALOG, ErrorRate, Release, Slow

from chaosctl.catalog import catalog_of, installed
from chaosctl.errors import Invalid

MODULE = """
from typing import Literal
from chaosctl.spec import Fault

class Nap(Fault):
    "Sleep."
    kind: Literal["nap"] = "nap"
    async def plan(self, *_):
        return ()

class Nameless(Fault):
    "Has no name."
    async def plan(self, *_):
        return ()

number = 3
"""


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Installs a package that offers one entry point."""

    def install(value, module=MODULE):
        (tmp_path / "napping_faults.py").write_text(module)
        folder = tmp_path / "napping-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: napping\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[chaosctl.faults]\nnap = napping_faults{value}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "napping_faults", raising=False)
        installed.cache_clear()

    yield install
    sys.modules.pop("napping_faults", None)
    installed.cache_clear()


def test_a_body_becomes_its_kind():
    assert CATALOG.fault({"kind": "release", "image": "x"}) == Release(image="x")
    assert CATALOG.probe({"kind": "error-rate"}) == ErrorRate()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"kind": "relase"}, 'unknown fault "relase"; did you mean "release"?'),
        ({}, 'unknown fault "None"'),
        ({"kind": "release"}, "release: image: "),
    ],
)
def test_a_body_that_is_no_kind_says_why(body, message):
    with pytest.raises(Invalid, match=message.replace("?", r"\?")):
        CATALOG.fault(body)


def test_an_unknown_probe_names_the_nearest():
    with pytest.raises(Invalid, match='unknown probe "latncy"; did you mean "latency"'):
        CATALOG.probe({"kind": "latncy"})


def test_two_kinds_of_one_name_are_refused():
    with pytest.raises(Invalid, match=r'"slow" is both .*Slow and .*Slow; uninstall one'):
        catalog_of([Slow, type("Slow", (Slow,), {})], [])


def test_a_catalog_cannot_be_changed():
    with pytest.raises(TypeError):
        CATALOG.faults["x"] = Release


def test_built_in_kinds_are_known_by_their_names():
    assert {"pod-kill", "release", "scale-down"} <= installed().faults.keys()
    assert {"error-rate", "agreement", "revision"} <= installed().probes.keys()


def test_a_plug_in_adds_its_kind(plug_in):
    plug_in(":Nap")
    assert installed().fault({"kind": "nap"}).kind == "nap"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (":Missing", r'the plug-in "nap" \(napping_faults:Missing\) cannot be loaded: AttributeError'),
        (":number", r'the plug-in "nap" \(napping_faults:number\) is no Fault'),
        (":Nameless", 'has no default for "kind"'),
    ],
)
def test_a_broken_plug_in_is_named(plug_in, value, message):
    plug_in(value)
    with pytest.raises(Invalid, match=message):
        installed()


def test_a_plug_in_that_fails_to_import_is_named(plug_in):
    plug_in(":Nap", "raise RuntimeError('no licence')")
    with pytest.raises(Invalid, match=r"cannot be loaded: RuntimeError.*no licence.*update or uninstall"):
        installed()
