from __future__ import annotations

from libs.common.chassis.seal import Keys
from libs.common.flow.questions import Code
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
