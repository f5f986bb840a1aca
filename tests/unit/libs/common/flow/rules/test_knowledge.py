"""What is known at the end of a path: what it has proved, and what became of a condition.

`test_proofs.py` holds all of it to what somebody finds who walks the paths one by one.
"""

from __future__ import annotations

import pytest

from libs.common.flow.expression import Expression, parse
from libs.common.flow.model import ALONE, Authentication, Flow, Library, Settings
from libs.common.flow.proof import Evidence
from libs.common.flow.rules.knowledge import Known, know
from libs.common.flow.rules.links import survey
from libs.common.flow.rules.ways import chart
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import asks, calls, checks, flow, library, node, sets, when

NAMED = Evidence(identified=True)
NOTHING = Evidence()
KNOWS = Evidence(frozenset({"pwd"}), identified=True)

WHO, PASSWORD = node("identifier_input"), node("password_input")
SIGN_IN = "start > who > password > "


def known(written: Flow, when: str | None = None, beside: Library = ALONE) -> set[Known]:
    """What may be known where the flow has succeeded."""
    drawing = survey(written, NODE_TYPES, beside)
    walk = know(drawing, chart(drawing), None if when is None else Expression(parse(when)))
    return {each for _, way, each in walk.ended if way.ending}


@pytest.mark.parametrize(
    ("authentication", "begins"),
    [
        ("none", {NOTHING, NAMED}),
        ("require_outpost", {NOTHING, NAMED}),
        ("require_authenticated", {NAMED}),
        ("require_superuser", {NAMED}),
        ("require_unauthenticated", {NOTHING}),
    ],
)
def test_who_may_start_a_flow_says_whether_they_are_named_from_the_start(
    authentication: Authentication, begins: set[Evidence]
) -> None:
    written = flow("main", "start > done", settings=Settings(authentication=authentication))
    assert {each.evidence for each in known(written)} == begins


def test_what_a_path_proves_is_known_and_who_came_before_is_forgotten() -> None:
    written = flow("main", SIGN_IN + "done", who=WHO, password=PASSWORD)
    assert known(written) == {Known(KNOWS)}


TIME = "request.time > 5"


@pytest.mark.parametrize(
    ("asked", "outcome", "comes_to"),
    [
        (TIME, "true", True),
        (TIME, "false", False),
        (f"!({TIME})", "true", False),
        (f"{TIME} && request.ip === 'x'", "true", True),
        (f"{TIME} && request.ip === 'x'", "false", None),
        ("request.ip === 'x'", "true", None),
        (TIME, "error", None),
    ],
)
def test_a_branch_tells_what_the_condition_comes_to_where_that_is_certain(
    asked: str, outcome: str, comes_to: bool | None
) -> None:
    written = flow(
        "main",
        f"start > fork:{outcome} > done",
        *(f"fork:{each} > failed" for each in ("true", "false", "error") if each != outcome),
        fork=checks(asked),
    )
    assert {each.holds for each in known(written, TIME)} == {comes_to}


def test_what_it_has_come_to_it_does_not_come_to_otherwise_at_once() -> None:
    written = flow(
        "main",
        "start > one:true > other:false > done",
        "one:false > failed",
        "other:true > failed",
        one=checks(TIME),
        other=checks(f"!!({TIME})"),
    )
    assert known(written, TIME) == set()


@pytest.mark.parametrize("condition", ["inputs.x === 'a'", "inputs.x === 'a' || flow.type === 'x'"])
def test_what_is_typed_anew_is_not_known_any_more(condition: str) -> None:
    def asking(name: str) -> Flow:
        return flow(
            "main",
            "start > fork:true > ask > done",
            "fork:false > failed",
            fork=checks("inputs.x === 'a'"),
            ask=asks(name),
        )

    assert {each.holds for each in known(asking("x"), condition)} == {None}
    assert {each.holds for each in known(asking("y"), condition)} == {True}


def test_what_is_of_one_request_is_forgotten_as_soon_as_the_user_may_have_been_asked() -> None:
    gated = when(asks("x"), "request.language === 'en'")
    written = flow(
        "main", "start > fork:true > ask > done", "fork:false > failed",
        fork=checks(TIME), ask=gated,
    )  # fmt: skip
    # Whoever skipped the question is in the same request still.
    assert {each.holds for each in known(written, TIME)} == {None, True}


def test_a_fact_that_is_set_to_something_is_not_known_from_before() -> None:
    def setting(attribute: str) -> Flow:
        return flow(
            "main",
            "start > fork:true > set > done",
            "fork:false > failed",
            fork=checks("facts.plan === 'gold'"),
            set=sets(attribute),
        )

    assert {each.holds for each in known(setting("plan"), "facts.plan === 'gold'")} == {None}
    assert {each.holds for each in known(setting("planet"), "facts.plan === 'gold'")} == {True}


def test_who_the_user_is_can_be_told_only_once_something_is_proved() -> None:
    admin = "user.role === 'admin'"
    early = flow(
        "main",
        "start > fork:false > who > password > done",
        "fork:true > failed",
        fork=checks(admin),
        who=WHO,
        password=PASSWORD,
    )
    late = flow(
        "main",
        SIGN_IN + "fork:false > done",
        "fork:true > failed",
        fork=checks(admin),
        who=WHO,
        password=PASSWORD,
    )
    assert known(early, admin) == {Known(KNOWS)}
    assert known(late, admin) == {Known(KNOWS, holds=False)}


def test_what_is_proved_inside_counts_and_whoever_is_named_inside_may_be_another() -> None:
    inner = flow("inner", SIGN_IN + "done", who=WHO, password=PASSWORD)
    written = flow(
        "main",
        "start > fork:true > call > done",
        "fork:false > failed",
        fork=checks("user.role === 'admin'"),
        call=calls("inner"),
    )
    assert known(written, "user.role === 'admin'", library(inner)) == {Known(KNOWS)}
