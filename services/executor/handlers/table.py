"""Who answers which question, in one look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from libs.common.flow.questions import (
    CheckPassword,
    CheckTotp,
    FindAccount,
    HashPassword,
    LoadUser,
    WriteUser,
)
from libs.common.flow.turn import Question
from services.executor.handlers import codes, passwords, users
from services.executor.handlers.world import World

Handler: TypeAlias = Callable[[World, str, Any], Awaitable[Any]]
"""(world, tenant, question) → its answer. Raises `Unavailable` where it cannot know."""

HANDLERS: Final[Mapping[type[Question[Any]], Handler]] = {
    FindAccount: users.find,
    CheckPassword: passwords.check,
    CheckTotp: codes.check_totp,
    LoadUser: users.load,
    HashPassword: passwords.make_hash,
    WriteUser: users.write,
}
