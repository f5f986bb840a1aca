"""What is asked about sign-ins: that the world of a script has an answer, and what that is."""

from __future__ import annotations

from libs.common.flow.script import UNSCRIPTED, Persona
from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from libs.common.flow.world import ACCOUNT, World, answer


def keep(account: str) -> KeepSignIn:
    return KeepSignIn("session", account, 7, ("pwd",), "aal1")


def test_a_sign_in_stands_as_long_as_there_is_such_an_account() -> None:
    world = World(Persona(user={}))
    assert answer(world, keep(ACCOUNT), UNSCRIPTED) is True
    assert answer(world, keep("somebody-else"), UNSCRIPTED) is False


def test_what_is_ended_has_ended() -> None:
    world = World(Persona())
    assert answer(world, EndSignIn("0f"), UNSCRIPTED) is True
    assert answer(world, EndSignIns(ACCOUNT, None), UNSCRIPTED) is True
