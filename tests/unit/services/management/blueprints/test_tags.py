"""Tags stand for what they stand for in authentik, and for nothing outside of the file."""

from __future__ import annotations

from typing import Any

import pytest

from libs.common.errors import Invalid
from services.management.blueprints.entries import open_blueprint
from services.management.blueprints.reading import read
from services.management.blueprints.report import Remark
from services.management.blueprints.tags import Elsewhere, Ref
from tests.unit.services.management.blueprints.outside import NOTHING, Around

THERE = Elsewhere("authentik_flows.flow", {"slug": "there"}, known=True)
NOWHERE = Elsewhere("authentik_flows.flow", {"slug": "nowhere"})
GROUP = Elsewhere("authentik_core.group", {"name": "admins"})


def resolved(value: str, context: str = "{}", around: Around = NOTHING) -> tuple[Any, list[Remark]]:
    """Resolve `value` in a file whose first entry is a flow."""
    text = (
        f"version: 1\ncontext: {context}\nentries:\n"
        "- model: authentik_flows.flow\n  id: flow\n"
        "  identifiers: {slug: here}\n  attrs: {name: Here}\n"
        f"- model: a.b\n  id: it\n  attrs:\n    value: {value}\n"
    )
    blueprint = open_blueprint(read(text.encode()), around)
    return blueprint.entries[1].fields["value"], list(blueprint.report().remarks)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!KeyOf flow", Ref(0)),
        ("[!KeyOf it]", [Ref(1)]),
        ("!Find [authentik_flows.flow, [slug, here]]", Ref(0)),
        ("!Find [authentik_flows.Flow, [slug, here], [name, Here]]", Ref(0)),
        ("!Find [authentik_flows.flow, [slug, there]]", THERE),
        ("!Find [authentik_flows.flow, [slug, nowhere]]", NOWHERE),
        ("!Find [authentik_core.group, [name, !Context who]]", GROUP),
        ("!Find [authentik_flows.flow]", Elsewhere("authentik_flows.flow", {})),
        ("!Context who", "admins"),
        ("!Context [who, other]", "admins"),
        ("!Context [nobody, [other]]", ["other"]),
        ("!Context nobody", None),
        ("!Context nested", {"a": "admins"}),
        ('!Format ["%s-%d%%", !Context who, 3]', "admins-3%"),
        ("!If [!Context who]", True),
        ("!If [!Context nobody, !Context who, [b]]", ["b"]),
        ("!If [!Find [a.c, [x, y]], yes, no]", False),
        ("!If [!Find [authentik_flows.flow, [slug, there]], 1, 2]", 1),
        ("!Condition [AND, yes, !Context who]", True),
        ("!Condition [nand, yes, yes]", False),
        ("!Condition [OR, no, no]", False),
        ("!Condition [NOR, no, no]", True),
        ("!Condition [XOR, yes, yes, yes]", True),
        ("!Condition [XNOR, yes, yes]", True),
        ("!Env ALLOWED", "from outside"),
        ("!Env [HOME, none]", "none"),
        ("!File /etc/allowed", "contents"),
        ("!File [/etc/passwd, !Context who]", "admins"),
        ("!Enumerate [[a, b], SEQ, !Format ['%s%d', !Value 0, !Index 0]]", ["a0", "b1"]),
        ("!Enumerate [{x: 1}, MAP, [!Value 0, !Index 0]]", {"1": "x"}),
        ("!Enumerate [[a], MAP, {k: !Value 0}]", {"k": "a"}),
        ("!Enumerate [[a], SEQ, !Enumerate [[b], SEQ, [!Value 0, !Value 1]]]", [[["b", "a"]]]),
        ("!AtIndex [[a, b], -1]", "b"),
        ("!AtIndex [{a: 1}, a]", 1),
        ("!AtIndex [[a], 4, z]", "z"),
        ("!ParseJSON '{\"a\": [1]}'", {"a": [1]}),
        ("!FindObject [authentik_flows.flow, [slug, here]]", None),
    ],
)  # fmt: skip
def test_a_tag_stands_for(value: str, expected: object) -> None:
    around = Around(frozenset({"there"}), {"ALLOWED": "from outside"}, {"/etc/allowed": "contents"})
    context = "{who: admins, nested: {a: !Context who}}"
    found, _ = resolved(value, context, around)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        "!KeyOf nothing",
        "!KeyOf [flow]",
        "!Find flow",
        "!Find [a.b, slug]",
        "!Find [a.b, [slug]]",
        "!Format text",
        '!Format ["%s"]',
        '!Format ["%s", 1, 2]',
        '!Format ["%999999999s", a]',
        '!Format ["%(a)s", a]',
        '!Format ["%"]',
        "!Format [1]",
        '!Format ["%s", [a]]',
        "!If []",
        "!If [a, b]",
        "!If [a, b, c, d]",
        "!Condition [AND]",
        "!Condition [MAYBE, a]",
        "!Enumerate [text, SEQ, a]",
        "!Enumerate [[a], BAG, a]",
        "!Enumerate [[a], MAP, a]",
        "!Value 0",
        "!Enumerate [[a], SEQ, !Value 1]",
        "!Enumerate [[a], SEQ, !Index -1]",
        "!AtIndex [[a], 3]",
        "!AtIndex [{a: 1}, b]",
        "!AtIndex [text, 0]",
        "!ParseJSON 'no json'",
        "!Context [[a], b]",
        "!Context [a]",
        "!Context loop",
    ],
)
def test_a_tag_that_stands_for_nothing_refuses_the_file_and_says_where(value: str) -> None:
    with pytest.raises(Invalid) as refused:
        resolved(value, "{loop: !Context loop}")
    assert [problem.path for problem in refused.value.problems] == ["entries[1].attrs"]


@pytest.mark.parametrize(
    ("value", "context"),
    [
        (
            "!Enumerate [{0}, SEQ, !Enumerate [{0}, SEQ, !Enumerate [{0}, SEQ, a]]]".format(
                [*range(90)]
            ),
            "{}",
        ),
        (
            "!Context a9",
            "{a0: " + "x" * 50 + "".join(
                f", a{n}: !Format ['%s%s%s%s%s', {', '.join([f'!Context a{n - 1}'] * 5)}]"
                for n in range(1, 10)
            ) + "}",
        ),
    ],
)  # fmt: skip
def test_tags_that_multiply_are_stopped(value: str, context: str) -> None:
    with pytest.raises(Invalid) as refused:
        resolved(value, context)
    assert "stand for too much" in refused.value.problems[0].message


def test_many_tags_that_look_through_many_entries_are_stopped() -> None:
    entries = "- {model: a.b, identifiers: {name: x}}\n" * 1_000
    finds = ", ".join(["!Find [a.b, [name, y]]"] * 200)
    text = f"version: 1\nentries:\n{entries}- {{model: c.d, attrs: {{all: [{finds}]}}}}\n"
    with pytest.raises(Invalid) as refused:
        open_blueprint(read(text.encode()), NOTHING)
    assert "stand for too much" in refused.value.problems[0].message


def test_what_the_operator_lets_nobody_read_is_told_and_never_read() -> None:
    found, remarks = resolved("[!Env [SECRET, a], !File /etc/shadow]")
    assert found == ["a", None]
    assert [(each.entry, each.fate, each.became) for each in remarks] == [
        (1, "changed", "the default stands there"),
        (1, "changed", "null stands there"),
    ]
