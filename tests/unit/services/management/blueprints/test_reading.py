"""Blueprints are read as authentik reads them, as far as that is safe."""

from __future__ import annotations

import pytest

from libs.common.errors import Invalid
from services.management.blueprints.reading import DEPTH, MOST_VALUES, Tag, is_blueprint, read

LAUGHS = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"{name}: &{name} [{', '.join(f'*{before}' for _ in range(9))}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def reason(data: str | bytes) -> str:
    with pytest.raises(Invalid) as refused:
        read(data if isinstance(data, bytes) else data.encode())
    (problem,) = refused.value.problems
    assert problem.code == "malformed_blueprint"
    return problem.message


def test_plain_words_are_what_they_are_to_authentik_and_times_stay_text() -> None:
    text = "no: !!str no\nyes: yes\nten: 0x10\nreal: 1e3\nnone: ~\nday: 2024-08-03\n"
    assert read(text.replace("no:", "word:").replace("yes:", "truth:").encode()) == {
        "word": "no",
        "truth": True,
        "ten": 16,
        "real": "1e3",
        "none": None,
        "day": "2024-08-03",
    }


def test_tags_are_kept_with_what_stands_behind_them() -> None:
    value = read(b"- !KeyOf flow\n- !Find [a.b, [slug, !Context x]]\n- !Value 0\n")
    assert [(each.name, each.value) for each in (value[0], value[2])] == [
        ("KeyOf", "flow"),
        ("Value", "0"),
    ]
    assert isinstance(inner := value[1].value[1][1], Tag)
    assert (inner.name, inner.value) == ("Context", "x")


def test_anchors_aliases_and_merges_stand_for_what_they_repeat() -> None:
    text = "one: &one {a: 1, b: [2]}\ntwo: *one\nthree: {<<: *one, a: 3}\n"
    assert read(text.encode()) == {
        "one": {"a": 1, "b": [2]},
        "two": {"a": 1, "b": [2]},
        "three": {"a": 3, "b": [2]},
    }


def test_json_is_read_as_json_even_with_tabs_and_yaml_may_begin_with_a_brace() -> None:
    assert read(b'{\t"version":\t1, "a": "no"}') == {"version": 1, "a": "no"}
    assert read(b"{version: 1, a: !KeyOf b}")["version"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, f"more than {MOST_VALUES} values"),
        ("[x, " * (MOST_VALUES // 2), "nested deeper"),
        ("a: &a [*a]", "an alias of nothing that is complete"),
        ("a: *b", "an alias of nothing that is complete"),
        ("[" * 100_000, "nested deeper"),
        ("{a: " * (DEPTH + 1) + "1" + "}" * (DEPTH + 1), "nested deeper"),
        ("!!python/object/apply:os.system ['true']", "no tag"),
        ("!!python/name:os.system", "no tag"),
        ("a: !!binary aGk=", "no tag"),
        ("a: !!timestamp 2024-08-03", "no tag"),
        ("a: !!set {b}", "no tag"),
        ("a: !Unheard of", "no tag `!Unheard`"),
        ("a: !KeyOf {b: c}", "`!KeyOf` stands before text or a list"),
        ("a: 1\n---\nb: 2", "one document only"),
        ("", "it is empty"),
        ("a: [", "line"),
        ("a: .inf", "JSON cannot say"),
        ("a: 99999999999999999999", "too large"),
        (f"a: {'9' * 5_000}", "cannot be read"),
        ("{[a]: b}", "line"),
        ("!KeyOf a: b", "a key that is a tag"),
        (b"a: \xff", "unreadable"),
        ('a: "\\0"', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
    ],
)
def test_what_is_too_much_or_no_data_is_refused_with_a_reason(text: str | bytes, said: str) -> None:
    assert said in reason(text)


@pytest.mark.parametrize(
    "text", [b'{"a": ' * 500 + b"1" + b"}" * 500, b'{"a":' * 90 + b"1" + b"}" * 90]
)
def test_json_is_held_to_the_same_depth(text: bytes) -> None:
    assert "nested deeper" in reason(text)


def test_a_megabyte_of_entries_is_refused_by_count_before_any_is_made() -> None:
    assert "more than" in reason("[" + "1," * 500_000 + "1]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"version: 1\nentries: []\n", True),
        (b"metadata: {entries: 1, x: [entries]}\ncontext: {a: [b]}\nentries: []\n", True),
        (b'{"version": 1, "entries": []}', True),
        (b"{version: 1, entries: []}", True),
        (b"gatehouse: 1\nflow: {name: entries}\n", False),
        (b'{"gatehouse": 1, "entries": []}', False),
        (b"flow: {entries: []}\n", False),
        (b"- entries\n- version\n", False),
        (b"- entries: []\n", False),
        (b"a: entries\n", False),
        (b"entries", False),
        (b"", False),
        (b"a: [", False),
        (b"\xff\xfe\xff", False),
    ],
)
def test_a_blueprint_is_told_by_its_outermost_keys(text: bytes, expected: bool) -> None:
    assert is_blueprint(text) is expected
