"""Flows with a mailed link, and the link in a letter."""

from __future__ import annotations

import re
from email.message import EmailMessage
from itertools import pairwise
from typing import Any

from libs.common.flow.model import Graph, Json
from tests.integration.executor.graphs import IDENTIFIER, START, SUCCESS, graph
from tests.mailbox import text_of

CHOSEN = "a quite new password"
RECOVERY = "PASSWORD_RECOVERY"


def verify(**config: Json) -> dict[str, Json]:
    config = {"method": "link", **config}
    return {"id": "verify", "type": "email_verification", "config": config}


def recovery(**config: Json) -> Graph:
    nodes: list[dict[str, Any]] = [
        START,
        IDENTIFIER,
        verify(**config),
        {"id": "choose", "type": "password_setup"},
        {"id": "write", "type": "user_write"},
        SUCCESS,
    ]
    path = ("start", "identifier", "verify", "choose", "write", "success")
    return graph(nodes, list(pairwise(path)))


def registration() -> Graph:
    fields = [
        {"name": "email", "type": "email", "label": "Email"},
        {"name": "password", "type": "password", "label": "Password"},
    ]
    nodes: list[dict[str, Any]] = [
        START,
        {"id": "details", "type": "prompt", "config": {"fields": fields}},
        verify(),
        {"id": "write", "type": "user_write"},
        SUCCESS,
    ]
    path = ("start", "details", "verify", "write", "success")
    return graph(nodes, list(pairwise(path)))


def link_in(letter: EmailMessage) -> str:
    (found,) = re.findall(r"https?://\S+#token=\S+", text_of(letter))
    return str(found)


def token_in(letter: EmailMessage) -> str:
    return link_in(letter).partition("#token=")[2]
