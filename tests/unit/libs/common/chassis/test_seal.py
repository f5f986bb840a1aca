from __future__ import annotations

import base64

import pytest

from libs.common.chassis.seal import Keys, Unsealable
from libs.common.secret import Secret

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


def written(**keys: bytes) -> Secret:
    return Secret(",".join(f"{k}:{base64.b64encode(v).decode()}" for k, v in keys.items()))


def test_what_was_sealed_for_a_purpose_and_a_thing_opens_for_them() -> None:
    box = Keys({b"a": OLD}).box("acme", "one")
    sealed = box.seal(b"session", b"text")
    assert b"text" not in sealed
    assert Keys({b"a": OLD}).box("acme", "one").open(b"session", sealed) == b"text"


@pytest.mark.parametrize(
    ("tenant", "thing", "purpose"),
    [("other", "one", b"session"), ("acme", "two", b"session"), ("acme", "one", b"answer")],
)
def test_it_opens_for_no_other(tenant: str, thing: str, purpose: bytes) -> None:
    keys = Keys({b"a": OLD})
    sealed = keys.box("acme", "one").seal(b"session", b"text")
    with pytest.raises(Unsealable):
        keys.box(tenant, thing).open(purpose, sealed)


def test_it_opens_under_no_other_key_of_the_same_name() -> None:
    sealed = Keys({b"a": OLD}).box("acme", "one").seal(b"session", b"text")
    with pytest.raises(Unsealable):
        Keys({b"a": NEW}).box("acme", "one").open(b"session", sealed)


def test_a_changed_byte_anywhere_is_noticed() -> None:
    box = Keys({b"a": OLD}).box("acme", "one")
    sealed = box.seal(b"session", b"text")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Unsealable):
            box.open(b"session", bytes(changed))


def test_what_is_cut_short_does_not_open() -> None:
    box = Keys({b"a": OLD}).box("acme", "one")
    sealed = box.seal(b"session", b"text")
    for length in range(len(sealed)):
        with pytest.raises(Unsealable):
            box.open(b"session", sealed[:length])


def test_the_first_key_seals_and_all_open() -> None:
    before, after = Keys.parse(written(old=OLD)), Keys.parse(written(new=NEW, old=OLD))
    sealed = before.box("acme", "one").seal(b"session", b"text")
    assert after.box("acme", "one").open(b"session", sealed) == b"text"
    with pytest.raises(Unsealable):
        before.box("acme", "one").open(b"session", after.box("acme", "one").seal(b"session", b""))


def test_every_key_makes_a_digest_and_executors_with_a_key_in_common_agree_on_one() -> None:
    before, after = Keys.parse(written(old=OLD)), Keys.parse(written(new=NEW, old=OLD))
    (digest,) = before.digests(b"submit", b"data")
    assert digest == after.digests(b"submit", b"data")[1]
    assert digest not in before.digests(b"submit", b"other")
    assert digest not in before.digests(b"other", b"data")


@pytest.mark.parametrize(
    "text",
    ["", "a", f"a:{'A' * 10}", "a:!", f":{'A' * 44}", f"a b:{base64.b64encode(OLD).decode()}"],
)
def test_a_key_that_is_none_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) a") as refused:
        Keys.parse(Secret(text))
    assert "AAAA" not in str(refused.value)


def test_two_keys_of_one_name_are_refused() -> None:
    one = written(a=OLD).reveal()
    with pytest.raises(ValueError, match="two keys called `a`"):
        Keys.parse(Secret(f"{one},{one}"))


def test_a_salt_is_replaced_before_nonces_could_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.common.chassis.seal._SEALED_MOST", 2)
    keys = Keys({b"a": OLD})
    salts = [keys.sealing()[0] for _ in range(6)]
    assert len(set(salts)) == 3
    box = keys.box("acme", "one")
    assert [box.open(b"session", box.seal(b"session", text)) for text in (b"1", b"2", b"3")] == [
        b"1",
        b"2",
        b"3",
    ]


def test_two_things_that_are_sealed_at_once_open_each_for_its_own_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("libs.common.chassis.seal._SEALED_MOST", 3)
    keys = Keys({b"a": OLD})
    box = keys.box("acme", "one")
    pairs = [box.seal_both(b"session", b"mine", b"steps", b"other") for _ in range(3)]
    for mine, other in pairs:
        assert (box.open(b"session", mine), box.open(b"steps", other)) == (b"mine", b"other")
        for purpose, sealed in ((b"steps", mine), (b"session", other)):
            with pytest.raises(Unsealable):
                box.open(purpose, sealed)
    begins = len(b"\x01a") + 16
    assert len({sealed[:begins] for pair in pairs for sealed in pair}) == 3
    assert len({sealed[begins : begins + 12] for pair in pairs for sealed in pair}) == 6
