"""The flows that the executor's tests walk."""

from __future__ import annotations

from typing import Any

import msgspec

from libs.common.flow.model import Graph


def graph(nodes: list[dict[str, Any]], edges: list[tuple[str, ...]]) -> Graph:
    names = ("source", "target", "condition")
    drawn = {"nodes": nodes, "edges": [dict(zip(names, edge, strict=False)) for edge in edges]}
    return msgspec.convert(drawn, Graph)


START = {"id": "start", "type": "start"}
SUCCESS = {"id": "success", "type": "success"}
IDENTIFIER = {
    "id": "identifier",
    "type": "identifier_input",
    "config": {"identifier_types": ["email", "username"]},
}
PASSWORD = {"id": "password", "type": "password_input"}

LOGIN = graph(
    [START, IDENTIFIER, PASSWORD, SUCCESS],
    [("start", "identifier"), ("identifier", "password"), ("password", "success")],
)

MFA_LOGIN = graph(
    [
        START,
        IDENTIFIER,
        PASSWORD,
        {"id": "check", "type": "condition", "config": {"condition": "user.mfa_enabled"}},
        {"id": "verify", "type": "mfa_verification", "config": {"methods": ["totp", "sms"]}},
        SUCCESS,
    ],
    [
        ("start", "identifier"),
        ("identifier", "password"),
        ("password", "check"),
        ("check", "verify", "true"),
        ("check", "success", "false"),
        ("verify", "success"),
    ],
)

REGISTRATION = graph(
    [
        START,
        {
            "id": "details",
            "type": "prompt",
            "config": {
                "id": "form_1",
                "fields": [
                    {"name": "email", "type": "email", "label": "Email"},
                    {"name": "password", "type": "password", "label": "Password"},
                ],
                "submit": {"id": "submit", "action_id": "submit-registration", "text": "Continue"},
            },
        },
        {"id": "write", "type": "user_write"},
        SUCCESS,
    ],
    [("start", "details"), ("details", "write"), ("write", "success")],
)

PROFILE = graph(
    [
        START,
        {
            "id": "profile",
            "type": "prompt",
            "config": {
                "fields": [
                    {"type": "rich_text", "text": "Read <a href='/terms'>the terms</a>."},
                    {
                        "name": "country",
                        "type": "country",
                        "label": "Country",
                        "countries": ["SE", "DE", "AT"],
                    },
                    {
                        "name": "size",
                        "type": "dropdown",
                        "label": "Size",
                        "options": [{"value": "s", "label": "Small"}, {"value": "l"}],
                    },
                    {"name": "age", "type": "number", "label": "Age", "minimum": 18},
                ]
            },
        },
        SUCCESS,
    ],
    [("start", "profile"), ("profile", "success")],
)
