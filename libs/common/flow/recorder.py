"""Writes the step log of a turn while it runs: how each node moved, and what became known.

It keeps no value and no answer but as `kept` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    # Most nodes find out nothing else, and that is seen here at once.
    if (
        after.identifier is not before.identifier
        or after.account is not before.account
        or after.proved is not before.proved
        or after.created is not before.created
        or after.authenticated is not before.authenticated
        or after.sign_in is not before.sign_in
        or after.consented is not before.consented
        or after.shown is not before.shown
        or after.invitation is not before.invitation
        or after.attached is not before.attached
        or after.password_hash is not before.password_hash
        or after.verified is not before.verified
        or after.external is not before.external
        or after.resumed is not before.resumed
    ):
        _compare_rest(before, after, new)
    return new


def _compare(
    name: str, before: Mapping[str, Json], after: Mapping[str, Json], new: dict[str, Any]
) -> None:
    """Add to `new` the names of what was set, and of what is not there any more."""
    changed = []
    gone = len(before) - len(after)
    for key, value in after.items():
        known = before.get(key, MISSING)
        if known is not value:
            changed.append(key)
            if known is MISSING:
                gone += 1
    if changed:
        new[name] = changed
    if gone:
        dropped = [(name, key) for key in before if key not in after]
        new["dropped"] = [*new.get("dropped", ()), *dropped]


_THERE: Final = (
    *("identifier", "account", "invitation", "password_hash", "verified", "external", "sign_in"),
)
"""Facts of which only that there is something is kept."""
_AS_IT_IS: Final = ("shown", "created", "authenticated", "consented", "attached", "resumed")


def _compare_rest(before: Facts, after: Facts, new: dict[str, Any]) -> None:
    """Add to `new` what is neither an input nor an attribute."""
    for name in _THERE:
        here = getattr(after, name)
        if here != getattr(before, name):
            new[name] = here is not None
    for name in _AS_IT_IS:
        here = getattr(after, name)
        if here != getattr(before, name):
            new[name] = here
    if after.proved != before.proved:
        kept = len(before.proved)
        new["forgot"] = forgot = after.proved[:kept] != before.proved
        new["proved"] = after.proved if forgot else after.proved[kept:]


# What it keeps knows nothing of it, so it is in no cycle.
class Recorder(msgspec.Struct, gc=False):
    """Keeps what one turn does: a `Watch` of the interpreter's, told of answers as well."""

    words: Mapping[str, Words] | None
    """The `words_of` the program that is run; None where nobody wants an entry."""
    clock: Callable[[], float]
    began: float
    """When the turn did, by `clock`."""
    trail: list[tuple[Instruction, Facts, Move, float]] = []
    """Each node that moved, what it was told of, how it moved, and when; in order."""
    heard: dict[int, list[Answered]] = {}
    """What each node was answered, by its place in the trail; after the last, what was at the
    end, when none was running."""

    def hear(self, question: Question[Any], answer: Any) -> None:  # noqa: ANN401 - as the question declares
        """Keep what was asked, for the node that moves next."""
        self.heard.setdefault(len(self.trail), []).append(answered(question, answer))

    def watch(self, step: Instruction, visit: Visit, move: Move) -> None:
        """Keep how a node moved."""
        self.trail.append((step, visit.facts, move, self.clock()))

    def times(self) -> list[tuple[str, float]]:
        """Say of each node that moved, in order, its type, and how long it took."""
        times = []
        moved = self.began
        for step, _, _, at in self.trail:
            times.append((step.type.name, at - moved))
            moved = at
        return times

    def entry(
        self,
        turn: Turn,
        surroundings: Surroundings,
        submitted: Submission | None = None,
        head: Head | None = None,
    ) -> bytes:
        """Return what is kept of `turn`, encoded; a `head` is given of the first."""
        assert self.words is not None  # noqa: S101 - or nobody would want an entry
        passages = _passages(self.trail, self.heard, self.words)
        action = ""
        inputs = []
        if submitted is not None:
            words = self.words[self.trail[0][0].id]
            if submitted.action in words.actions:
                action = submitted.action
            for name in submitted.inputs:
                if name in words.inputs:
                    # A comprehension is a call, which takes longer than these few.
                    inputs.append(name)  # noqa: PERF401
        shown, client = turn.shown, surroundings.client
        message = None if shown.message is None else shown.message.key
        errors = shown.field_errors if isinstance(shown, Stay) else ()
        asked = self.heard.get(len(passages), ()) if self.heard else ()
        revision, at = turn.session.revision, surroundings.time
        if not (errors or asked or turn.broken or client or head):
            return _ENCODER.encode((revision, at, passages, action, inputs, message))
        return _ENCODER.encode(
            (
                *(revision, at, passages, action, inputs, message),
                [(error.identifier, error.key) for error in errors],
                asked,
                turn.broken,
                {name: of_author(value) for name, value in client.items()},
                head,
            )
        )


def _passages(
    trail: Sequence[tuple[Instruction, Facts, Move, float]],
    heard: Mapping[int, Sequence[Answered]],
    words: Mapping[str, Words],
) -> list[tuple[Any, ...]]:
    passages: list[tuple[Any, ...]] = []
    for step, before, move, _ in trail:
        answers = heard.get(len(passages), ()) if heard else ()
        # By its very class first: whether it is of one that it is not takes much longer to say.
        if type(move) is Stay or not isinstance(move, Leave):
            how = "stay" if type(move) is Stay else _how(move)
            passages.append((step.id, how, None, None, answers) if answers else (step.id, how))
            continue
        new = None
        if move.facts is not None:
            # What it was answered is in nobody's words.
            fixed = words[step.id].fixed and not answers
            new = learned(before, move.facts, fixed=fixed)
        left = "leave" if type(move) is Leave else "bypass"
        if answers or move.points:
            passages.append((step.id, left, move.outcome, new, answers, move.points))
        elif new is None:
            passages.append((step.id, left, move.outcome))
        else:
            passages.append((step.id, left, move.outcome, new))
    return passages


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


def _how(move: Enter | Over) -> How:
    if isinstance(move, Enter):
        return "enter"
    if move.succeeded:
        return "sign_in" if move.sign_in else "succeed"
    return "fail"
