"""What a tenant demands at the end of a flow, in a replay on another version."""

from __future__ import annotations

from libs.common.flow.model import Flow, FlowType, Invariant, Library
from libs.common.flow.replay import Replay
from libs.common.flow.rerun import Stopped
from tests.unit.libs.common.flow.reruns import RED, again
from tests.walks import ALICE, asks, checks, library, login, sets
from tests.worlds import CODE, PASSWORD

SIGN_IN = (
    "start > who > password > ask > more",
    "more:true > code > done",
    "more:false > done",
)


def sign_in(more: str = "inputs.colour === 'red'", ways: tuple[str, ...] = SIGN_IN) -> Flow:
    return login("main", *ways, ask=asks("colour"), more=checks(more))


def two_factors(of: str = "inputs.colour === 'red'") -> Library:
    rule = Invariant("two-factors", FlowType.LOGIN, "size(factors) >= 2", of)
    return library(invariants=(rule,))


WHO, HOW = {"email": ALICE}, {"password": PASSWORD}
BLUE = {"colour": "blue"}
NEVER = "flow.type === 'registration'"


def test_who_proved_what_is_demanded_need_not_be_looked_at() -> None:
    found = again(sign_in(), sign_in(), WHO, HOW, RED, {"code": CODE}, beside=two_factors())
    assert (found.result, found.same) == ("success", True)


def test_whom_a_demand_let_off_it_lets_off_again() -> None:
    found = again(sign_in(NEVER), sign_in(f"!!({NEVER})"), WHO, HOW, BLUE, beside=two_factors())
    assert (found.result, found.same) == ("success", True)


def test_whom_a_demand_refused_it_refuses_again() -> None:
    found = again(sign_in(NEVER), sign_in(f"!!({NEVER})"), WHO, HOW, RED, beside=two_factors())
    assert (found.result, found.same) == ("failure", True)


def undecided_at_the_end(found: Replay) -> bool:
    return found.undecided == Stopped("done", ("inputs.colour",)) and found.trace[-1].node == "done"


def test_whether_a_demand_is_meant_is_not_known_where_it_was_met() -> None:
    sent = (WHO, HOW, RED, {"code": CODE})
    assert undecided_at_the_end(again(sign_in(), sign_in(NEVER), *sent, beside=two_factors()))


def test_whether_a_demand_is_meant_is_not_known_where_the_session_had_no_end() -> None:
    without = sign_in(ways=("start > who > password > ask > done",))
    before = sign_in("true")
    found = again(before, without, WHO, HOW, RED, beside=two_factors())
    assert undecided_at_the_end(found)


def test_whether_a_demand_is_meant_is_not_known_where_it_is_new() -> None:
    before, after = two_factors("inputs.colour === 'green'"), two_factors()
    found = again(sign_in(NEVER), sign_in(NEVER), WHO, HOW, BLUE, beside=before, then=after)
    assert found.undecided == Stopped("done", ("inputs.colour",))


def test_whether_a_demand_is_meant_is_not_known_where_it_reads_something_else() -> None:
    demanded = two_factors("(facts.mark ?? 'none') === inputs.colour")
    ways = "start > who > password > ask > more > done"
    after = login("main", ways, ask=asks("colour"), more=sets("mark", "'blue'"))
    found = again(sign_in(NEVER), after, WHO, HOW, BLUE, beside=demanded)
    assert undecided_at_the_end(found)


def test_a_demand_that_reads_the_user_knows_them_from_the_end_of_the_session() -> None:
    for role, result in (("guest", "success"), ("admin", "failure")):
        demanded = two_factors(f"user.role === '{role}'")
        found = again(sign_in(NEVER), sign_in(f"!!({NEVER})"), WHO, HOW, RED, beside=demanded)
        assert (found.result, found.same) == (result, True)


def test_a_demand_that_hangs_on_nothing_typed_is_really_asked() -> None:
    found = again(
        sign_in(NEVER), sign_in(NEVER), WHO, HOW, BLUE, then=two_factors("flow.type === 'login'")
    )
    assert (found.result, found.same) == ("failure", False)
    always = library(invariants=(Invariant("all", FlowType.LOGIN, "consented"),))
    assert again(sign_in(NEVER), sign_in(NEVER), WHO, HOW, BLUE, then=always).result == "failure"
