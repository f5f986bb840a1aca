"""Messages as authors write them: the words in text and HTML, or those that come with Gatehouse."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import Expression
from libs.common.flow.identifier import normalise
from libs.common.flow.messaging import SendMail, SendSms
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig, Visit, scope_for
from libs.common.flow.turn import Facts, Question
from libs.common.flow.words import Part, read_words
from libs.common.nodes.wording import LETTERS

Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""Words on one line."""
Body = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
TemplateName: TypeAlias = Literal["welcome", "password_changed", "signed_in"]

NO_SLOTS: Final[frozenset[str]] = frozenset()


class Words(msgspec.Struct, frozen=True):
    """What a mail says, as it is written."""

    subject: str
    text: str
    html: str | None = None
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)
    """By the name of what no author wrote, its key in `LETTERS`: it follows the user's language."""


PARTS: Final = ("subject", "text", "html")
"""What there is to say."""


class Letter(msgspec.Struct, frozen=True):
    """What a mail says, as a plan holds it: as it was written, and what of it is filled in."""

    words: Words
    filled: tuple[Expression, ...]


def ours(name: str) -> Words:
    """Return the words of a message that comes with Gatehouse, as in `mail.code`."""
    keys = {part: key for part in PARTS if (key := f"{name}_{part}") in LETTERS}
    return Words(**{"subject": "", **{part: LETTERS[key] for part, key in keys.items()}}, keys=keys)


TEMPLATES: Final[Mapping[TemplateName, Words]] = MappingProxyType(
    {name: ours(f"mail.{name}") for name in get_args(TemplateName)}
)
"""The mails that need not be written, by name."""


def read_letter(words: Words, slots: frozenset[str] = NO_SLOTS) -> Letter:
    """Check `words`, or raise `InvalidConfig` with all that is wrong with them."""
    filled: list[Expression] = []
    problems: list[Problem] = []
    for name in PARTS:
        written = getattr(words, name)
        try:
            parts: tuple[Part, ...] = read_words(written or "", name, slots)
        except InvalidConfig as error:
            problems += error.problems
        else:
            filled += (part for part in parts if isinstance(part, Expression))
    if problems:
        raise InvalidConfig(*problems)
    return Letter(words, tuple(filled))


def address_of(facts: Facts, kind: str = "email") -> tuple[str | None, str | None] | None:
    """Say whose account's address a message goes to, or which staged one; None where neither is.

    Once somebody is named it is theirs, and nobody's where there is no such account.
    """
    if facts.account is not None or facts.identifier is not None:
        return facts.account, None
    address = _normal(kind, facts.staged.get(kind))
    return None if address is None else (None, address)


def address_said(
    to: Expression, visit: Visit, kind: str
) -> Generator[Question[Any], Any, tuple[str | None, str] | None]:
    """Say of whom a message speaks that goes where `to` says, and where that is."""
    scope = yield from scope_for(visit, to)
    address = _normal(kind, to.evaluate(scope))
    if address is None:
        return None
    # An account that was only named is not spoken of to an address that anybody may choose.
    return visit.facts.account if visit.facts.owned else None, address


def _normal(kind: str, value: object) -> str | None:
    return normalise(kind, value) if isinstance(value, str) else None


def compose(letter: Letter, visit: Visit, account: str | None, to: str | None) -> SendMail:
    """Make the mail that `letter` is to `account` or `to`."""
    words, (user, facts) = letter.words, _spoken_of(letter, visit, account)
    return SendMail(
        account,
        words.subject,
        words.text,
        words.html,
        to,
        user,
        facts,
        visit.flow.value,
        keys=words.keys,
        language=visit.surroundings.language,
    )


def compose_sms(letter: Letter, visit: Visit, account: str | None, to: str | None) -> SendSms:
    """Make the SMS that the text of `letter` is to `account` or `to`."""
    user, facts = _spoken_of(letter, visit, account)
    return SendSms(
        account,
        letter.words.text,
        to,
        user,
        facts,
        visit.flow.value,
        keys=letter.words.keys,
        language=visit.surroundings.language,
    )


def _spoken_of(
    letter: Letter, visit: Visit, account: str | None
) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """Say what of the staged user and of the facts has to go along."""
    facts = visit.facts
    read = frozenset[str]().union(*(each.roots for each in letter.filled))
    return (
        facts.staged if account is None and "user" in read else {},
        facts.attributes if "facts" in read else {},
    )
