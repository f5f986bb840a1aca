"""What holds of the simulation of any valid flow."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.common.errors import Invalid
from libs.common.flow.accounts import Invited, IsBreached
from libs.common.flow.calls import Reached
from libs.common.flow.captchas import Judgement
from libs.common.flow.federation import Came
from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.passkeys import CheckPasskey, Shown
from libs.common.flow.plan import Instruction
from libs.common.flow.questions import Taken, Verdict
from libs.common.flow.script import Script
from libs.common.flow.simulate import make_program, simulate
from libs.common.flow.simulation import Simulation
from libs.common.flow.turn import Move, Passed, Question, Surroundings
from libs.common.flow.world import BEGUN, is_scripted
from libs.common.nodes.catalogue import NODE_TYPES
from tests.flows.cases import Case, flows
from tests.flows.visitor import ACCOUNT, EMAIL
from tests.walks import Walk, program
from tests.worlds import CODE, NOW, PASSWORD, World

# A flow is much to make, and hypothesis measures how long that takes.
any_flow = settings(max_examples=50)


def word_of(question: Question[Any], answered: object) -> Json:
    """Say in a script what `question` was answered."""
    if isinstance(question, IsBreached):
        return "breached" if answered else "success"
    match answered:
        case Taken():
            return "taken"
        case Came(account=None):
            return "new_user"
        case Reached(body=body) if body:
            return {"outcome": "success", "attributes": dict(body)}
        case Verdict.WRONG | Judgement.REFUSED | None | False:
            return "failure"
        case _:
            return "success"


class Scribe(World):
    """Writes down what each node was answered, as a script says it.

    Passkeys and invitations are of the one kind that scripts know.
    """

    def __init__(self, **users: Json) -> None:
        super().__init__(**users)
        self.answers: dict[str, list[Json]] = {}
        self._since: list[Json] = []

    def answer(self, question: Question[Any]) -> object:
        answered = super().answer(question)
        if isinstance(answered, Shown):
            assert isinstance(question, CheckPasskey)
            answered = replace(answered, bound=False, verified=question.verification == "required")
        if isinstance(answered, Invited):
            answered = replace(answered, attributes={})
        if is_scripted(question):
            self._since.append(word_of(question, answered))
        return answered

    def watch(self, step: Instruction, _visit: Visit, _move: Move) -> None:
        if self._since:
            self.answers.setdefault(step.id, []).append(self._since[0])
            self._since.clear()


def persona(case: Case, surroundings: Surroundings = NOW) -> Json:
    user = None
    if case.visitor.known:
        user = {**case.visitor.users()[ACCOUNT], "id": ACCOUNT}
    return {"user": user, "request": {"time": surroundings.time, "ip": surroundings.ip}}


def simulated(case: Case, **script: Json) -> Simulation:
    made = make_program(case.flow, NODE_TYPES, case.library)
    return simulate(made, msgspec.convert({"persona": persona(case), **script}, Script))


@any_flow
@given(flows())
def test_it_goes_where_a_session_goes(case: Case) -> None:
    scribe = Scribe(**case.visitor.users())
    scribe.reached = case.visitor.told
    walk = Walk(program(case.flow, case.library), scribe, watch=scribe.watch)
    path = list(walk.turn.path)
    inputs: list[Json] = []
    while not walk.turn.session.over and len(inputs) < len(case.visitor.luck):
        inputs.append(case.visitor.sends(len(inputs), walk.asked()))
        path += walk.sends(**inputs[-1]).path
    # What a provider brings back is named anew each time; there is one here and one there.
    again = [{**each, "state": BEGUN.state} if "state" in each else each for each in inputs]
    played = simulated(case, inputs=again, answers=scribe.answers)
    assert [Passed(each.node, each.type, each.outcome) for each in played.trace] == path
    assert played.result == {None: "waiting", True: "success", False: "failure"}[walk.succeeded]
    assert played.facts.amr == walk.turn.session.facts.proved
    assert played.facts.broken == walk.turn.broken


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([EMAIL, "totp", "red"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
KNOWN = ("id", "email", "phone", "role", "mfa_enabled", "mfa_methods", "logins_count", "created_at")
SENT = ("email", "password", "code", "colour", "action", "inputs")
WORD = st.sampled_from(["success", "failure", "blocked", "taken", "else"])


@any_flow
@given(
    case=flows(),
    user=st.none() | st.dictionaries(st.sampled_from(KNOWN), JSON, max_size=6),
    client=st.dictionaries(st.text(max_size=4), JSON, max_size=2),
    comes=st.tuples(st.booleans(), st.booleans()),
    inputs=st.lists(st.dictionaries(st.sampled_from(SENT), JSON, max_size=4), max_size=6),
    data=st.data(),
)
def test_whatever_a_script_says_it_is_played_or_refused(
    case: Case,
    user: Json,
    client: Json,
    comes: tuple[bool, bool],
    inputs: list[Json],
    data: st.DataObject,
) -> None:
    made = make_program(case.flow, NODE_TYPES, case.library)
    nodes = st.sampled_from([step.id for step in made.steps])
    answers = data.draw(st.dictionaries(nodes, WORD | st.lists(WORD, max_size=3), max_size=3))
    authenticated, outpost = comes
    who = {"user": user, "client": client, "authenticated": authenticated, "outpost": outpost}
    script = msgspec.convert({"persona": who, "inputs": inputs, "answers": answers}, Script)
    with contextlib.suppress(Invalid):
        assert msgspec.json.encode(simulate(made, script))


@any_flow
@given(flows(), st.integers(0, 12), st.data())
def test_it_ends_or_waits_whatever_is_sent(case: Case, submits: int, data: st.DataObject) -> None:
    sent = st.fixed_dictionaries(
        {},
        optional={
            "email": st.sampled_from([EMAIL, "x", 7]),
            "password": st.sampled_from([PASSWORD, "", None]),
            "code": st.sampled_from([CODE, "x"]),
            "colour": st.sampled_from(["red", ["blue"]]),
        },
    )
    inputs = data.draw(st.lists(sent, min_size=submits, max_size=submits))
    played = simulated(case, inputs=inputs)
    assert played.result in {"success", "failure", "waiting"}
    assert msgspec.json.encode(played) == msgspec.json.encode(simulated(case, inputs=inputs))
    shown = [each.view for each in played.trace if each.view is not None]
    assert len(shown) <= submits + 1
    for before, after in itertools.pairwise(played.trace):
        assert before.view is None or before.node == after.node
