"""Writes the step log of a turn while it runs: how each node moved, and what became known.

It keeps no value and no answer but as `kept` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from libs.common.flow.contents import contents
from libs.common.flow.expression import MISSING, Expression
from libs.common.flow.kept import answered, of_author, of_run
from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.plan import Instruction, Program
from libs.common.flow.record import (
    Answered,
    Head,
    How,
    Learned,
)
from libs.common.flow.turn import (
    Bypass,
    Enter,
    Facts,
    Leave,
    Move,
    Over,
    Question,
    Session,
    Stay,
    Submission,
    Surroundings,
    Turn,
)
from libs.common.flow.view import Component, View


class Words(msgspec.Struct, frozen=True):
    """What a step may be sent, in its author's words: whatever else is sent may be anything."""

    inputs: frozenset[str]
    actions: frozenset[str]
    fixed: bool
    """What it sets is the author's as well, since its expressions read nothing of the user."""


def words_of(program: Program) -> dict[str, Words]:
    """Say of each step what may be kept of it; once for each plan, since it takes time."""
    return {step.id: _words(step) for step in program.steps}


def _words(step: Instruction) -> Words:
    views = [view for _, view in contents(step.config, View)]
    expressions = [expression for _, expression in contents(step.config, Expression)]
    return Words(
        frozenset(name for view in views for name in _names(view)),
        frozenset(name for view in views for name in view.actions),
        bool(expressions) and all(each.roots <= {"flow"} for each in expressions),
    )


def _names(view: View) -> Iterator[str]:
    yield from _inputs(view.components)
    yield from (*view.required, *view.optional)


def _inputs(components: tuple[Component, ...]) -> Iterator[str]:
    for component in components:
        if component.type == "INPUT":
            yield component.id
        yield from _inputs(component.components)


_THERE: Final = ("invitation", "password_hash", "verified", "external", "sign_in")
"""Facts of which only that there is something is kept."""
_there: Final = attrgetter(*_THERE)
_ENCODER: Final = msgspec.msgpack.Encoder()

# What follows is part of every turn. So it makes no structs of `record`'s, which take several times
# as long, but what they are encoded as: an array in the order of their fields, a map where they are
# one. A test reads them back. What is the same object is not compared: nearly everything is.


def learned(before: Facts, after: Facts, *, fixed: bool = False) -> dict[str, Any]:
    """Say how `after` differs from `before`, as a `Learned` is encoded.

    With `fixed`, what was set is the author's words.
    """
    new: dict[str, Any] = {}
    if after.inputs is not before.inputs:
        _compare("inputs", before.inputs, after.inputs, new)
    if after.staged is not before.staged:
        _compare("staged", before.staged, after.staged, new)
    if after.attributes is not before.attributes:
        _compare("attributes", before.attributes, after.attributes, new)
        keep, attributes = of_author if fixed else of_run, after.attributes
        new["attributes"] = {name: keep(attributes[name]) for name in new.get("attributes", ())}
    if after.identifier is not before.identifier and after.identifier != before.identifier:
        new["identifier"] = after.identifier is not None
    if after.account is not before.account and after.account != before.account:
        new["account"] = after.account is not None
    if (now := _there(after)) != (was := _there(before)):
        compared = zip(_THERE, was, now, strict=True)
        new.update((name, here is not None) for name, there, here in compared if there != here)
    if after.proved is not before.proved and after.proved != before.proved:
        kept = len(before.proved)
        new["forgot"] = forgot = after.proved[:kept] != before.proved
        new["proved"] = after.proved if forgot else after.proved[kept:]
    if after.shown is not before.shown and after.shown != before.shown:
        new["shown"] = after.shown
    if after.created is not before.created:
        new["created"] = after.created
    if after.authenticated is not before.authenticated:
        new["authenticated"] = after.authenticated
    if after.consented is not before.consented:
        new["consented"] = after.consented
    if after.attached is not before.attached:
        new["attached"] = after.attached
    if after.resumed is not before.resumed:
        new["resumed"] = after.resumed
    return new


