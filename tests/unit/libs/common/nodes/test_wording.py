from __future__ import annotations

import pytest

from libs.common.flow.words import Slot, read_words
from libs.common.nodes.mail import PARTS
from libs.common.nodes.wording import LETTERS, slots_of


@pytest.mark.parametrize("key", LETTERS)
def test_all_can_be_filled_in_and_each_slot_that_there_is_is_used(key: str) -> None:
    parts = read_words(LETTERS[key], key, slots_of(key))
    found = {part.name for part in parts if isinstance(part, Slot)}
    if key.endswith("subject"):
        assert found <= slots_of(key)
    else:
        assert found == slots_of(key)


def test_keys_are_in_order_and_end_with_what_they_are_of() -> None:
    assert list(LETTERS) == sorted(LETTERS)
    assert {key.rpartition("_")[2] for key in LETTERS} == set(PARTS)
