"""What the stages become that set a second factor up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from libs.common.flow.model import Json
from services.management.blueprints.steps import Stage, Step
from services.management.blueprints.tags import Resolved

_WISHES: Final = ("required", "preferred", "discouraged")
_PASSKEY: Final = "webauthn_setup"
_CODES: Final = "recovery_codes_setup"


def setup_steps(type: str, stage: Stage, _around: object) -> list[Step]:
    """Draw the node of `type`."""
    stage.drop("no other flow is offered to set it up", "configure_flow")
    stage.drop("what it is called is up to the client", "friendly_name")
    if type == _PASSKEY:
        return [Step(type=type, config=_passkey(stage))]
    stage.same(digits=6, token_length=12, token_count=6)
    count = stage.take("token_count") if type == _CODES else None
    if str(stage.entry.fields.get("digits", 6)) == "6":
        stage.take("digits")
    return [Step(type=type, config={} if count is None else {"count": count})]


def _passkey(stage: Stage) -> Mapping[str, Json]:
    stage.drop("no make of authenticator is asked for", "device_type_restrictions", "hints")
    stage.same(max_attempts=0)
    config: dict[str, Json] = {
        "user_verification": wish(stage.take("user_verification")),
        "resident_key": wish(stage.take("resident_key_requirement")),
    }
    attachment = stage.take("authenticator_attachment")
    if attachment in ("platform", "cross-platform"):
        config["attachment"] = attachment
    return config


def wish(said: Resolved) -> str:
    """Say how much a stage wants its authenticators to verify; `preferred` where it does not."""
    return said if isinstance(said, str) and said in _WISHES else "preferred"
