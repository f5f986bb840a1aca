"""Walks of which a step log is kept, as an executor keeps it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.plan import Instruction, Program
from libs.common.flow.record import Entry, Head, decode
from libs.common.flow.recorder import Recorder, Words, head_of, words_of
from libs.common.flow.tape import Tape, make_tape
from libs.common.flow.turn import Facts, Move, Question, Submission, Turn
from tests.flows.cases import Case, world_of
from tests.walks import NOTHING_KNOWN, Walk, program
from tests.worlds import NOW, World


def no_clock() -> float:
    return 0.0


def recorder(words: Mapping[str, Words]) -> Recorder:
    return Recorder(words, no_clock, no_clock())


class Recorded:
    """A walk, and its log."""

    def __init__(
        self, made: Program, world: World | None = None, facts: Facts = NOTHING_KNOWN
    ) -> None:
        """Begin."""
        self.entries: list[Entry] = []
        self.data: list[bytes] = []
        self.sent: list[tuple[str, Mapping[str, Json]]] = []
        """To which nodes, and what."""
        self.facts = facts
        self._words = words_of(made)
        self._recorder = recorder(self._words)
        heard = world or World()
        answer = heard.answer

        def hear(question: Question[object]) -> object:
            answered = answer(question)
            self._recorder.hear(question, answered)
            return answered

        heard.answer = hear  # type: ignore[method-assign]  # heard, whatever world it is
        self.walk = Walk(made, heard, facts, self._watch)
        begun = msgspec.structs.replace(self.walk.turn.session, facts=facts)
        self._keep(self.walk.turn, None, head_of(begun, self.walk.turn, made))

    def sends(self, action: str = "", /, **inputs: Json) -> Turn:
        """Submit `inputs` to the node that waits."""
        self._recorder = recorder(self._words)
        self.sent.append((self.walk.at, inputs))
        turn = self.walk.sends(**inputs)
        self._keep(turn, Submission(action, inputs), None)
        return turn

    @property
    def tape(self) -> Tape:
        """All that was kept, ready to be replayed."""
        tape = make_tape(self.entries)
        assert tape is not None
        return tape

    @property
    def path(self) -> list[tuple[str, str | None]]:
        """The nodes that were run or left by their policies."""
        return [
            (passage.node, passage.outcome) for entry in self.entries for passage in entry.passages
        ]

    def _watch(self, step: Instruction, visit: Visit, move: Move) -> None:
        self._recorder.watch(step, visit, move)

    def _keep(self, turn: Turn, submitted: Submission | None, head: Head | None) -> None:
        self.data.append(self._recorder.entry(turn, NOW, submitted, head))
        self.entries.append(decode(self.data[-1]))


def recorded(case: Case, facts: Facts = NOTHING_KNOWN) -> Recorded:
    """Walk the flow of `case` until it ends or the visitor has nothing more to send.

    It runs already, so that it may break what its tenant demands.
    """
    plan = program(case.flow, case.library, running=True)
    made = Recorded(plan, world_of(case.visitor), facts)
    for index in range(len(case.visitor.luck)):
        if made.walk.turn.session.over:
            break
        made.sends(**case.visitor.sends(index, made.walk.asked()))
    return made


def sent_again(made: Recorded, plan: Program, case: Case) -> Recorded:
    """Walk `plan` as the visitor of `made` did: each node is sent what it was sent then."""
    again = Recorded(plan, world_of(case.visitor), made.facts)
    left = list(made.sent)
    while not again.walk.turn.session.over:
        node = again.walk.at
        index = next((index for index, (to, _) in enumerate(left) if to == node), None)
        if index is None:
            break
        again.sends(**left.pop(index)[1])
    return again
