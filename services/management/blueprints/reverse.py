"""What the nodes of a chain are as stages of authentik's: the way back of `stages`.

Nobody relies on this being right: what is written is read again, and compared.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.common.flow.model import Graph, Json, Node

_APP: Final = "authentik_stages_"

MODEL_OF: Final[Mapping[str, str]] = {
    "identifier_input": f"{_APP}identification.identificationstage",
    "password_input": f"{_APP}password.passwordstage",
    "mfa_verification": f"{_APP}authenticator_validate.authenticatorvalidatestage",
    "prompt": f"{_APP}prompt.promptstage",
    "user_write": f"{_APP}user_write.userwritestage",
    "user_login": f"{_APP}user_login.userloginstage",
    "user_logout": f"{_APP}user_logout.userlogoutstage",
    "user_delete": f"{_APP}user_delete.userdeletestage",
    "consent": f"{_APP}consent.consentstage",
    "email_verification": f"{_APP}email.emailstage",
    "invitation": f"{_APP}invitation.invitationstage",
    "deny": f"{_APP}deny.denystage",
    "dummy": f"{_APP}dummy.dummystage",
    "redirect": f"{_APP}redirect.redirectstage",
    "totp_setup": f"{_APP}authenticator_totp.authenticatortotpstage",
    "recovery_codes_setup": f"{_APP}authenticator_static.authenticatorstaticstage",
    "webauthn_setup": f"{_APP}authenticator_webauthn.authenticatorwebauthnstage",
}
"""By node type. A captcha is not here: authentik wants its keys, which no flow holds."""

_DEVICES: Final[Mapping[str, str]] = {"recovery_code": "static"}


def attributes_of(node: Node, graph: Graph) -> dict[str, Json]:
    """Say a node's config as the attributes of its stage."""
    config = node.config
    match node.type:
        case "identifier_input":
            return {"user_fields": list(config.get("identifier_types") or ["email"])}
        case "password_input":
            backends = ["authentik.core.auth.InbuiltBackend"]
            tries = config.get("attempts", 5)
            return {"backends": backends, "failed_attempts_before_cancel": tries}
        case "mfa_verification":
            methods = config.get("methods") or ["totp"]
            classes = [_DEVICES.get(str(each), each) for each in methods]
            passes = any(
                edge.source == node.id and edge.condition == "not_enrolled" for edge in graph.edges
            )
            said: dict[str, Json] = {
                "device_classes": classes,
                "not_configured_action": "skip" if passes else "deny",
            }
            if "webauthn" in classes:
                verification = config.get("user_verification", "preferred")
                said["webauthn_user_verification"] = verification
            return said
        case "deny":
            message = config.get("message")
            return {} if message is None else {"deny_message": message}
        case "redirect":
            return {"mode": "static", "target_static": config.get("url")}
        case "invitation":
            return {"continue_flow_without_invitation": config.get("required") is False}
        case _:
            return {}


def prompts_of(node: Node, name: str) -> Iterator[dict[str, Any]]:
    """Say the fields of a form as prompts."""
    fields = node.config.get("fields")
    for index, field in enumerate(fields if node.type == "prompt" and fields else ()):
        key = str(field.get("name", f"shown_{index}"))
        said: dict[str, Json] = {
            "field_key": key,
            "label": field.get("label"),
            "required": field.get("required", True),
            "order": index,
            "placeholder": field.get("placeholder"),
            "sub_text": field.get("hint"),
            **_kind_of(field),
        }
        yield {
            "model": f"{_APP}prompt.prompt",
            "id": f"field-{node.id}-{key}",
            "identifiers": {"name": f"{name}: {key}"},
            "attrs": {each: value for each, value in said.items() if value is not None},
        }


def _kind_of(field: Mapping[str, Json]) -> dict[str, Json]:
    """Say what is particular to the type of a field."""
    kind, text = str(field.get("type")), field.get("text")
    match kind:
        case "telephone":
            return {"type": "text"}
        case "dropdown":
            listed = json.dumps(field.get("options"))
            return {"type": kind, "placeholder": f"return {listed}", "placeholder_expression": True}
        case "divider":
            return {"type": "separator", "placeholder": text}
        case "rich_text":
            return {"type": "static", "initial_value": text}
        case "typography":
            return {"type": "static", "initial_value": html.escape(str(text))}
        case _:
            return {"type": kind}
