"""The tables of expressions in the explanation say what the language does."""

import json
import re
from pathlib import Path

import pytest

from libs.common.flow.expression import (
    MISSING,
    Fault,
    compile_expression,
    decide,
    implied,
    parse,
)

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "expressions.md"
ANSWERS = {"true": True, "false": False}


def rows(head: str) -> list[list[str]]:
    """The cells below `head`, in each table that has it, without their backquotes."""
    tables = PAGE.read_text().split(head)[1:]
    lines = [line for table in tables for line in table.partition("\n\n")[0].splitlines()[2:]]
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines]
    return [[cell.strip().strip("`").replace("\\|", "|") for cell in row] for row in cells]


VALUES = rows("| expression | data | comes to |")
CERTAIN = rows("| known | then | is |")


def test_the_tables_are_found() -> None:
    assert {len(row) for row in (*VALUES, *CERTAIN)} == {3}
    assert {row[2] for row in VALUES} == {"missing", "fault", *ANSWERS}
    assert {row[2] for row in CERTAIN} == {"open", *ANSWERS}


@pytest.mark.parametrize(("text", "data", "said"), VALUES)
def test_an_expression_comes_to_what_the_page_says(text: str, data: str, said: str) -> None:
    value = compile_expression(parse(text))(json.loads(data))
    if said == "fault":
        assert isinstance(value, Fault)
    else:
        assert value is {**ANSWERS, "missing": MISSING}[said]


@pytest.mark.parametrize(("known", "text", "said"), CERTAIN)
def test_a_condition_says_of_another_what_the_page_says(known: str, text: str, said: str) -> None:
    assert decide(parse(text), dict(implied(parse(known), value=True))) is ANSWERS.get(said)
