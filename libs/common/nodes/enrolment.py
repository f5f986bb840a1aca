"""Who may give an account a further factor."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from msgspec.structs import replace

from libs.common.flow.accounts import IsEnrolled
from libs.common.flow.model import Json
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave, Question, ask


def owner(
    facts: Facts, sealed: str | None = None
) -> Generator[Question[Any], Any, Mapping[str, Json] | Leave]:
    """Return what is known of who may set up a factor, or how the node is left.

    Who has set one up is to show one before another is, or a password alone would be enough to get
    round it. What was set up in this very run was by them, and so was an authenticator that the run
    keeps as `sealed`, even if the turn that set it up died before it was stored.
    """
    if facts.account is None or not facts.owned:
        return Leave("failure")
    user = yield from ask(LoadUser(facts.account))
    if user is None:
        return Leave("failure")
    # In every turn: a set-up that was begun before there was a factor ends by showing that.
    methods = user.get("mfa_methods") or ()
    if not methods or not set(methods).isdisjoint(facts.shown):
        return user
    if sealed is not None and (yield from ask(IsEnrolled(facts.account, sealed))):
        return user
    return Leave("enrolled")


def shown(facts: Facts, method: str) -> Facts:
    """Return `facts` once `method` was shown or set up.

    That alone proves nothing: a factor that somebody has just chosen does not say that they are
    who chose the others.
    """
    return replace(facts, shown=tuple(dict.fromkeys((*facts.shown, method))))
