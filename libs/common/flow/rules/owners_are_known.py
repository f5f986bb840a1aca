"""Whoever is given a factor or a password owns an account; a node that finds nobody leads nowhere.

The node refuses whoever it does not know to own the account: nothing unsafe comes of it, and
nothing that its author meant either.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from libs.common.errors import Problem
from libs.common.flow.model import FlowType
from libs.common.flow.rules.drawing import Drawing, Place
from libs.common.flow.rules.paths import EXAMPLES, Way, arrows, explore
from libs.common.flow.rules.ways import chart


class Caller(msgspec.Struct, frozen=True):
    """Who the caller may be, as far as a path tells."""

    owns: bool
    """It may be known that they own an account."""
    named: bool
    """They may have named one."""


def owners_are_known(drawing: Drawing) -> Iterator[Problem]:
    """Find each node that some path comes to with nobody on it who owns an account."""
    # A trigger finds whom the flow that it runs in has found.
    if drawing.flow.type is FlowType.TRIGGER:
        return
    wanting = {name: place for name, place in drawing.in_reach() if _wants(place)}
    if not wanting:
        return
    asked = drawing.flow.settings.authentication
    known = asked in ("require_authenticated", "require_superuser")
    walk = explore(chart(drawing), [Caller(owns=known, named=known)], _follow)
    found: set[str] = set()
    for point in walk.before:
        name, caller = point
        place = wanting.get(name)
        if place is None or name in found or _has(place, caller):
            continue
        found.add(name)
        path = walk.path(point) if len(found) <= EXAMPLES else None
        shown = arrows(path) if path is not None else "A path"
        message = (
            f"{shown} comes here with nobody known to own an account, whom it could be given to; "
            "have them prove it on the way, or set `authentication`"
        )
        yield Problem("owner_unknown", message, node_id=name, counter_example=path)


def _wants(place: Place) -> bool:
    return place.type is not None and place.type.wants is not None


def _has(place: Place, caller: Caller) -> bool:
    assert place.type is not None  # noqa: S101 - it was looked at
    # Somebody new may choose a password for the account that is about to be made.
    return caller.owns or (place.type.wants == "owner_if_named" and not caller.named)


def _follow(way: Way, caller: Caller) -> Iterator[Caller]:
    gains = way.gains
    # Who names themselves again may be who they were; see `_either_way` of the ways.
    kept = caller.owns and not all(gain.afresh for gain in gains)
    yield Caller(
        owns=kept or any(gain.amr for gain in gains),
        named=caller.named or any(gain.identified for gain in gains),
    )
