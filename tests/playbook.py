"""Plays a dialogue as it is spoken: what it must ask, what it is answered, how it must end.

    Playbook(run(config, visit())).asks(CHECK, answered=Verdict.BLOCKED).ends(Leave("failure"))

Whatever the dialogue asks that the script does not say fails the test, and so does what it
leaves unasked.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from libs.common.flow.model import FlowType, Json
from libs.common.flow.node import NodeType, Site, Visit
from libs.common.flow.plan import encode_config
from libs.common.flow.turn import Facts, Question, Submission, Surroundings

A = TypeVar("A")
R = TypeVar("R")
C = TypeVar("C", bound=msgspec.Struct)
L = TypeVar("L", bound=msgspec.Struct)

SESSION = "c8e06de8-7123-44ac-8209-02be5b55387e"


class Playbook(Generic[R]):
    """A dialogue that waits for its next line."""

    def __init__(self, dialogue: Generator[Question[Any], Any, R]) -> None:
        self._dialogue = dialogue
        self._asked: Question[Any] | None = None
        self._results: list[R] = []
        self._hear(None)

    def asks(self, question: Question[A], *, answered: A) -> Playbook[R]:
        assert self._asked == question, f"it asks {self._asked}, not {question}"
        self._hear(answered)
        return self

    def ends(self, result: R) -> None:
        assert self.result() == result

    def result(self) -> R:
        """How it ended, for a test that looks at a part of it."""
        assert self._asked is None, f"it does not end but asks {self._asked}"
        (result,) = self._results
        return result

    def _hear(self, answer: object) -> None:
        try:
            self._asked = self._dialogue.send(answer)
        except StopIteration as stop:
            self._asked = None
            self._results.append(stop.value)


def lowered(
    kind: NodeType[C, L], config: Mapping[str, Json] | None = None, flow: FlowType = FlowType.LOGIN
) -> L:
    """Lower what an author wrote of a node called `step`, and read it back as a plan is read."""
    written = msgspec.convert(config or {}, kind.config)
    stored = encode_config(kind.lower(written, Site("step", flow)))
    return msgspec.msgpack.decode(stored, type=kind.lowered)


def visit(
    facts: Facts | None = None,
    submitted: Mapping[str, Json] | None = None,
    *,
    action: str = "",
    tries: int = 0,
) -> Visit:
    """Arrive at the node called `step`, or submit to it."""
    return Visit(
        session=SESSION,
        revision=3,
        node="step",
        flow=FlowType.LOGIN,
        facts=facts or Facts(),
        surroundings=Surroundings(time=1_790_000_000, ip="192.0.2.7"),
        submitted=None if submitted is None else Submission(action, submitted),
        tries=tries,
    )
