from typing import Any

from libs.common.chassis.metrics import Metrics
from libs.common.flow.node import Visit
from libs.common.flow.plan import Instruction
from libs.common.flow.recorder import Recorder, words_of
from libs.common.flow.turn import Move, Question
from services.executor.metrics import ExecutorMetrics
from tests.walks import ALICE, Walk, login, program
from tests.worlds import PASSWORD, World

ANSWER_SECONDS = 3.0
BETWEEN_SECONDS = 100.0

LOGIN = login("login", "start > who > password > done")


class Slow(World):
    """Takes its time for each answer, on a clock of its own."""

    now = 0.0

    def answer(self, question: Question[Any]) -> object:
        self.now += ANSWER_SECONDS
        return super().answer(question)


def test_a_node_is_timed_with_what_it_waits_for() -> None:
    world = Slow(alice={})
    counted = Metrics("executor", "test")
    metrics = ExecutorMetrics(counted)
    made = program(LOGIN)

    def recorder() -> Recorder:
        return Recorder(words_of(made), lambda: world.now, world.now)

    watching = recorder()

    def watch(step: Instruction, visit: Visit, move: Move) -> None:
        watching.watch(step, visit, move)

    walk = Walk(made, world, watch=watch)
    metrics.turn(walk.turn, 1.0, watching)
    for inputs in ({"email": ALICE}, {"password": PASSWORD}):
        world.now += BETWEEN_SECONDS
        watching = recorder()
        metrics.turn(walk.sends(**inputs), 1.0, watching)
    assert walk.succeeded

    def measured(what: str, kind: str) -> float | None:
        name = f"gatehouse_node_seconds_{what}"
        return counted.registry.get_sample_value(name, {"node_type": kind})

    assert [measured("count", kind) for kind in ("start", "password_input")] == [1, 2]
    assert [measured("sum", kind) for kind in ("start", "password_input")] == [0, ANSWER_SECONDS]


def test_a_turn_is_counted_by_how_its_nodes_were_left() -> None:
    counted = Metrics("executor", "test")
    made = program(LOGIN)
    recorder = Recorder(words_of(made), lambda: 0.0, 0.0)
    ExecutorMetrics(counted).turn(Walk(made, watch=recorder.watch).turn, 1.0, recorder)

    def times(kind: str, outcome: str) -> float | None:
        labels = {"node_type": kind, "outcome": outcome}
        return counted.registry.get_sample_value("gatehouse_node_outcomes_total", labels)

    assert times("start", "success") == times("identifier_input", "waits") == 1
