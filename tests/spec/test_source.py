"""Why: a file may come from anybody; whatever is in it, the answer is a document or one clear error."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chaosctl.errors import Invalid
from chaosctl.spec import events
from chaosctl.spec.problems import Mistakes
from chaosctl.spec.source import parse, read

NOBODY = 65534
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


def messages(text):
    """What a text is refused for, at once or later."""
    try:
        return [problem.message for problem in parse(text, "f.yaml").problems]
    except Mistakes as mistakes:
        return [problem.message for problem in mistakes.problems]


def test_yaml_and_json_give_the_same_tree():
    expected = {"a": [1, 2.5, True, None, "x"], "b": {"c": "1.20"}}
    assert parse('a: [1, 2.5, true, ~, x]\nb: {c: "1.20"}\n', "f.yaml").tree == expected
    assert parse('{"a": [1, 2.5, true, null, "x"], "b": {"c": "1.20"}}', "f.json").tree == expected


def test_numbers_are_read_as_json_reads_them():
    assert parse("[1e3, -4, 0.5, 2026-01-01]", "f.yaml").tree == [1000.0, -4, 0.5, "2026-01-01"]


@pytest.mark.parametrize("text", ["1_000", "010", "0x1F", "1:30", ".inf", ".nan", "1" * 400])
def test_a_number_that_readers_disagree_about_is_refused(text):
    assert len(messages(f"a: {text}")) == 1
    assert messages(f'a: "{text}"') == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "anchors and aliases are not allowed"),
        ("a: !!python/object:os.system x", "the tag !!python/object:os.system is not allowed"),
        ("a: !anything {b: c}", "the tag !anything is not allowed"),
        ("a: 1\na: 2", "written twice"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("# only a comment", "nothing but comments"),
        ("[" * 60 + "]" * 60, "nested more than 50 deep"),
        ("? [a, b]\n: c", "a key must be a text"),
        ("on: 1", "the key on is not read as text"),
        ("a: [1", "not valid YAML: did not find expected ',' or ']'"),
        (
            "a: \x1b[31m",
            "cannot be read as YAML: unacceptable character #x001b: control characters are not allowed",
        ),
    ],
)
def test_what_does_not_belong_in_a_file_is_named(text, message):
    assert message in messages(text)


def test_a_bomb_gives_one_error_and_no_explosion():
    assert messages(BOMB) == ["anchors and aliases are not allowed"]


def test_a_file_of_too_many_values_is_refused(monkeypatch):
    monkeypatch.setattr(events, "MAX_VALUES", 5)
    assert messages("[1, 2, 3, 4]") == []
    assert messages("[1, 2, 3, 4, 5]") == ["more than 5 values"]


def test_fifty_levels_are_allowed_and_fifty_one_are_not():
    assert messages("[" * 51 + "]" * 51) == []
    assert messages("[" * 52 + "]" * 52) == ["nested more than 50 deep"]


def test_the_first_of_two_equal_keys_counts_and_what_hides_in_the_second_is_told():
    found = parse("a: 1\na: {b: 010}\nc: 3", "f.yaml")
    assert found.tree == {"a": 1, "c": 3}
    assert [problem.line for problem in found.problems] == [2, 2]


def test_a_parameter_without_quotes_gets_a_hint():
    with pytest.raises(Mistakes, match=r'quote parameters: "\$\{name\}"'):
        parse("a: {image: ${image}, b: c}", "f.yaml")


def test_a_colon_inside_a_text_gets_a_hint():
    with pytest.raises(Mistakes, match='put a text with ": " in it in quotes'):
        parse("summary: Control: nothing happens", "f.yaml")


def test_a_tab_gets_a_hint():
    with pytest.raises(Mistakes, match="indent with spaces only"):
        parse("a:\n\tb: 1", "f.yaml")


def test_an_error_points_at_its_place():
    problem = parse("a:\n  b: 010\n", "f.yaml").problems[0]
    assert (problem.line, problem.column, problem.width, problem.field) == (2, 6, 3, "a.b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"\x00\x01", "is a binary file"),
        (b"a: 1\nb: \xff", "f.yaml:2 is not UTF-8"),
        (b"a" * (1024 * 1024 + 1), "is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_text_says_so(tmp_path, content, message):
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=message):
        read(path)


def test_a_file_of_one_mebibyte_is_read(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"# " + b"x" * (1024 * 1024 - 7) + b"\na: b")
    assert read(path).tree == {"a": "b"}


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b\n")
    assert read(path).tree == {"a": "b"}


def test_what_is_no_file_says_so(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    wrong = {
        tmp_path: "is a folder",
        tmp_path / "nothing": "does not exist",
        tmp_path / "pipe": "is not a regular file",
        tmp_path / ("x" * 300): "cannot be read",
        Path("a\0b"): "cannot be read",
    }
    for path, message in wrong.items():
        with pytest.raises(Invalid, match=message):
            read(path)


@contextmanager
def as_nobody():
    """Root may read everything, so it steps down."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_we_may_not_read_says_so(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("a: b")
    path.chmod(0)
    with as_nobody(), pytest.raises(Invalid, match="may not be read by you"):
        read(path)


@given(st.text() | st.text(alphabet="{}[]:,-?&*!#|>\"'%@`\n ab01.~_<="))
@example("\ud800")
@example('"\\ud800"')
@example("<<: a")
@example("=")
@example("%YAML 9.9\n---\na")
def test_any_text_is_a_document_or_invalid(text):
    try:
        parse(text, "f.yaml")
    except Mistakes as mistakes:
        said = [problem.message for problem in mistakes.problems]
        assert all(said)
