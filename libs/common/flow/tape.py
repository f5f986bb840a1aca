"""A step log, ready to be replayed: what each node did, in order, with masks for what was not kept.

A mask, like the name of an account, is one object for all that the log says of it. So where a
replay comes to the same facts, they are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from libs.common.flow.accounts import DeleteUser, EnrolTotp, KeepRecoveryCodes
from libs.common.flow.federation import FinishSignIn
from libs.common.flow.model import Json, TriggerPoint
from libs.common.flow.passkeys import CheckPasskey, KeepPasskey
from libs.common.flow.questions import FindAccount, LoadUser, VerifyEmail, WriteUser
from libs.common.flow.record import Answered, Entry, Head, Learned, Passage
from libs.common.flow.signins import KeepSignIn
from libs.common.flow.turn import Enter, Facts, Leave, Move, Over, Stay, Surroundings
from libs.common.flow.unknown import Mask, UnknownUser, unmask
from libs.common.flow.view import View

_NO_VIEW: Final = View(())
_NAMED: Final = (
    *("identifier", "account", "password_hash", "verified", "external", "invitation"),
    "sign_in",
)
"""Facts of which only that there is something was kept."""
_NAMING: Final = frozenset(kind.__name__ for kind in (FindAccount, CheckPasskey, FinishSignIn))
"""Questions whose answer is an account."""
_WRITING: Final = frozenset(
    each.__name__
    for each in (WriteUser, VerifyEmail, EnrolTotp, KeepRecoveryCodes, KeepPasskey, DeleteUser)
)
"""Questions that change what is known of a user."""


class Gained(msgspec.Struct, frozen=True):
    """What a node changed of the facts."""

    learned: Learned
    changes: Mapping[str, Any]
    """Fields of `Facts` that are set to something new."""
    maps: Mapping[str, Mapping[str, Json]]
    """What is set in those that are maps."""

    def upon(self, facts: Facts) -> Facts:
        """Return `facts` with these changes."""
        maps = {
            name: {
                **{
                    key: value
                    for key, value in getattr(facts, name).items()
                    if (name, key) not in self.learned.dropped
                },
                **set_now,
            }
            for name, set_now in self.maps.items()
        }
        before = () if self.learned.forgot else facts.proved
        proved = (*before, *self.learned.proved)
        return replace(facts, proved=proved, **maps, **self.changes)


class Moment(msgspec.Struct, frozen=True):
    """A passage of the log."""

    turn: int
    """From 0."""
    submitted: bool
    """The node was sent something, rather than reached."""
    passage: Passage
    gained: Gained | None
    users: tuple[Any, ...]
    """Those whom it looked up: each a user, None for one who is gone, or `UnknownUser`."""
    writes: bool
    """It wrote a user."""
    names: bool
    """It was told another account."""

    def move(self, facts: Facts) -> Move:
        """Move as the node did, from these facts."""
        passage = self.passage
        match passage.how:
            case "stay":
                return Stay(_NO_VIEW)
            case "enter":
                return Enter()
            case "leave" | "bypass":
                assert passage.outcome is not None  # noqa: S101 - whoever leaves does so by one
                return Leave(
                    passage.outcome,
                    None if self.gained is None else self.gained.upon(facts),
                    points=tuple(map(TriggerPoint, passage.points)),
                )
            case "fail":
                return Over(succeeded=False)
            case _:
                return Over(succeeded=True, sign_in=passage.how == "sign_in")


class Tape(msgspec.Struct, frozen=True):
    """A whole log, or as much of it as there is without a gap."""

    head: Head
    entries: tuple[Entry, ...]
    facts: Facts
    """What was known from the start."""
    surroundings: tuple[Surroundings, ...]
    """Of each turn."""
    asked: tuple[tuple[Any, ...], ...]
    """Of each turn: the users whom it looked up at its end."""
    kept: tuple[bool | None, ...]
    """Of each turn: whether a sign-in stood from its end on; None where it began none."""
    moments: tuple[Moment, ...]
    turns: tuple[tuple[int, ...], ...]
    """The moments of each turn, as indexes."""


def make_tape(entries: Sequence[Entry]) -> Tape | None:
    """Make a tape of what is kept of a session; None where its beginning is not."""
    numbered = enumerate(entries, 1)
    whole = tuple(each for _, each in takewhile(lambda one: one[0] == one[1].revision, numbered))
    if not whole or whole[0].head is None:
        return None
    head = whole[0].head
    moments = tuple(
        _moment(turn, number, passage)
        for turn, entry in enumerate(whole)
        for number, passage in enumerate(entry.passages)
    )
    turns: list[list[int]] = [[] for _ in whole]
    for index, moment in enumerate(moments):
        turns[moment.turn].append(index)
    return Tape(
        head,
        whole,
        _gains(head.facts, "start").upon(Facts()),
        tuple(map(_surroundings, whole)),
        tuple(_users(entry.asked) for entry in whole),
        tuple(map(_kept, whole)),
        moments,
        tuple(map(tuple, turns)),
    )


def _kept(entry: Entry) -> bool | None:
    answers = (bool(each.answer) for each in entry.asked if each.question == KeepSignIn.__name__)
    return next(answers, None)


def _moment(turn: int, number: int, passage: Passage) -> Moment:
    learned, questions = passage.learned, {each.question for each in passage.answers}
    return Moment(
        turn,
        turn > 0 and number == 0,
        passage,
        None if learned is None else _gains(learned, f"{turn}.{number}"),
        _users(passage.answers),
        not questions.isdisjoint(_WRITING),
        not questions.isdisjoint(_NAMING),
    )


def _users(answers: Iterable[Answered]) -> tuple[Any, ...]:
    return tuple(_user(each) for each in answers if each.question == LoadUser.__name__)


def _user(answer: Answered) -> Any:  # noqa: ANN401 - a user, None, or that nobody knows
    if not answer.answer:
        return None
    if answer.user is None:
        return UnknownUser()
    return {name: unmask(value) for name, value in answer.user.items()}


def _gains(learned: Learned, name: str) -> Gained:
    """Give what was learned names of its own: `name` is unlike any other's."""
    changes: dict[str, Any] = {}
    for field in _NAMED:
        there: bool | None = getattr(learned, field)
        if there is not None:
            changes[field] = f"{field} {name}" if there else None
    for field in ("created", "authenticated", "consented", "attached", "resumed", "shown"):
        value: bool | tuple[str, ...] | None = getattr(learned, field)
        if value is not None:
            changes[field] = value
    maps = {
        "inputs": {key: Mask("input") for key in learned.inputs},
        "staged": {key: Mask("input") for key in learned.staged},
        "attributes": {key: unmask(value) for key, value in learned.attributes.items()},
    }
    return Gained(learned, changes, maps)


def _surroundings(entry: Entry) -> Surroundings:
    # An expression that reads what a request came with reads a mask.
    masks: list[Any] = [Mask("string") for _ in range(3)]
    client = {name: unmask(value) for name, value in entry.client.items()}
    return Surroundings(entry.at, masks[0], masks[1], masks[2], client)
