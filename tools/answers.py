"""Reads the table of answers: for each node type, what is answered in each situation, and why.

The reference shows the table, and the tests play every row of it against real executors. So it is
written down once, in `tests/fixtures/answers`: a file for each node type, and `every.yaml` for what
holds for all.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from libs.common.nodes.catalogue import CATALOGUE

ANSWERS = Path(__file__).parents[1] / "tests" / "fixtures" / "answers"
EVERY = "every"

SITUATIONS: Mapping[str, str] = {
    "right": "right input",
    "wrong": "wrong input",
    "late": "too late",
    "over": "session expired",
    "repeated": "repeated",
    "out_of_order": "out of order",
    "elsewhere": "another executor",
    "other_tenant": "another tenant",
}
"""Those that each node type has a row for, in order, and their names on the page. A file may have
more of its own."""

INTRO = (
    "What `POST /flow/execute` answers, by the node that what is sent leads to. A node that does "
    "not wait for the user is passed by the turn that answers the step before; then that is what "
    "is sent here. The node is followed by the flow's end where nothing else is said, and what an "
    "outcome *falls to* is the flow's failure. The tests send all of it."
)
HEAD = ("situation", "sent", "status", "`flowStatus`", "`type`", "key or code", "session")

SESSION: Mapping[str, str] = {
    "ended": "the flow has ended; only the last submit, repeated, is answered",
    "begun": "a new one waits at the flow's first step",
    "at the next step": "it waits at the next step",
    "at this step": "it waits where it was, and may be tried as often as before",
    "a try fewer": "it waits where it was, with one try fewer",
    "as it was": "nothing has changed",
    "expired": "it is known for a while that there was one",
}
"""What may be left of a session."""


LEFT = (("session", "what is left of it"), [(f"*{name}*", said) for name, said in SESSION.items()])
"""The head of a table, and its rows."""


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is answered."""

    status: int
    flow: Literal["INCOMPLETE", "COMPLETE", "ERROR"] | None = None
    """`flowStatus`; None in a fault."""
    type: Literal["VIEW", "REDIRECTION", "WEBAUTHN", "INTERNAL_PROMPT"] | None = None
    says: str | None = None
    """`i18nKey` of the first field's error or of the message, or the `code` of a fault."""


class Row(msgspec.Struct, frozen=True):
    """What is answered by one node type in one situation."""

    node: str
    situation: str
    when: str
    """What is sent, in words."""
    answer: Answer
    session: str
    """What is left of the session, of `SESSION`."""


def rows_of(node: str, folder: Path = ANSWERS) -> list[Row]:
    """Return the rows of a node type; raise `ValueError` for what is missing or not understood."""
    every, own = _read(folder / f"{EVERY}.yaml"), _read(folder / f"{node}.yaml")
    written = {**every, **own}
    missing = [name for name in SITUATIONS if name not in written]
    if missing:
        raise ValueError(f"{node}: nothing says what is answered in: {', '.join(missing)}")
    more = [name for name in own if name not in SITUATIONS]
    return [_row(node, name, written) for name in (*SITUATIONS, *more)]


def sections() -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Return each node type with the rows of its table, in the order of the catalogue."""
    for node in CATALOGUE:
        yield node.name, [_cells(row) for row in rows_of(node.name)]


def _cells(row: Row) -> tuple[str, ...]:
    answer = row.answer
    told = ("" if word is None else f"`{word}`" for word in (answer.flow, answer.type, answer.says))
    situation = SITUATIONS.get(row.situation, row.situation.replace("_", " "))
    return situation, row.when, str(answer.status), *told, f"*{row.session}*"


def _row(node: str, situation: str, written: Mapping[str, Any]) -> Row:
    told = written[situation]
    source = written[told["as"]] if "as" in told else told
    row = Row(
        node,
        situation,
        told["when"],
        msgspec.convert(source["answer"], Answer),
        source["session"],
    )
    if row.session not in SESSION:
        raise ValueError(f"{node}, {situation}: no session is left `{row.session}`")
    return row


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise ValueError(f"{path.name} is missing in {path.parent.name}: each node type has a file")
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found
