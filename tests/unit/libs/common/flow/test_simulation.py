"""What a simulation tells of a turn."""

from __future__ import annotations

import pytest

from libs.common.flow.simulation import Notice, Seen, found, result_of, seen, told
from libs.common.flow.turn import Effect, Facts, Message, Over, Stay
from libs.common.flow.view import View
from libs.common.secret import Secret


class Sent(Effect, frozen=True):
    to: str
    code: Secret


class Foreign(Effect, frozen=True):
    what: object


def test_an_effect_is_told_with_its_secrets_masked() -> None:
    assert told(Sent("a@example.com", Secret("123456"))) == {
        "type": "Sent",
        "to": "a@example.com",
        "code": "***",
    }


def test_what_nobody_knows_how_to_show_is_not_shown() -> None:
    with pytest.raises(TypeError, match="complex is not shown"):
        told(Foreign(1j))


@pytest.mark.parametrize(
    ("shown", "result"),
    [
        (Stay(View(())), "waiting"),
        (Over(succeeded=True), "success"),
        (Over(succeeded=False), "failure"),
    ],
)
def test_the_last_turn_says_how_far_it_came(shown: Stay | Over, result: str) -> None:
    assert result_of(shown) == result


def test_a_page_that_the_user_is_sent_to_is_shown_by_its_address() -> None:
    assert seen(Stay(View(()), url="/terms")) == Seen((), (), (), (), "/terms")


def test_a_message_is_shown_by_its_key() -> None:
    assert seen(Stay(View(()), Message("password.wrong"))) == Seen(
        (), (), (Notice("ERROR", "password.wrong"),), ()
    )


def test_a_redirect_alone_is_shown() -> None:
    assert seen(Over(succeeded=True, redirect="/home")) == Seen((), (), (), (), "/home")


def test_no_hash_of_a_password_is_found() -> None:
    facts = Facts(identifier="a@example.com", password_hash="$argon2id$secret")
    assert "argon2id" not in str(found(facts, ()))
    assert found(facts, ()).identified
