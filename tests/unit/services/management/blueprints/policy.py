"""Runs authentik's expression policies as Python, and their translations, on the same user."""

from __future__ import annotations

import ipaddress
import textwrap
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from libs.common.flow.expression import Expression, parse, truth
from libs.common.flow.model import Json
from services.management.blueprints.python import translate
from services.management.blueprints.terms import InputKind

INPUTS: Mapping[str, InputKind] = {
    "email": "string",
    "plan": "string",
    "age": "number",
    "terms": "boolean",
    "password": "secret",
}
Case = Mapping[str, Json]
"""`inputs` that were typed, the `user`, and the `ip` of the request."""


def by_python(source: str, case: Case) -> bool | None:
    """Say whether a policy passes in authentik; None where it raises."""
    typed = dict(case["inputs"])
    user = case["user"]
    account = SimpleNamespace(
        username=user["username"],
        email=user["email"],
        name=user["name"],
        is_superuser=user.get("is_superuser", False),
        attributes={"team": user["attributes_team"]} if "attributes_team" in user else {},
        groups=user["groups"],
    )
    context = {"prompt_data": typed, "auth_method": "password"}
    names: dict[str, Any] = {
        "request": SimpleNamespace(user=account, context=context),
        "context": context,
        "ak_client_ip": ipaddress.ip_address(case["ip"]),
        "ak_is_sso_flow": False,
        "ak_message": lambda _message: None,
        "ak_is_group_member": lambda who, name: name in who.groups,
        "ip_network": ipaddress.ip_network,
    }
    exec(f"def policy():\n{textwrap.indent(source, '    ')}", names)  # noqa: S102 -- of this test
    try:
        return bool(names["policy"]())
    except (KeyError, TypeError, AttributeError):
        return None


def by_translation(source: str, case: Case) -> bool | None:
    """Say whether its translation passes here; None where that cannot be told."""
    expression = Expression(parse(translate(source, INPUTS).text))
    scope = {"inputs": case["inputs"], "user": case["user"], "request": {"ip": case["ip"]}}
    return truth(expression.evaluate(scope))
