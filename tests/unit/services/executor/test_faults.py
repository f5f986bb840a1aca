from __future__ import annotations

import re

from libs.common.chassis.problems import ANSWERS, Refusal, refusal_of
from libs.common.errors import Invalid, Problem
from services.executor.faults import FAULTS, describe, fault_of


def test_every_refusal_has_a_code_that_begins_with_its_status() -> None:
    for status, code in ANSWERS.values():
        assert FAULTS[code].code.startswith(f"FE-{status.value}")


def test_no_code_is_given_twice() -> None:
    codes = [fault.code for fault in FAULTS.values()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"FE-[1-5]\d{4}", code) for code in codes)


def test_what_nobody_foresaw_says_nothing_of_itself() -> None:
    refusal = refusal_of(RuntimeError("the password is swordfish"), "trace")
    assert fault_of(refusal).code == "FE-50001"
    assert "swordfish" not in describe(refusal)


def test_a_problem_with_a_fault_of_its_own_has_its_code_and_its_place() -> None:
    problem = Problem("unknown_action", "There is no such action", path="actionId")
    refusal = refusal_of(Invalid("the action is wrong", (problem,)), "trace")
    assert fault_of(refusal) is FAULTS["unknown_action"]
    assert describe(refusal) == "the action is wrong; There is no such action (at actionId)"


def test_a_status_without_a_fault_still_has_a_code() -> None:
    assert fault_of(Refusal(418, "im_a_teapot", "no coffee", "trace")).code == "FE-41800"
