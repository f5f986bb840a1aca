"""Entries that are there, and what is wrong with those that no file of authentik's has."""

from __future__ import annotations

import pytest

from libs.common.errors import Invalid, Problem
from services.management.blueprints.entries import MOST_ENTRIES, Blueprint, open_blueprint
from services.management.blueprints.reading import read
from tests.unit.services.management.blueprints.outside import NOTHING


def opened(text: str) -> Blueprint:
    return open_blueprint(read(text.encode()), NOTHING)


def entries(*lines: str) -> str:
    return "version: 1\nentries:\n" + "".join(f"- {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("[]", [None]),
        ("{entries: []}", ["version"]),
        ("{version: 2, entries: []}", ["version"]),
        ("{version: 1, entries: text}", ["entries"]),
        ("{version: 1, entries: {a: b}}", ["entries"]),
        ("{version: 1, context: [a], entries: []}", ["context"]),
        (f"{{version: 1, entries: [{'a, ' * (MOST_ENTRIES + 1)}]}}", ["entries"]),
        (
            entries("text", "{id: a}", "{model: a.b, attrs: [], extra: 1, identifiers: x}"),
            [
                "entries[0]",
                "entries[1].model",
                "entries[2].extra",
                "entries[2].identifiers",
                "entries[2].attrs",
            ],
        ),
        (entries("{model: a.b, state: gone}"), ["entries[0].state"]),
        (entries("{model: a.b, conditions: yes}"), ["entries[0].conditions"]),
        (
            entries("{model: !KeyOf x}", "{model: a.b, conditions: [!KeyOf y]}"),
            ["entries[0].model", "entries[1].conditions"],
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once_and_where(text: str, paths: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        opened(text)
    assert [problem.path for problem in refused.value.problems] == paths
    assert all(isinstance(problem, Problem) for problem in refused.value.problems)


def test_identifiers_count_where_attributes_say_otherwise() -> None:
    (entry,) = opened(
        entries("{model: A.B, identifiers: {name: x}, attrs: {name: y, z: 1}}")
    ).entries
    assert (entry.model, dict(entry.fields)) == ("a.b", {"name": "x", "z": 1})


def test_a_later_entry_about_the_same_object_changes_the_first() -> None:
    blueprint = opened(
        entries(
            "{model: a.b, id: one, identifiers: {name: x}, attrs: {p: 1, q: 1}}",
            "{model: a.b, id: two, identifiers: {name: x}, attrs: {q: 2}}",
            "{model: c.d, attrs: {of: [!KeyOf one, !KeyOf two]}}",
        )
    )
    first, last = blueprint.entries
    assert dict(first.fields) == {"name": "x", "p": 1, "q": 2}
    assert blueprint.find_all(last.fields["of"]) == [first, first]


def test_what_is_not_to_be_there_is_not_and_is_told() -> None:
    blueprint = opened(
        entries(
            "{model: a.b, id: gone, state: absent}",
            "{model: a.b, conditions: [yes, no]}",
            "{model: a.b, state: created, permissions: [{permission: p}]}",
            "{model: c.d, attrs: {of: !KeyOf gone}}",
        )
    )
    assert [each.index for each in blueprint.entries] == [2, 3]
    assert blueprint.find(blueprint.entries[1].fields["of"]) is None
    report = blueprint.report()
    assert [(each.entry, each.fate) for each in report.remarks] == [
        (0, "left_out"),
        (1, "left_out"),
        (2, "left_out"),
    ]
    assert (report.counts.entries, report.counts.carried, report.counts.remarks) == (4, 1, 3)