def _compare(
    name: str, before: Mapping[str, Json], after: Mapping[str, Json], new: dict[str, Any]
) -> None:
    """Add to `new` the names of what was set, and of what is not there any more."""
    changed = [key for key, value in after.items() if before.get(key, MISSING) is not value]
    if changed:
        new[name] = changed
    if not before.keys() <= after.keys():
        gone = [(name, key) for key in before if key not in after]
        new["dropped"] = [*new.get("dropped", ()), *gone]


class Recorder:
    """Keeps what one turn does: a `Watch` of the interpreter's, told of answers as well."""

    __slots__ = ("_answers", "_clock", "_moved", "_passages", "_words", "times")

    def __init__(self, words: Mapping[str, Words] | None, clock: Callable[[], float]) -> None:
        """Take the `words_of` the program that is run; None where nobody wants an entry."""
        self._words = words
        self._clock = clock
        self._answers: list[Answered] = []
        self._passages: list[tuple[Any, ...]] = []
        self._moved = clock()
        self.times: list[tuple[str, float]] = []
        """Of each node that moved, its type, and how long it took; in order."""

    def hear(self, question: Question[Any], answer: Any) -> None:  # noqa: ANN401 - as the question declares
        """Keep what was asked, for the node that moves next."""
        self._answers.append(answered(question, answer))

    def watch(self, step: Instruction, visit: Visit, move: Move) -> None:
        """Keep how a node moved."""
        now = self._clock()
        self.times.append((step.type.name, now - self._moved))
        self._moved = now
        if self._words is None:
            return
        answers: Sequence[Answered] = ()
        if self._answers:
            # What is answered next is the next node's.
            answers, self._answers = self._answers, []
        if isinstance(move, Leave):
            passage = _left(self._words[step.id], step.id, visit, move, answers)
        else:
            how = _how(move)
            passage = (step.id, how, None, None, answers) if answers else (step.id, how)
        self._passages.append(passage)

    def entry(
        self,
        turn: Turn,
        surroundings: Surroundings,
        submitted: Submission | None = None,
        head: Head | None = None,
    ) -> bytes:
        """Return what is kept of `turn`, encoded; a `head` is given of the first."""
        action = ""
        inputs: list[str] = []
        if submitted is not None:
            assert self._words is not None  # noqa: S101 - or nobody would want an entry
            words = self._words[self._passages[0][0]]
            if submitted.action in words.actions:
                action = submitted.action
            inputs = [name for name in submitted.inputs if name in words.inputs]
        shown, client = turn.shown, surroundings.client
        message = None if shown.message is None else shown.message.key
        errors = shown.field_errors if isinstance(shown, Stay) else ()
        revision, at = turn.session.revision, surroundings.time
        if not (errors or self._answers or turn.broken or client or head):
            return _ENCODER.encode((revision, at, self._passages, action, inputs, message))
        return _ENCODER.encode(
            (
                *(revision, at, self._passages, action, inputs, message),
                [(error.identifier, error.key) for error in errors],
                self._answers,
                turn.broken,
                {name: of_author(value) for name, value in client.items()},
                head,
            )
        )


def _left(
    words: Words, node: str, visit: Visit, move: Leave, answers: Sequence[Answered]
) -> tuple[Any, ...]:
    how = "bypass" if type(move) is Bypass else "leave"
    new = None
    if move.facts is not None:
        # What it was answered is in nobody's words.
        new = learned(visit.facts, move.facts, fixed=words.fixed and not answers)
    if answers or move.points:
        return (node, how, move.outcome, new, answers, move.points)
    return (node, how, move.outcome) if new is None else (node, how, move.outcome, new)


def head_of(begun: Session, turn: Turn, program: Program) -> Head:
    """Say how a session began: as `begun`, before its first `turn`."""
    return Head(
        program.plan,
        program.flow,
        program.version,
        program.type,
        begun.started_at,
        begun.expires_at,
        msgspec.convert(learned(Facts(), begun.facts), Learned),
        dict(turn.planned or {}),
    )


def _how(move: Stay | Enter | Over) -> How:
    if isinstance(move, Stay):
        return "stay"
    if isinstance(move, Enter):
        return "enter"
    if move.succeeded:
        return "sign_in" if move.sign_in else "succeed"
    return "fail"
