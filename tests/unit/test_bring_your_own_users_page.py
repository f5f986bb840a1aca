"""The page about directories of others: its table is what the structs say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, get_args

import msgspec

from services.executor.directory import NOBODY
from services.executor.directory.contract import (
    Asked,
    Checked,
    CheckPassword,
    Delete,
    Deleted,
    Find,
    Found,
    Load,
    Loaded,
    Noted,
    User,
    VerifyEmail,
    Write,
    Wrote,
)
from services.executor.directory.remote import MOST_BYTES, TRIES

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "bring-your-own-users.md"
ANSWERS: Final[dict[type[msgspec.Struct], type[msgspec.Struct]]] = {
    Find: Found,
    CheckPassword: Checked,
    Load: Loaded,
    Write: Wrote,
    VerifyEmail: Noted,
    Delete: Deleted,
}


def names(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([a-z_]+)`", cell))


def test_the_table_has_every_question_with_all_that_is_asked_and_answered() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*) \|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    told = {
        operation: (names(asked), names(answer))
        for operation, asked, answer in rows
        if names(asked)
    }
    assert told == {
        str(question.__struct_config__.tag): (
            question.__struct_fields__,
            ANSWERS[question].__struct_fields__,
        )
        for question in get_args(Asked)
    }


def test_the_page_tells_all_that_may_be_known_of_a_user() -> None:
    [told] = re.findall(r"^- \*\*`load`\*\*.*$", PAGE.read_text(), re.MULTILINE)
    assert set(User.__struct_fields__) <= set(names(told))


def test_the_page_names_the_limits_there_are() -> None:
    page = PAGE.read_text()
    assert f"at most {MOST_BYTES // 1024} KiB" in page
    assert TRIES == 2
    assert "are tried once more" in page
    assert f"`{NOBODY}`" in page
