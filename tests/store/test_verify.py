import json
import threading
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store.samples import fill, measured, started

from chaosctl.errors import StoreError
from chaosctl.store import Store, verify_bundle
from chaosctl.store.bundle import Bundle
from chaosctl.store.chain import digest

HASH_OF_NOTHING = "0" * 64


@pytest.fixture
def filled(store, place):
    fill(store)
    return place


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    with Store(folder / "store.db") as store:
        fill(store, readings=5)
        store.export("r1", folder / "r1.chaosctl")
    return folder / "r1.chaosctl"


@pytest.mark.usefixtures("filled")
def test_an_untouched_journal_is_intact(store):
    proof = store.verify("r1")
    assert proof.intact
    assert (proof.links, proof.readings, proof.unsealed) == (6, 100, 0)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE links SET text = replace(text, 'pod-kill', 'pod-hill') WHERE seq = 1", "row 1: its content"),
        ("DELETE FROM links WHERE seq = 2", "row 2 is missing"),
        ("DELETE FROM readings WHERE seq = 40", "row 40 is missing"),
        ("DELETE FROM readings WHERE seq BETWEEN 3 AND 60", "row 3 is missing"),
        (
            "UPDATE readings SET bad = bad + 1 WHERE seq = 40",
            "rows 3 to 66: these readings do not match their seal",
        ),
        ("UPDATE readings SET start = start - 1 WHERE seq = 80", "rows 68 to 103"),
        ("UPDATE strings SET text = 'latency' WHERE text = 'errors'", "rows 3 to 66"),
        ("DELETE FROM links WHERE seq >= 105", "the journal ends at row 104 but once had 106 rows"),
        ("UPDATE journals SET sha256 = run", "row 106: the last hash"),
        ("DELETE FROM links", "row 1 is missing"),
        ("DELETE FROM strings WHERE text = 'errors'", "rows 3 to 66"),
        (
            "INSERT INTO links (journal, seq, text, sha256) SELECT 1, 107, '', ''",
            "row 107: it stands behind the journal's end",
        ),
    ],
)
def test_what_was_changed_in_the_store_is_found_and_named(store, filled, statement, fault):
    assert filled.edit(statement) > 0
    assert fault in store.verify("r1").fault


def test_two_rows_that_changed_places_are_found(store, filled):
    filled.edit("UPDATE links SET seq = 1000 WHERE seq = 105")
    filled.edit("UPDATE links SET seq = 105 WHERE seq = 106")
    filled.edit("UPDATE links SET seq = 106 WHERE seq = 1000")
    assert store.verify("r1").fault == "row 105: it does not follow the row before it"


def test_a_row_with_a_hash_of_its_own_is_found_all_the_same(store, filled):
    ((text,),) = filled.look("SELECT text FROM links WHERE seq = 2")
    forged = text.replace("opened", "closed")
    filled.edit("UPDATE links SET text = ?, sha256 = ? WHERE seq = 2", forged, digest(forged))
    assert store.verify("r1").fault == "row 67: it does not follow the row before it"


def test_a_row_that_is_no_json_is_found(store, filled):
    filled.edit("UPDATE links SET text = 'x', sha256 = '' WHERE seq = 2")
    assert store.verify("r1").fault == "row 2: it does not follow the row before it"


def test_a_removed_seal_is_found(store, filled):
    filled.edit("DELETE FROM links WHERE seq = 67")
    assert store.verify("r1").fault.startswith("row 67 is missing")


def test_a_reading_with_impossible_times_is_named(store, filled):
    filled.edit("UPDATE readings SET at = 9223372036854775807 WHERE seq = 9")
    with pytest.raises(StoreError, match="row 9: the reading is damaged"):
        store.verify("r1")


def test_a_writer_does_not_go_on_with_a_changed_journal(store, filled):
    filled.edit("UPDATE links SET sha256 = ? WHERE seq = 106", HASH_OF_NOTHING)
    with pytest.raises(StoreError, match="its journal was changed"):
        store.journal("r1")


def test_a_run_that_is_not_there_is_named(store, tmp_path):
    for look in (store.verify, lambda run: store.export(run, tmp_path / "r9.chaosctl")):
        with pytest.raises(StoreError, match="has no run 'r9'"):
            look("r9")


