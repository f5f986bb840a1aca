"""What becomes of the fields that a stage asks for."""

from __future__ import annotations

import pytest

from services.management.blueprints.prompts import PROMPT_MODEL
from tests.unit.services.management.blueprints.written import flow, only, stage


def test_more_than_a_form_takes_is_left_out_and_told() -> None:
    prompts = "".join(
        f"- {{model: {PROMPT_MODEL}, id: f{n}, attrs: {{field_key: f{n}, type: text}}}}\n"
        for n in range(60)
    )
    keys = ", ".join(f"!KeyOf f{n}" for n in range(60))
    found, remarks = only(flow(prompts + stage("prompt", fields=f"[{keys}]")))
    assert len(found.graph.nodes[1].config["fields"]) == 50
    assert len(remarks) == 10


def asked(*prompts: str) -> tuple[list[dict[str, object]], list[str]]:
    """The fields of a stage of these prompts, and why others are not among them."""
    entries = "".join(
        f"- {{model: {PROMPT_MODEL}, id: p{n}, attrs: {{order: {n}, field_key: f{n}, {said}}}}}\n"
        for n, said in enumerate(prompts)
    )
    keys = ", ".join(f"!KeyOf p{n}" for n in range(len(prompts)))
    said = "{order: 99, field_key: last, type: text}"
    entries += f"- {{model: {PROMPT_MODEL}, id: last, attrs: {said}}}\n"
    found, remarks = only(flow(entries + stage("prompt", fields=f"[{keys}, !KeyOf last]")))
    *fields, last = found.graph.nodes[1].config["fields"]
    assert last["name"] == "last"
    return fields, [each.reason for each in remarks]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("type: static, initial_value: Hello", {"type": "typography", "text": "Hello"}),
        ("type: static, placeholder: Hello", {"type": "typography", "text": "Hello"}),
        (
            "type: static, initial_value: '<b>Hello</b>'",
            {"type": "rich_text", "text": "<b>Hello</b>"},
        ),
        ("type: separator", {"type": "divider"}),
        ("type: separator, placeholder: or", {"type": "divider", "text": "or"}),
        (
            "type: dropdown, placeholder: one",
            {"name": "f0", "type": "dropdown", "label": "f0", "options": [{"value": "one"}]},
        ),
        (
            """type: radio-button-group, placeholder_expression: true,
               placeholder: 'return ["a", {"value": "b", "label": "B"}]'""",
            {
                "name": "f0",
                "type": "dropdown",
                "label": "f0",
                "options": [{"value": "a"}, {"value": "b", "label": "B"}],
            },
        ),
    ],
)
def test_what_a_prompt_shows_and_offers_is_carried(said: str, field: dict[str, object]) -> None:
    assert asked(said)[0] == [field]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("type: static", "it says nothing"),
        ("type: static, initial_value: return 1, initial_value_expression: true", "made by Python"),
        ("type: static, initial_value: '<img src=x>'", "`<img>` cannot be used"),
        (f"type: static, initial_value: '{'a' * 6_000}'", "its words are too many"),
        ("type: dropdown", "its choices are made by Python, or cannot be listed"),
        (f"type: dropdown, placeholder: {'a' * 201}", "cannot be listed"),
        (
            "type: dropdown, placeholder: return f(), placeholder_expression: true",
            "its choices are made by Python",
        ),
        (
            """type: dropdown, placeholder: 'return ["a", "a"]', placeholder_expression: true""",
            "cannot be listed",
        ),
        ("type: dropdown, placeholder: a, field_key: email", "`email` is typed"),
        ("type: file", "a field of type `file` cannot be asked for"),
    ],
)
def test_what_cannot_be_shown_or_offered_is_left_out_and_told(said: str, reason: str) -> None:
    fields, reasons = asked(said)
    assert fields == []
    assert any(reason in each for each in reasons)
