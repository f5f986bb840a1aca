"""What is asked about sign-ins: what an assertion is about, and what stands until it is ended.

None of it is asked about somebody who is only named: whoever proved who they are begins one, and
ends those of the account that is theirs, or the one that they came with.
"""

from __future__ import annotations

from libs.common.flow.turn import Question


class KeepSignIn(Question[bool], frozen=True):
    """Does the sign-in of this session stand from now on? Not where the account is gone."""

    session: str
    """It makes one sign-in, however often this is asked."""
    account: str
    auth_time: int
    """When the first of it was proved, in Unix seconds."""
    amr: tuple[str, ...]
    acr: str


class EndSignIn(Question[bool], frozen=True):
    """Has this sign-in ended? It has as well where it had before, and where there is none."""

    sign_in: str


class EndSignIns(Question[bool], frozen=True):
    """Have all sign-ins of the account ended, but for this one?"""

    account: str
    but: str | None
