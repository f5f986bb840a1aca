from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.model import Json
from libs.common.nodes.typed import (
    LONGEST,
    Wrong,
    identifier_reader,
    read_checkbox,
    read_code,
    read_country,
    read_date,
    read_number,
    read_password,
    read_text,
)

KEY = re.compile("field[.][a-z_]+")
READERS = {
    "text": read_text,
    "password": read_password,
    "code": read_code,
    "number": read_number,
    "date": read_date,
    "checkbox": read_checkbox,
    "country": read_country,
    "email": identifier_reader("email"),
}


@pytest.mark.parametrize("name", sorted(READERS))
@given(sent=st.text(max_size=LONGEST + 1) | st.integers() | st.floats() | st.none())
def test_a_value_is_in_its_normal_form_or_wrong_and_is_never_told(name: str, sent: Json) -> None:
    reader = READERS[name]
    try:
        value = reader(sent)
    except Wrong as error:
        said = str(error)
        assert KEY.fullmatch(said)
    else:
        assert value == "" or reader(value) == value


def test_a_country_may_be_written_small() -> None:
    assert read_country(" se") == "SE"
