"""What management stores of a tenant's actions, and executors read."""

from __future__ import annotations

from typing import Final

import msgspec

from libs.common.flow.calls import Target

ACTION_SECRET: Final = b"action"
"""The purpose under which the secret of an action is sealed, for its tenant and its id."""

_TARGET: Final = msgspec.json.Decoder(Target)


def encode_target(target: Target) -> str:
    """Write where an action is, as it is stored."""
    return msgspec.json.encode(target).decode()


def decode_target(written: str | bytes) -> Target:
    """Read it; raise `msgspec.MsgspecError` for what is none."""
    return _TARGET.decode(written)
