"""What a replay knows of users: what the session was told of them, as long as that is still so.

Any other is an `UnknownUser`. None is ever made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libs.common.flow.found import Found
from libs.common.flow.tape import Tape
from libs.common.flow.unknown import UnknownUser


class Users:
    """The users of one replay, by account."""

    def __init__(
        self, tape: Tape, then: Mapping[int, Found] | None, end: Found | None = None
    ) -> None:
        """`then` says what each moment of the session found, and `end` the last node of all.

        `then` is None while that is found out.
        """
        self._tape = tape
        self._then = then
        self._end = None if end is None else end.visit.facts.account
        self._known: dict[str, Any] = {}
        self._done: set[int] = set()
        self._writes = [number for number, each in enumerate(tape.moments) if each.writes]

    def pass_by(self, number: int, account: str | None) -> None:
        """Know what a moment was told; `account` was the one that was found there now."""
        self._done.add(number)
        moment = self._tape.moments[number]
        if moment.writes:
            self._known.clear()
        if self._then is not None:
            account = self._account_then(number)
        if account is not None and moment.users and self._is_still_so(number):
            self._known[account] = moment.users[-1]

    def find(self, account: str | None, turn: int) -> Any:  # noqa: ANN401 - a user, None, or that nobody knows
        """Return what is known of `account`, or will be told of it before `turn` is over."""
        if account is None or account in self._known:
            return None if account is None else self._known[account]
        for number in self._tape.turns[turn]:
            moment = self._tape.moments[number]
            if number in self._done:
                continue
            is_theirs = self._then is None or self._account_then(number) == account
            if moment.users and is_theirs and self._is_still_so(number):
                return moment.users[0]
            if moment.writes or moment.names:
                break
        else:
            # At the end of a flow its tenant's demands ask, of whoever is known by then.
            users = self._tape.asked[turn]
            is_theirs = self._then is None or self._end == account
            if users and is_theirs and self._is_still_so(len(self._tape.moments)):
                return users[0]
        return UnknownUser()

    def _account_then(self, number: int) -> str | None:
        assert self._then is not None  # noqa: S101 - nobody asks while that is found out
        found = self._then.get(number)
        return None if found is None else found.visit.facts.account

    def _is_still_so(self, number: int) -> bool:
        """Whether all has been written that had been written by then, and nothing else."""
        return all((each in self._done) is (each < number) for each in self._writes)
