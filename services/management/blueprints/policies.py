"""What the policies of a blueprint become: expressions on the flow or node that they are bound to.

A policy that cannot be translated counts as one that cannot be evaluated, which lets nobody past;
but before a stage that only asks for more proof it counts as passed, so that the stage always runs.
Neither lets through whom authentik would not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from libs.common.flow.expression import ExpressionError, parse
from libs.common.flow.model import Mode, Policy
from services.management.blueprints.entries import (
    POLICY_BINDING_MODEL,
    Blueprint,
    Entry,
    described,
)
from services.management.blueprints.python import translate
from services.management.blueprints.report import Fate
from services.management.blueprints.tags import Elsewhere, Resolved
from services.management.blueprints.terms import InputKind, Untranslatable

EXPRESSION_MODEL: Final = "authentik_policies_expression.expressionpolicy"
PASSWORD_MODEL: Final = "authentik_policies_password.passwordpolicy"  # noqa: S105 -- a model
_DUMMY_MODEL = "authentik_policies_dummy.dummypolicy"
MOST: Final = 19
"""Policies that a node or a flow takes from a file; one more may have to stand beside them."""

ALWAYS: Final = "true"

_REASONS: Final[Mapping[str, str]] = {
    PASSWORD_MODEL: "no expression can look at a password",
    "authentik_policies_reputation.reputationpolicy": "there is no reputation here; failed "
    "passwords and codes are counted by account and address anyway",
    "authentik_policies_event_matcher.eventmatcherpolicy": "it is about authentik's events",
    "authentik_policies_expiry.passwordexpirypolicy": "nobody keeps when a password was set",
    "authentik_policies_geoip.geoippolicy": "nobody knows here where an address is",
    "authentik_policies_unique_password.uniquepasswordpolicy": "no former passwords are kept",
    "authentik_policies_conditional.conditionalpolicy": "its actions are not known here",
}


class Rule(msgspec.Struct, frozen=True):
    """What one bound policy says; without `text` nobody can tell, and `reason` says why."""

    text: str | None
    name: str
    reason: str = ""
    negate: bool = False


class Gate(msgspec.Struct, frozen=True):
    """What decides whether a node runs, or who may start a flow."""

    policies: tuple[Policy, ...] = ()
    mode: Mode = "any"

    def expression(self) -> str:
        """Say all of it in one expression."""
        sign = " && " if self.mode == "all" else " || "
        return sign.join(
            f"!({each.expression})" if each.negate else f"({each.expression})"
            for each in self.policies
        )


OPEN: Final = Gate()


def untranslated(name: str) -> str:
    """Write an expression that can never be evaluated, and says whose place it holds."""
    # A number that no text is: the fault that it makes passes neither way, negated or not.
    return f"number({json.dumps(f'{name[:100]}: put a condition here')}) === 0"


class Policies:
    """The policies of a file, by what they are bound to."""

    def __init__(self, blueprint: Blueprint, inputs: Mapping[str, InputKind]) -> None:
        self._blueprint = blueprint
        self._inputs = inputs
        self._bound: dict[int, list[Entry]] = {}
        for binding in blueprint.of(POLICY_BINDING_MODEL):
            target = blueprint.find(binding.fields.get("target"))
            if target is not None:
                self._bound.setdefault(target.index, []).append(binding)

    def of_flow(self, flow: Entry) -> Gate:
        """Say who may start a flow."""
        return self._gate(flow, checks=False, whole_flow=True)

    def of_node(self, binding: Entry, *, checks: bool) -> Gate:
        """Say when a stage runs; `checks` of one that only asks for more proof."""
        return self._gate(binding, checks=checks, whole_flow=False)

    def rule(self, policy: Entry | None, at: Entry, *, whole_flow: bool = False) -> Rule:
        """Say what a policy is as an expression, and note of `at` what it refers to in vain."""
        if policy is None:
            return Rule(None, at.name or at.model, "it refers to what the file does not hold")
        name = policy.name or policy.model
        if policy.model == _DUMMY_MODEL:
            return Rule(ALWAYS if policy.fields.get("result") is True else "false", name)
        if policy.model != EXPRESSION_MODEL:
            reason = _REASONS.get(policy.model, "policies of that kind are not known here")
            return Rule(None, name, reason)
        try:
            made = translate(str(policy.fields.get("expression") or ""), self._inputs)
        except Untranslatable as error:
            return Rule(None, name, f"it cannot be translated: {error}")
        if made.in_flow and whole_flow:
            return Rule(None, name, "at the start of a flow Python would raise")
        for note in made.notes:
            self._blueprint.remark(policy, "changed", note, f"`{made.text}`")
        return Rule(made.text, name)

    def bound_to(self, target: Entry) -> Sequence[Entry]:
        """Find the bindings of a flow or a stage binding, in their order."""
        return sorted(self._bound.get(target.index, ()), key=order_of)

    def _gate(self, target: Entry, *, checks: bool, whole_flow: bool) -> Gate:
        mode: Mode = "all" if target.fields.get("policy_engine_mode") == "all" else "any"
        made: list[Policy] = []
        for binding in self.bound_to(target):
            if binding.fields.get("enabled") is False:
                self._blueprint.remark(binding, "left_out", "it is not enabled", "nothing")
                continue
            rule = self._bound_rule(binding, whole_flow=whole_flow)
            if rule.text is not None:
                made.append(Policy(rule.text, rule.negate))
            elif checks:
                became = "the stage always runs"
                self._note(binding, "changed", rule, became)
                made.append(Policy(ALWAYS))
            else:
                became = (
                    "nobody can start the flow" if whole_flow else "nobody comes past the stage"
                )
                self._note(binding, "closed", rule, became)
                made.append(Policy(untranslated(rule.name)))
        return _simplified(tuple(made), mode)

    def _bound_rule(self, binding: Entry, *, whole_flow: bool) -> Rule:
        fields = binding.fields
        if fields.get("policy") is not None:
            rule = self.rule(self._blueprint.find(fields["policy"]), binding, whole_flow=whole_flow)
        elif fields.get("group") is not None:
            rule = self._named(fields["group"], "name", "{} in user.groups")
        elif fields.get("user") is not None:
            rule = self._named(fields["user"], "username", "user.username === {}")
        else:
            rule = Rule(None, binding.name or binding.model, "it binds nothing")
        text = rule.text
        if text not in (None, ALWAYS, "false") and fields.get("failure_result") is True:
            text = f"({text}) ?? true"
        return msgspec.structs.replace(rule, text=text, negate=fields.get("negate") is True)

    def _named(self, value: Resolved, field: str, form: str) -> Rule:
        """Compare with a group or a user that the file holds, or looks for, by name."""
        entry = self._blueprint.find(value)
        fields = value.wanted if isinstance(value, Elsewhere) else entry.fields if entry else {}
        name = fields.get(field)
        if not isinstance(name, str):
            return Rule(None, described(value), f"nothing says the {field} of {described(value)}")
        return Rule(form.format(json.dumps(name)), name)

    def _note(self, binding: Entry, fate: Fate, rule: Rule, became: str) -> None:
        policy = self._blueprint.find(binding.fields.get("policy"))
        reason = f"`{rule.name}`: {rule.reason}" if policy is None else rule.reason
        self._blueprint.remark(policy or binding, fate, reason, became)


def order_of(entry: Entry) -> tuple[float, int]:
    """Say where an entry stands among those that are bound to the same."""
    order = entry.fields.get("order")
    return (order if isinstance(order, int | float) else 0, entry.index)


def _simplified(policies: tuple[Policy, ...], mode: Mode) -> Gate:
    """Leave out what decides nothing."""
    passing = [each for each in policies if each == Policy(ALWAYS)]
    if passing and (mode == "any" or len(passing) == len(policies)):
        return OPEN
    policies = tuple(each for each in policies if each not in passing)
    if len(policies) <= MOST and all(map(_fits, policies)):
        return Gate(policies, mode)
    return Gate((Policy(untranslated("too many policies")),), mode)


def _fits(policy: Policy) -> bool:
    try:
        parse(policy.expression)
    except ExpressionError:
        # What stands around a translation may be what makes it too large.
        return False
    return True
