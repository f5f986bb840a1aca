"""What a path through a flow proves about who walks it, and what a tenant wants of that.

The rules ask it of all paths before a flow runs; the interpreter asks it again of the one that was
walked, before the flow may succeed. Both mean the same by it, since both mean what is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import (
    SCHEMA,
    Expression,
    ExpressionError,
    Schema,
    Scope,
    Shape,
    check,
    parse,
    truth,
)
from libs.common.flow.model import Invariant
from libs.common.flow.turn import Facts

FACTORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pwd": "knowledge",
        "pin": "knowledge",
        "kba": "knowledge",
        "fed": "knowledge",
        "otp": "possession",
        "sms": "possession",
        "mail": "possession",
        "hwk": "possession",
        "swk": "possession",
        "mfa": "verification",
    }
)
"""What somebody knows or has, by `amr` value: two of a kind are one factor (NIST SP 800-63B, 4.2).
`mfa` is an authenticator that made sure of its user, by something that only the two of them know of
(5.1.9), `fed` a sign-in at a provider, of which nobody knows that it took more than a password. A
value that is not here is a factor of its own kind."""
PRESENCE: Final = "user"
"""No factor: somebody was there, whoever it was (RFC 8176)."""


def factors_of(amr: Iterable[str]) -> list[str]:
    """Say which factors were proved, each once."""
    return sorted({FACTORS.get(each, each) for each in amr if each != PRESENCE})


def level_of(amr: Iterable[str]) -> str:
    """Say how much was proved, as an assertion's `acr`."""
    # `0` is what nobody should take for more than that somebody was there (OpenID Connect Core
    # 1.0, 2); the others are the authenticator assurance levels of NIST SP 800-63B.
    return ("0", "aal1", "aal2")[min(2, len(factors_of(amr)))]


class Gain(msgspec.Struct, frozen=True):
    """What is proved once a node is left by some outcome."""

    amr: tuple[str, ...] = ()
    """`amr` values (RFC 8176)."""
    identified: bool = False
    """The user has said who they are."""
    consented: bool = False
    afresh: bool = False
    """What was proved before was about somebody else, maybe."""

    def then(self, later: Gain) -> Gain:
        """Return what is proved by this and by `later` after it."""
        both = NOTHING.after(self).after(later)
        return both.gain(afresh=self.afresh or later.afresh)


class Evidence(msgspec.Struct, frozen=True):
    """What a path has proved so far."""

    amr: frozenset[str] = frozenset()
    identified: bool = False
    consented: bool = False

    def after(self, gain: Gain) -> Evidence:
        """Return what is proved with `gain` as well."""
        before = NOTHING if gain.afresh else self
        return Evidence(
            before.amr | frozenset(gain.amr),
            before.identified or gain.identified,
            before.consented or gain.consented,
        )

    def gain(self, *, afresh: bool) -> Gain:
        """Return what proves just this."""
        return Gain(tuple(sorted(self.amr)), self.identified, self.consented, afresh)

    def scope(self) -> Scope:
        """Return what an invariant's `require` reads."""
        return {
            "factors": factors_of(self.amr),
            "amr": sorted(self.amr),
            "identified": self.identified,
            "consented": self.consented,
        }


NOTHING: Final = Evidence()


def evidence_of(facts: Facts) -> Evidence:
    """Say what a session has proved."""
    identified = facts.identifier is not None or facts.account is not None
    return Evidence(frozenset(facts.proved), identified, facts.consented)


class Demand(msgspec.Struct, frozen=True, array_like=True):
    """An invariant, as a plan holds it."""

    name: str
    require: Expression
    when: Expression | None = None

    def met_by(self, evidence: Evidence) -> bool:
        """Whether `evidence` is certainly enough."""
        return truth(self.require.evaluate(evidence.scope())) is True


EVIDENCE_SCHEMA: Final[Schema] = MappingProxyType(
    {
        "factors": Shape("list"),
        "amr": Shape("list"),
        "identified": Shape("boolean"),
        "consented": Shape("boolean"),
    }
)
"""What `require` may read."""


def demands(invariants: Iterable[Invariant]) -> tuple[Demand, ...]:
    """Parse `invariants`, which `check_invariants` has found nothing wrong with."""
    return tuple(
        Demand(
            each.name,
            Expression(parse(each.require)),
            None if each.when is None else Expression(parse(each.when)),
        )
        for each in invariants
    )


def check_invariants(invariants: tuple[Invariant, ...]) -> tuple[Problem, ...]:
    """Find all that is wrong with what a tenant demands; the paths are of the list."""
    problems: list[Problem] = []
    names: set[str] = set()
    for index, each in enumerate(invariants):
        if each.name in names:
            message = f"Another invariant is called '{each.name}'; give each a name of its own"
            problems.append(Problem("invalid", message, path=f"[{index}].name"))
        names.add(each.name)
        problems.extend(_wrong(each.require, EVIDENCE_SCHEMA, f"[{index}].require"))
        if each.when is not None:
            problems.extend(_wrong(each.when, SCHEMA, f"[{index}].when"))
    return tuple(problems)


def _wrong(text: str, schema: Schema, path: str) -> Iterator[Problem]:
    try:
        tree = parse(text)
    except ExpressionError as error:
        message = f"{error.message} (at character {error.position + 1})"
        yield Problem("invalid_expression", message, path=path)
        return
    for found in check(tree, schema, "boolean"):
        if found.severity == "error":
            yield Problem(found.code, found.message, path=path)