def test_a_journal_that_is_being_written_is_not_called_changed(store, place):
    ended = threading.Event()

    def write():
        with Store(place.where) as other, other.journal("r1") as journal:
            journal.append(started())
            for n in range(150):
                journal.append(measured(n))
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    proofs = []
    while not (ended.wait(0.001) and proofs):
        if store.known("r1"):
            proofs.append(store.verify("r1"))
    writer.join()
    assert {proof.fault for proof in proofs} == {""}


def test_the_same_events_make_the_same_chain_whatever_keeps_them(on_disk, on_server, tmp_path):
    found = []
    for place in (on_disk, on_server):
        with Store(place.where) as store:
            fill(store)
            store.export("r1", tmp_path / "r1.chaosctl")
            found.append((store.verify("r1"), (tmp_path / "r1.chaosctl").read_bytes()))
    assert found[0] == found[1]


@pytest.mark.usefixtures("filled")
def test_a_bundle_stands_without_its_store_and_is_the_same_every_time(store, tmp_path):
    one, two = tmp_path / "one.chaosctl", tmp_path / "two.chaosctl"
    store.export("r1", one)
    store.export("r1", two)
    assert one.read_bytes() == two.read_bytes()
    assert verify_bundle(one) == store.verify("r1")
    with ZipFile(one) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert sorted(archive.namelist()) == ["journal.jsonl", "manifest.json", "readings.jsonl"]
    assert manifest["head"] == {"seq": 106, "sha256": store.verify("r1").head}
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_a_bundle_of_a_run_that_goes_on_says_what_is_not_sealed_yet(store, tmp_path):
    journal = store.journal("r1")
    journal.append(started())
    journal.append(measured(1))
    store.export("r1", tmp_path / "r1.chaosctl")
    proof = verify_bundle(tmp_path / "r1.chaosctl")
    assert (proof.intact, proof.unsealed) == (True, 1)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_flipped_byte_of_a_bundle_is_found(bundle, data):
    packed = bytearray(bundle.read_bytes())
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = bundle.with_name("damaged.chaosctl")
    damaged.write_bytes(packed)
    assert not verify_bundle(damaged).intact


def test_a_bundle_cut_short_is_found(bundle):
    cut = bundle.with_name("cut.chaosctl")
    cut.write_bytes(bundle.read_bytes()[:-50])
    assert "damaged" in verify_bundle(cut).fault


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda b: b._replace(journal=b.journal[: b.journal[:-1].rindex("\n") + 1]), "its end was cut off"),
        (
            lambda b: b._replace(readings=b.readings.replace('"bad":1', '"bad":0', 1)),
            "do not match their seal",
        ),
        (lambda b: b._replace(journal=b.journal.replace("fraud", "freud")), "it does not follow"),
        (lambda b: b._replace(readings=b.readings.replace(":", ": ", 1)), "altered beside its rows"),
        (
            lambda b: b._replace(manifest=b.manifest.replace("chaosctl.journal/1", "other/1")),
            "altered beside",
        ),
        (lambda b: b._replace(manifest="[]"), "manifest"),
        (lambda b: b._replace(journal=b.journal + "x\n"), "Expecting value"),
    ],
)
def test_a_bundle_packed_again_after_an_edit_is_found(bundle, change, fault):
    forged = bundle.with_name("forged.chaosctl")
    forged.write_bytes(change(Bundle.unpack(bundle.read_bytes())).pack())
    assert fault in verify_bundle(forged).fault or fault == "manifest"
    assert not verify_bundle(forged).intact


def test_an_archive_that_swells_is_not_unpacked(tmp_path):
    bomb = tmp_path / "bomb.chaosctl"
    with ZipFile(bomb, "w", ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * 1_000_000)
    assert "larger inside than outside" in verify_bundle(bomb).fault


@pytest.mark.usefixtures("filled")
def test_bundles_that_cannot_be_read_or_written_say_so(store, tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        verify_bundle(tmp_path / "none.chaosctl")
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        store.export("r1", tmp_path / "none" / "r1.chaosctl")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(300 * 1024 * 1024)
    with pytest.raises(StoreError, match="larger than any"):
        verify_bundle(tmp_path / "huge")
