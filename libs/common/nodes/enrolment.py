"""Who may give an account a further factor."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from msgspec.structs import replace

from libs.common.flow.model import Json
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave, Question, ask


def owner(
    facts: Facts, ours: Callable[[str], Question[bool]] | None = None
) -> Generator[Question[Any], Any, Mapping[str, Json] | Leave]:
    """Return what is known of who may set up a factor, or how the node is left.

    Who has set one up is to show one before another is, or a password alone would be enough to get
    round it. What was set up in this very run was by them, also where the turn that did so died
    before it was stored: then `ours`, which is asked of the account, knows of it.
    """
    if facts.account is None or not facts.owned:
        return Leave("failure")
    user = yield from ask(LoadUser(facts.account))
    if user is None:
        return Leave("failure")
    # In every turn: a set-up that was begun before there was a factor ends by showing that.
    if not user.get("mfa_methods") or not is_first(facts, user):
        return user
    if ours is not None and (yield from ask(ours(facts.account))):
        return user
    return Leave("enrolled")


def is_first(facts: Facts, user: Mapping[str, Json]) -> bool:
    """Whether none of the factors of `user` was shown in this run, if only since there are none."""
    return set(user.get("mfa_methods") or ()).isdisjoint(facts.shown)


def shown(facts: Facts, method: str) -> Facts:
    """Return `facts` once `method` was shown or set up.

    That alone proves nothing: a factor that somebody has just chosen does not say that they are
    who chose the others.
    """
    return replace(facts, shown=tuple(dict.fromkeys((*facts.shown, method))))
