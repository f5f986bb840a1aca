from types import SimpleNamespace
from typing import Any

import pytest

from libs.common.chassis.metrics import Metrics
from libs.common.flow.model import FlowType
from libs.common.flow.node import Visit
from libs.common.flow.plan import Instruction
from libs.common.flow.turn import Move, Question
from services.executor.metrics import ExecutorMetrics
from tests.walks import ALICE, PASSWORD, Walk, World, flow, node, program

ANSWER_SECONDS = 3.0
RECORDING_SECONDS = 100.0

LOGIN = flow(
    "login",
    "start > who > password > done",
    kind=FlowType.LOGIN,
    who=node("identifier_input"),
    password=node("password_input"),
)


class Slow(World):
    """Takes its time for each answer, on a clock of its own."""

    now = 0.0

    def answer(self, question: Question[Any]) -> object:
        self.now += ANSWER_SECONDS
        return super().answer(question)


def test_a_node_is_timed_with_what_it_waits_for_and_without_what_watches_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Slow(alice={})
    monkeypatch.setattr(
        "services.executor.metrics.time", SimpleNamespace(perf_counter=lambda: world.now)
    )
    counted = Metrics("executor", "test")
    metrics = ExecutorMetrics(counted)
    seen: list[str] = []

    def watch(step: Instruction, _visit: Visit, _move: Move) -> None:
        seen.append(step.id)
        world.now += RECORDING_SECONDS

    walk = Walk(program(LOGIN), world, watch=metrics.timed(watch))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert walk.succeeded
    assert seen == ["start", "who", "who", "password", "password", "done"]

    def measured(what: str, kind: str) -> float | None:
        name = f"gatehouse_node_seconds_{what}"
        return counted.registry.get_sample_value(name, {"node_type": kind})

    assert [measured("count", kind) for kind in ("start", "password_input")] == [1, 2]
    assert [measured("sum", kind) for kind in ("start", "password_input")] == [0, ANSWER_SECONDS]


def test_a_turn_that_nobody_watches_is_timed_as_well() -> None:
    counted = Metrics("executor", "test")
    Walk(program(LOGIN), watch=ExecutorMetrics(counted).timed(None))
    labels = {"node_type": "identifier_input"}
    assert counted.registry.get_sample_value("gatehouse_node_seconds_count", labels) == 1
