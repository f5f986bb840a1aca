"""What a node found when it was reached, and when it certainly does again what it did then.

Only what was kept is compared. So a node that could have found the same does not count as one that
did.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from libs.common.flow.expression import Expression, Scope
from libs.common.flow.kept import PERSONAL
from libs.common.flow.node import Visit, scope_for
from libs.common.flow.record import Learned
from libs.common.flow.tape import Moment
from libs.common.flow.turn import Facts
from libs.common.flow.unknown import readings, same
from libs.common.flow.world import drive

_NOTHING = Learned()


class Found(msgspec.Struct, frozen=True):
    """What a node found in the session."""

    visit: Visit
    user: Any
    """What was known of the account."""
    ran: bool = True
    """It was run, rather than left by its policies."""

    def scope(self, *expressions: Expression) -> Scope:
        """Return what `expressions` read there."""
        return drive(scope_for(self.visit, *expressions), lambda _question: self.user)


def finds_the_same(then: Found, now: Found) -> bool:
    """Whether nothing that a node can look at has changed."""
    # The user is not compared: what a run writes of them is staged before, among the facts.
    return then.visit.surroundings is now.visit.surroundings and same(
        then.visit.facts, now.visit.facts
    )


def reads_the_same(expressions: Collection[Expression], then: Found, scope: Scope) -> bool:
    """Whether each of `expressions` reads in `scope` what it read, and so comes to what it did."""
    before = then.scope(*expressions)
    return all(same(readings(each, before), readings(each, scope)) for each in expressions)


def takes_the_same(moment: Moment, asks: Collection[str], before: Facts, now: Facts) -> bool:
    """Whether a node makes the same of what it was sent at `moment`, and leaves the same behind.

    `asks` are the inputs that it asks for. What else the facts say need not be the same.
    """
    learned = moment.passage.learned or _NOTHING
    if learned.resumed:
        # All but the name was forgotten: with more to forget, there would be more of it.
        return False
    if moment.names or any(each.question in PERSONAL for each in moment.passage.answers):
        if not same(_who(before), _who(now)):
            return False
        # Whoever names another account is not known any more as they were, whatever was known.
        if before.account is not None and learned.account is not None:
            return False
    if learned.password_hash is None and before.password_hash != now.password_hash:
        return False
    # Of what is asked for, that which is left empty is gone, if it was there.
    left = [name for name in asks if name not in learned.inputs]
    return same(_said(before, left), _said(now, left))


def _who(facts: Facts) -> object:
    """Say whom a question would be about, and what it would write."""
    about = facts.identifier, facts.account, facts.authenticated, facts.created, facts.proved
    staged = facts.staged, facts.password_hash, facts.verified, facts.external
    return about, staged, facts.invitation


def _said(facts: Facts, names: Collection[str]) -> object:
    """Say what there is of `names`."""
    return [
        {name: known[name] for name in names if name in known}
        for known in (facts.inputs, facts.staged)
    ]
