from __future__ import annotations

import base64
import uuid

import pytest

from libs.common.chassis.seal import Keys
from libs.common.flow.questions import Code, Link
from libs.common.secret import Secret
from services.executor.minter import Minter

OLD, NEW = b"o" * 32, b"n" * 32
CODE = Code("session:node:3", 6)
TO = "sasha@example.com"
MINTER = Minter(Keys({b"a": OLD}))


def test_a_name_stands_for_the_same_digits_wherever_they_are_made() -> None:
    digits = MINTER.digits("acme", CODE, TO)
    assert Minter(Keys({b"a": OLD})).digits("acme", CODE, TO) == digits
    assert digits.isdigit()
    assert len(digits) == 6


def test_codes_of_one_length_are_that_long_even_where_they_begin_with_zero() -> None:
    made = [MINTER.digits("acme", Code(str(number), 4), TO) for number in range(200)]
    assert {len(digits) for digits in made} == {4}
    assert any(digits.startswith("0") for digits in made)


def test_another_visit_tenant_length_address_or_key_has_another_code() -> None:
    others = {
        MINTER.digits("acme", CODE, TO),
        MINTER.digits("acme", Code("session:node:4", 6), TO),
        MINTER.digits("other", CODE, TO),
        MINTER.digits("acme", Code("session:node:3", 8), TO),
        MINTER.digits("acme", CODE, "other@example.com"),
        Minter(Keys({b"a": NEW})).digits("acme", CODE, TO),
    }
    assert len(others) == 6


def test_the_right_digits_are_right_and_no_others() -> None:
    digits = MINTER.digits("acme", CODE, TO)
    assert MINTER.is_right("acme", CODE, TO, Secret(digits))
    assert not MINTER.is_right("other", CODE, TO, Secret(digits))
    assert not MINTER.is_right("acme", CODE, TO, Secret(digits[::-1] + "1"))


def test_a_code_outlives_the_rotation_of_keys() -> None:
    digits = MINTER.digits("acme", CODE, TO)
    rotated = Minter(Keys({b"b": NEW, b"a": OLD}))
    assert rotated.digits("acme", CODE, TO) != digits
    assert rotated.is_right("acme", CODE, TO, Secret(digits))


# Links.

SESSION = "c8e06de8-7123-44ac-8209-02be5b55387e"
LINK = Link(SESSION, "node", 3)


def token(minter: Minter = MINTER, tenant: str = "acme", link: Link = LINK, to: str = TO) -> Secret:
    return Secret(minter.token(tenant, link, to))


def test_a_token_is_right_for_the_link_the_tenant_and_the_address_it_was_made_for() -> None:
    made = token()
    assert MINTER.is_token("acme", LINK, TO, made)
    assert not MINTER.is_token("other", LINK, TO, made)
    assert not MINTER.is_token("acme", Link(SESSION, "node", 4), TO, made)
    assert not MINTER.is_token("acme", LINK, "other@example.com", made)
    other = Link(str(uuid.uuid4()), "node", 3)
    assert not MINTER.is_token("acme", other, TO, made)


def test_it_leads_from_one_session_to_another_that_is_always_the_same() -> None:
    first, again = (MINTER.follow("acme", token()) for _ in range(2))
    assert first is not None
    assert first == again
    assert first.session == SESSION
    assert uuid.UUID(first.next).version == 4
    later = MINTER.follow("acme", token(link=Link(SESSION, "node", 4)))
    assert later is not None
    assert later.next != first.next


def test_nobody_reads_in_a_token_where_it_comes_from_or_leads() -> None:
    made = token().reveal()
    assert made != token().reveal()
    held = base64.urlsafe_b64decode(made + "==")
    followed = MINTER.follow("acme", Secret(made))
    assert followed is not None
    for each in (followed.session, followed.next):
        assert uuid.UUID(each).bytes not in held
        assert each not in repr(followed)


@pytest.mark.parametrize("text", ["", "x", "====", "grün", "\ud800", "A" * 200, "a b"])
def test_what_was_not_made_here_leads_nowhere(text: str) -> None:
    assert MINTER.follow("acme", Secret(text)) is None
    assert not MINTER.is_token("acme", LINK, TO, Secret(text))


def test_a_token_of_another_tenant_or_key_or_one_that_was_changed_leads_nowhere() -> None:
    made = token()
    assert MINTER.follow("other", made) is None
    assert Minter(Keys({b"a": NEW})).follow("acme", made) is None
    turned = made.reveal()[:-6] + made.reveal()[-6:].swapcase()
    assert MINTER.follow("acme", Secret(turned)) is None


def test_a_token_outlives_the_rotation_of_keys() -> None:
    made = token()
    rotated = Minter(Keys({b"b": NEW, b"a": OLD}))
    assert rotated.follow("acme", made) is not None
    assert rotated.is_token("acme", LINK, TO, made)
