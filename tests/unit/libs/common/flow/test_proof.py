"""What a path proves, what a tenant may want of that, and what is wrong with what they wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.model import FlowType, Invariant
from libs.common.flow.proof import (
    FACTORS,
    NOTHING,
    Evidence,
    Gain,
    check_invariants,
    demands,
    evidence_of,
    factors_of,
    level_of,
)
from libs.common.flow.turn import Facts

AMR = st.sampled_from([*FACTORS, "face"])
GAINS = st.builds(
    Gain, st.lists(AMR, max_size=3).map(tuple), st.booleans(), st.booleans(), st.booleans()
)
EVIDENCE = st.builds(Evidence, st.frozensets(AMR), st.booleans(), st.booleans())


def wants(require: str, when: str | None = None, name: str = "strong") -> Invariant:
    return Invariant(name, FlowType.LOGIN, require, when)


def is_met(require: str, evidence: Evidence) -> bool:
    (demand,) = demands([wants(require)])
    return demand.met_by(evidence)


@pytest.mark.parametrize(
    ("amr", "factors"),
    [
        ([], []),
        (["pwd", "pin"], ["knowledge"]),
        (["otp", "sms", "hwk"], ["possession"]),
        (["hwk", "user"], ["possession"]),
        (["swk", "user", "mfa"], ["possession", "verification"]),
        (["face", "pwd"], ["face", "knowledge"]),
    ],
)
def test_two_proofs_of_a_kind_are_one_factor_and_an_unknown_one_is_of_its_own(
    amr: list[str], factors: list[str]
) -> None:
    assert factors_of(amr) == factors


@pytest.mark.parametrize(
    ("amr", "level"),
    [
        ([], "0"),
        (["user"], "0"),
        (["pwd", "kba"], "aal1"),
        (["pwd", "otp"], "aal2"),
        (["hwk", "user", "mfa", "pwd"], "aal2"),
    ],
)
def test_a_level_is_of_as_many_factors_as_were_proved(amr: list[str], level: str) -> None:
    assert level_of(amr) == level


@given(EVIDENCE, GAINS, GAINS)
def test_two_gains_put_together_prove_what_they_prove_in_turn(
    before: Evidence, one: Gain, other: Gain
) -> None:
    assert before.after(one.then(other)) == before.after(one).after(other)


@given(EVIDENCE, GAINS)
def test_what_was_proved_stays_so_unless_somebody_else_may_have_come(
    before: Evidence, gain: Gain
) -> None:
    after = before.after(gain)
    gained = Evidence(frozenset(gain.amr), gain.identified, gain.consented)
    if gain.afresh:
        assert after == gained
    else:
        assert after.amr == before.amr | gained.amr
        assert after.identified is (before.identified or gained.identified)
        assert after.consented is (before.consented or gained.consented)


@given(EVIDENCE)
def test_evidence_as_a_gain_proves_just_that(evidence: Evidence) -> None:
    assert NOTHING.after(evidence.gain(afresh=False)) == evidence
    assert Evidence(frozenset({"face"}), True, True).after(evidence.gain(afresh=True)) == evidence


def test_a_session_has_proved_what_its_facts_say() -> None:
    facts = Facts(identifier="ada@example.com", proved=("pwd", "otp"), consented=True)
    assert evidence_of(facts) == Evidence(frozenset({"pwd", "otp"}), True, True)
    assert evidence_of(Facts()) == NOTHING


def test_an_account_that_was_never_named_is_known_all_the_same() -> None:
    facts = Facts(account="acc_1", authenticated=True)
    assert evidence_of(facts) == Evidence(identified=True)


def test_what_is_wanted_reads_all_that_is_proved() -> None:
    evidence = Evidence(frozenset({"otp", "pwd"}), identified=True, consented=True)
    for require in (
        'factors === ["knowledge", "possession"]',
        'amr === ["otp", "pwd"]',
        "identified && consented",
    ):
        assert is_met(require, evidence)
        assert not is_met(require, NOTHING)


@pytest.mark.parametrize("require", ["amr[3] !== 'pwd'", "amr[0] < 3"])
def test_what_nobody_can_tell_is_not_met(require: str) -> None:
    assert not is_met(require, Evidence(frozenset({"pwd"})))


def test_a_demand_keeps_the_name_and_the_condition_of_its_invariant() -> None:
    always, sometimes = demands(
        [wants("identified"), wants("consented", "user.vip", name="consent")]
    )
    assert (always.name, always.when) == ("strong", None)
    assert sometimes.name == "consent"
    assert sometimes.when is not None
    assert sometimes.when.text == "user.vip"


def test_nothing_is_wrong_with_invariants_that_can_be_checked() -> None:
    right = wants('size(factors) >= 2 && "pwd" in amr', "user.role === 'admin' && request.time > 5")
    assert check_invariants((right, wants("consented || identified", name="other"))) == ()


def test_two_invariants_of_one_name_could_not_be_told_apart() -> None:
    (problem,) = check_invariants((wants("identified"), wants("consented")))
    assert (problem.code, problem.path) == ("invalid", "[1].name")
    assert problem.message == ("Another invariant is called 'strong'; give each a name of its own")


def test_every_expression_that_cannot_be_read_is_told_with_its_place() -> None:
    problems = check_invariants((wants("identified &&", "user."), wants("(", name="other")))
    assert [(problem.code, problem.path) for problem in problems] == [
        ("invalid_expression", "[0].require"),
        ("invalid_expression", "[0].when"),
        ("invalid_expression", "[1].require"),
    ]
    assert problems[0].message.endswith("(at character 14)")


@pytest.mark.parametrize(
    ("invariant", "path", "said"),
    [
        (wants("size(factors)"), "[0].require", "needs a boolean"),
        (wants("user.vip"), "[0].require", "there is no `user`"),
        (wants("identified", "'admin'"), "[0].when", "needs a boolean"),
        (wants("identified", "factors"), "[0].when", "there is no `factors`"),
    ],
)
def test_an_expression_over_what_it_may_not_read_or_of_another_kind_is_refused(
    invariant: Invariant, path: str, said: str
) -> None:
    (problem, *_) = check_invariants((invariant,))
    assert (problem.code, problem.path) == ("invalid_expression", path)
    assert said in problem.message


def test_an_attribute_that_gatehouse_does_not_know_may_be_the_tenants_own() -> None:
    assert check_invariants((wants("identified", "user.department === 'it'"),)) == ()
    # Likely misspelt, which is no reason to refuse it: it may be the tenant's own as well.
    assert check_invariants((wants("identified", "user.rol === 'admin'"),)) == ()
