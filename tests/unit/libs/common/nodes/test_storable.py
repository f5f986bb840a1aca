from __future__ import annotations

import pytest

from libs.common.flow.expression import MISSING
from libs.common.flow.expression.values import Value
from libs.common.nodes.storable import LARGEST, is_storable


@pytest.mark.parametrize("value", [None, True, 1.5, "a", ["a"], {"a": [1]}, 2**63, "x" * 4_093])
def test_data_of_little_is_kept(value: Value) -> None:
    assert is_storable(value)


@pytest.mark.parametrize("value", [MISSING, "x" * LARGEST, 2**64, float("inf"), float("nan")])
def test_what_is_no_data_or_too_much_is_not(value: Value) -> None:
    assert not is_storable(value)
