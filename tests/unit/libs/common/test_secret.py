import copy
import pickle
from collections.abc import Callable

import msgspec
import pytest

from libs.common.secret import Secret, decode_secret


class Holder(msgspec.Struct, frozen=True):
    password: Secret


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>40}".format])
def test_no_way_of_showing_a_secret_shows_it(show: Callable[[object], str]) -> None:
    assert "hunter2" not in show(Secret("hunter2"))
    assert "hunter2" not in show(Holder(Secret("hunter2")))


@pytest.mark.parametrize(
    "serialise", [msgspec.json.encode, msgspec.msgpack.encode, pickle.dumps, copy.deepcopy, hash]
)
def test_a_secret_is_not_serialised_copied_or_hashed_by_accident(
    serialise: Callable[[object], object],
) -> None:
    with pytest.raises(TypeError):
        serialise(Secret("hunter2"))
    with pytest.raises(TypeError):
        serialise(Holder(Secret("hunter2")))


def test_reveal_gives_the_value() -> None:
    assert Secret("hunter2").reveal() == "hunter2"


def test_secrets_are_equal_when_their_values_are() -> None:
    assert Secret("hünter2") == Secret("hünter2")
    assert Secret("hünter2") != Secret("hünter3")
    assert Secret("\ud800") != Secret("hünter3")


def test_a_secret_never_equals_a_plain_string() -> None:
    assert Secret("hunter2") != "hunter2"


def test_msgspec_decodes_a_secret_from_a_string() -> None:
    decoded = msgspec.json.decode(b'{"password":"hunter2"}', type=Holder, dec_hook=decode_secret)
    assert decoded.password.reveal() == "hunter2"


def test_a_secret_of_another_shape_is_refused_without_showing_it() -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(b'{"password":31337}', type=Holder, dec_hook=decode_secret)
    assert str(refused.value) == "Expected `str`, got `int` - at `$.password`"


def test_the_hook_decodes_nothing_else() -> None:
    with pytest.raises(LookupError, match="Holder"):
        decode_secret(Holder, "x")
