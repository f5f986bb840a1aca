"""Who walks a random flow: what account they have, and what they send."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import strategies as st

from libs.common.flow.calls import Reached
from libs.common.flow.model import Json
from tests.worlds import CODE, INVITATION, PASSWORD, TICKED

ACCOUNT = "alice"
EMAIL, NEW_EMAIL = "alice@example.com", "sasha@example.com"
WRONG_CODE = "000000"
COLOURS = ("red", "blue")


class Visitor(msgspec.Struct, frozen=True):
    """Who walks a flow, and how well they do."""

    known: bool
    """They have an account."""
    role: str
    enrolled: bool
    """The account has an authenticator."""
    luck: tuple[bool, ...]
    """Whether what they send is right, submit by submit; then they walk away."""
    factors: tuple[str, ...] = ()
    """What the account has besides."""
    reachable: bool = False
    """The account has a phone number, and an address that mail is known to reach."""
    told: Reached | None = Reached({})
    """What is answered by whoever a flow calls."""

    def users(self) -> dict[str, dict[str, Json]]:
        """The accounts that there are, by their ids."""
        if not self.known:
            return {}
        methods = [*(["totp"] if self.enrolled else []), *self.factors]
        about = {"role": self.role, "mfa_enabled": bool(methods), "mfa_methods": methods}
        ways = {"phone": "+4512345678", "email_verified": True} if self.reachable else {}
        return {ACCOUNT: {"email": EMAIL, **ways, **about}}

    def sends(self, turn: int, names: Iterable[str]) -> dict[str, Json]:
        """What is sent at submit number `turn`, from 0, where `names` are asked for."""
        right, wanted = self.luck[turn], set(names)
        # From a provider they come back with a code of theirs, or with an error.
        away = "state" in wanted
        said: dict[str, Json] = {
            "email": EMAIL if right else NEW_EMAIL,
            "password": PASSWORD if right else "wrong battery",
            "confirmation": PASSWORD,
            "code": (ACCOUNT if away else CODE) if right else WRONG_CODE,
            "state": "state",
            "token": CODE if right else WRONG_CODE,
            "tokenResponse": f'{{"id": "{ACCOUNT if right else "nobody"}"}}',
            "captcha": TICKED if right else "a program",
            "invitation": INVITATION if right else "a guess",
            "origin": "https://app.example" if right else "",
        }
        # A text is right in two ways, and wrong where it is missing.
        colour = {"colour": COLOURS[turn % 2]} if right else {}
        known = {**said, **colour}
        return {name: known[name] for name in names if name in known}


_KNOWN = st.sampled_from((True, True, False))
_MOSTLY = st.sampled_from((True, True, True, True, False))
_ROLES = st.sampled_from(("member", "admin"))
_LUCK = st.lists(st.sampled_from((True,) * 7 + (False,)), min_size=4, max_size=16).map(tuple)

PLAIN: st.SearchStrategy[Visitor] = st.builds(
    Visitor, known=_KNOWN, role=_ROLES, enrolled=_KNOWN, luck=_LUCK
)
"""Visitors with a password, and an authenticator at most."""
ANY: st.SearchStrategy[Visitor] = st.builds(
    Visitor,
    known=_MOSTLY,
    role=_ROLES,
    enrolled=_KNOWN,
    luck=_LUCK,
    factors=st.sampled_from(((), ("webauthn",), ("recovery_code", "webauthn"))),
    reachable=st.booleans(),
    told=st.sampled_from(
        (Reached({}), Reached({"outcome": "gold", "mark": "red"}), Reached({"mark": 7}), None)
    ),
)
"""Visitors with whatever there is."""
