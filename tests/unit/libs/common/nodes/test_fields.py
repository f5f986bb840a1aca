from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.nodes.fields import MOST_CHOICES, Part


def read(**said: Json) -> Part:
    part: Part = msgspec.convert(said, Part)
    return part


def asked(type: str, **said: Json) -> Part:
    return read(type=type, name="a", label="A", **said)


@pytest.mark.parametrize(
    "kind", ["text", "password", "email", "username", "telephone", "number", "date", "checkbox"]
)
def test_an_input_says_its_name_and_label(kind: str) -> None:
    assert asked(kind).__struct_config__.tag == kind
    with pytest.raises(msgspec.ValidationError):
        read(type=kind, name="a")


@pytest.mark.parametrize(
    "said",
    [
        {"type": "otp", "name": "a", "label": "A"},
        {"type": "text", "name": "a", "label": "A", "characters": "[a-z]+"},
        {"type": "number", "name": "a", "label": "A", "minimum": 2**54},
        {"type": "date", "name": "a", "label": "A", "earliest": "2024-1-1"},
        {"type": "country", "name": "a", "label": "A", "countries": []},
        {"type": "country", "name": "a", "label": "A", "countries": ["se"]},
        {"type": "dropdown", "name": "a", "label": "A"},
        {"type": "dropdown", "name": "a", "label": "A", "options": []},
        {"type": "dropdown", "name": "a", "label": "A", "options": [{"value": ""}]},
        {"type": "dropdown", "name": "a", "label": "A", "options": [{"value": "a"}] * 301},
        {"type": "typography"},
        {"type": "typography", "text": "a", "variant": "h7"},
        {"type": "rich_text", "text": "a" * 5_001},
        {"type": "divider", "text": ""},
        {"type": "image", "src": "https://a.example/b.png"},
        {"type": "image", "src": "https://a.example/b.png", "alt": ""},
        {"type": "image", "src": "http://a.example/b.png", "alt": "A"},
        {"type": "image", "src": "/b.png", "alt": "A"},
        {"type": "image", "src": "data:image/png;base64,", "alt": "A"},
    ],
)
def test_what_can_be_written_has_bounds(said: Mapping[str, Json]) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(**said)


def test_as_much_as_can_be_is_read() -> None:
    asked("dropdown", options=[{"value": "a"}] * MOST_CHOICES)
    asked("number", minimum=-1.5, maximum=2)
    read(type="image", src="https://a.example:8443/b.png?c=d", alt="A lock")
