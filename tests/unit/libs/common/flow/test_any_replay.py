"""What holds of the replay of any session, of any valid flow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from libs.common.flow.model import FlowType, Invariant
from libs.common.flow.replay import replay
from libs.common.flow.turn import Facts
from tests.flows.cases import Case, flows
from tests.flows.sketch import CONDITIONS
from tests.flows.visitor import ACCOUNT
from tests.recordings import recorded, sent_again
from tests.versions import Upgrade, upgrades
from tests.walks import NOTHING_KNOWN, program

ENDS = {None: "waiting", True: "success", False: "failure"}

WHENS = (*CONDITIONS, "user.email === 'alice@example.com'", "endsWith(inputs.email, '.org')")
REQUIRES = ("size(factors) >= 2", "consented", "'otp' in amr")
DEMANDED = st.builds(
    lambda when, require: tuple(Invariant("demand", kind, require, when) for kind in FlowType),
    st.sampled_from(WHENS),
    st.sampled_from(REQUIRES),
)
CALLERS = st.sampled_from((NOTHING_KNOWN, Facts(account=ACCOUNT, authenticated=True)))

any_flow = settings(max_examples=50)


def demanding(case: Case, invariants: tuple[Invariant, ...]) -> Case:
    return changed(case, library=changed(case.library, invariants=invariants))


@any_flow
@given(flows(), CALLERS)
def test_on_its_own_plan_a_session_goes_where_it_went(case: Case, facts: Facts) -> None:
    made = recorded(case, facts)
    again = replay(made.tape, made.walk.program)
    assert [(each.node, each.outcome) for each in again.trace] == made.path
    assert (again.result, again.same) == (ENDS[made.walk.succeeded], True)
    assert all(each.recorded for each in again.trace)


@any_flow
@given(flows())
def test_on_the_same_plan_as_another_it_goes_there_as_well(case: Case) -> None:
    made = recorded(case)
    plan = made.walk.program
    again = replay(made.tape, plan, program(case.flow, case.library))
    assert again == replay(made.tape, plan)


@any_flow
@given(flows(), flows())
def test_on_any_other_plan_it_ends_or_says_what_it_would_have_to_know(
    case: Case, other: Case
) -> None:
    made = recorded(case)
    again = replay(made.tape, made.walk.program, program(other.flow, other.library))
    assert (again.undecided is not None) is (again.result == "undecided")


@settings(any_flow, max_examples=100)
@given(upgrades(), st.just(()) | DEMANDED, CALLERS)
def test_on_the_next_version_it_goes_where_who_sends_the_same_would_go(
    upgrade: Upgrade, invariants: tuple[Invariant, ...], facts: Facts
) -> None:
    made = recorded(demanding(upgrade.case, invariants), facts)
    then = demanding(upgrade.following, invariants)
    following = program(then.flow, then.library, running=True)
    again = replay(made.tape, made.walk.program, following)
    true = sent_again(made, following, upgrade.case)
    trace = [(each.node, each.outcome) for each in again.trace]
    if again.undecided is None:
        assert (trace, again.result) == (true.path, ENDS[true.walk.succeeded])
        assert again.same is ((made.path, made.walk.succeeded) == (trace, true.walk.succeeded))
    else:
        assert trace == true.path[: len(trace)]
        assert not again.same


@any_flow
@given(flows(), DEMANDED)
def test_what_a_tenant_demands_is_as_it_was(case: Case, invariants: tuple[Invariant, ...]) -> None:
    made = recorded(demanding(case, invariants))
    again = replay(made.tape, made.walk.program)
    assert [(each.node, each.outcome) for each in again.trace] == made.path
    assert again.result == ENDS[made.walk.succeeded]
