"""YAML as far as it says what JSON says."""

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from libs.common.documents import read_document, read_yaml, write_yaml
from libs.common.errors import Invalid
from libs.common.flow.model import Json

DEPTH = 64
WORDS = st.sampled_from(
    [
        *("", "~", "no", "yes", "on", "true", "Null", "<<", "=", "2001-01-01"),
        *("1", "-1", "007", "0x1f", "1_000", "1.5", "1e3", "1.5e3", "1.0e+3", ".inf"),
        *("- a", "a: b", "#", "*a", "&a", "!!str", "'", '"', "?", " a ", "a\nb\n", "\t"),
        *("é", "😀", "\x85", "\u2028", "\ufeff", "\x00", "\x7f"),
    ]
)
TEXTS = WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> Json:
    return read_yaml(text.encode(), depth=DEPTH)


def reason(data: bytes | str) -> str:
    with pytest.raises(Invalid) as refused:
        read_yaml(data.encode() if isinstance(data, str) else data, depth=DEPTH)
    [problem] = refused.value.problems
    assert problem.code == "malformed_yaml"
    return problem.message


@given(JSON)
def test_what_is_written_reads_back_the_same(value: Json) -> None:
    read_back = read_yaml(write_yaml(value), depth=DEPTH)
    assert read_back == value
    # 1 equals 1.0 and true in Python, and nowhere else.
    assert msgspec.json.encode(read_back) == msgspec.json.encode(value)


@given(JSON)
def test_what_is_written_is_what_other_readers_read(value: Json) -> None:
    assert yaml.load(write_yaml(value), yaml.CSafeLoader) == value


def test_two_equal_parts_are_written_out_twice() -> None:
    part = {"a": [1]}
    assert write_yaml([part, part]) == b"- a:\n  - 1\n- a:\n  - 1\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("2001-01-01", "2001-01-01"),
        ("0x1f", "0x1f"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1" * 400 + ".0", "1" * 400 + ".0"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("--- ", None),
        ("'true'", "true"),
        ('"1"', "1"),
        ("-12", -12),
        ("1.50", 1.5),
        ("1.0e+3", 1000.0),
        ("{a: 1, b: [x, {}]}", {"a": 1, "b": ["x", {}]}),
        ("a:\n- b\n-\n", {"a": ["b", None]}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("# a comment\n---\na: 1\n...\n", {"a": 1}),
    ],
)
def test_plain_words_are_text_but_for_what_json_knows(text: str, value: Json) -> None:
    found = read(text)
    assert (found, type(found)) == (value, type(value))


def test_a_number_beyond_all_floats_is_text() -> None:
    assert read("1.0e+999") == "1.0e+999"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x", "no anchors (line 1)"),
        ("b: *x", "no aliases"),
        ("a: &x [1]", "no anchors"),
        ("a: !!binary aGk=", "no tags (line 1)"),
        ("- 1\n- !!python/object/apply:os.system [ls]", "no tags (line 2)"),
        ("a: 1\n---\nb: 2", "one document only (line 2)"),
        ("1: a", "a key has to be text (line 1)"),
        ("[a]: b", "a key has to be text"),
        ("a: 1\na: 2", "the key 'a' is there twice (line 2)"),
        ("a: [1", "(line"),
        ("a: b: c", "(line 1)"),
        ("", "it is empty"),
        ("%", "(line"),
    ],
)
def test_what_json_could_not_say_is_refused_with_the_line(text: str, said: str) -> None:
    assert said in reason(text)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xc3", b"a: \x00", b"a: \x07"])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    assert reason(data)


def test_lists_may_lie_as_deep_as_is_said_and_no_deeper() -> None:
    assert read("[" * DEPTH + "]" * DEPTH)
    assert "nested deeper than 64" in reason("[" * (DEPTH + 1) + "]" * (DEPTH + 1))


def test_thousands_of_nested_lists_end_nothing() -> None:
    assert "nested deeper than 64" in reason("[" * 300_000)
    assert "nested deeper than 64" in reason("- " * 300_000)


def test_a_page_that_stands_for_gigabytes_is_refused_before_it_grows() -> None:
    lines = [
        "a0: &a0 [x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 99)),
    ]
    assert "no anchors" in reason("\n".join(lines))


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_whatever_is_sent_is_read_or_refused(data: bytes) -> None:
    try:
        value = read_yaml(data, depth=DEPTH)
    except Invalid:
        return
    assert msgspec.json.encode(value)


def test_each_value_has_the_line_it_begins_on() -> None:
    text = "# a comment\na:\n  - b: 1\n    c:\n      x: y\n  - 2\nz: {q: [1,\n 2]}\n"
    lines = read_document(text.encode(), depth=DEPTH).lines
    assert lines == {
        "": 2,
        "a": 3,
        "a[0]": 3,
        "a[0].b": 3,
        "a[0].c": 5,
        "a[0].c.x": 5,
        "a[1]": 6,
        "z": 7,
        "z.q": 7,
        "z.q[0]": 7,
        "z.q[1]": 8,
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [("a.b", 2), ("a.b.gone", 2), ("a.gone", 2), ("c[1]", 5), ("c[9]", 4), ("gone", 1), (None, 1)],
)
def test_what_is_missing_has_the_line_of_what_it_is_missing_from(
    path: str | None, line: int
) -> None:
    document = read_document(b"a:\n  b: 1\nc:\n  - 1\n  - 2\n", depth=DEPTH)
    assert document.line(path) == line
