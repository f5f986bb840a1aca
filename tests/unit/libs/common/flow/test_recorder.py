"""What the step log of a turn keeps, and what it never may."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.common.flow.calls import Reached
from libs.common.flow.model import FlowType, Invariant, Json, TriggerPoint
from libs.common.flow.node import Visit
from libs.common.flow.plan import Program
from libs.common.flow.record import Answered, Head, Learned, Masked, Passage, decode
from libs.common.flow.recorder import Recorder, Words, head_of, words_of
from libs.common.flow.turn import Facts, Leave, Submission, Surroundings
from tests.flows.cases import Case, flows, world_of
from tests.flows.visitor import EMAIL
from tests.recordings import Recorded, recorder
from tests.walks import ALICE, asks, calls, checks, flow, library, login, node, program, sets, when
from tests.worlds import CODE, INVITATION, NOW, PASSWORD, TICKED, World

SIGN_IN = login(
    "sign-in", "start > who > password > done", password=node("password_input", attempts=2)
)
ROLE: Mapping[str, Json] = {"role": "admin", "nick": "Ali", "newsletter": True}


def test_the_words_of_a_step_are_the_names_that_its_author_gave() -> None:
    inner = flow("inner", "start > ask > done", ask=asks("nick", "city"))
    submit = {"id": "go", "action_id": "send"}
    field = {"name": "email", "type": "email", "label": "Email"}
    made = flow(
        "main",
        "start > call > form > set > copy > done",
        call=calls("inner"),
        form=node("prompt", fields=[field], submit=submit),
        set=sets("mark", "flow.type"),
        copy=sets("copy", "[flow.type, inputs.email]"),
    )
    words = words_of(program(made, library(inner)))
    params = [{"name": "origin"}, {"name": "campaign", "required": False}]
    app = flow("app", "start > ask > done", ask=node("internal_prompt", params=params))
    assert words_of(program(app))["ask"].inputs == {"origin", "campaign"}
    none = frozenset[str]()
    assert words["inner/ask"].inputs == {"nick", "city"}
    assert words["form"] == Words(frozenset({"email"}), frozenset({"", "go", "send"}), False)
    assert words["set"] == Words(none, none, True)
    assert words["copy"] == words["start"] == Words(none, none, False)


def test_a_turn_is_kept_node_by_node() -> None:
    made = Recorded(program(SIGN_IN), World(alice=ROLE))
    made.sends(email=ALICE)
    made.sends(password="wrong")
    made.sends(password=PASSWORD)
    first, named, guessed, last = made.entries
    assert [each.revision for each in made.entries] == [1, 2, 3, 4]
    assert {each.at for each in made.entries} == {NOW.time}
    assert first.passages == (Passage("start", "leave", "success"), Passage("who", "stay"))
    assert named.inputs == ("email",)
    assert named.passages == (
        Passage(
            "who",
            "leave",
            "success",
            Learned(identifier=True, account=True, inputs=("email",)),
            (Answered("FindAccount", True),),
        ),
        Passage("password", "stay"),
    )
    assert guessed.message == "password.wrong"
    assert guessed.passages == (
        Passage("password", "stay", answers=(Answered("CheckPassword", "WRONG"),)),
    )
    assert last.passages == (
        Passage(
            "password",
            "leave",
            "success",
            Learned(proved=("pwd",)),
            (Answered("CheckPassword", "RIGHT"),),
        ),
        Passage("done", "sign_in"),
    )


def test_it_is_kept_how_each_node_moved() -> None:
    inner = flow("inner", "start > done")
    made = flow(
        "main",
        "start > call > out > untold > yes",
        "yes:true > failed",
        "yes:false > done",
        "untold:error > yes",
        call=calls("inner"),
        out=when(sets("x"), "false"),
        untold=when(sets("y"), "user.rank"),
        yes=checks("has(user.rank)"),
    )
    kept = Recorded(program(made, library(inner))).entries[0].passages
    assert [(each.node, each.how, each.outcome) for each in kept] == [
        ("start", "leave", "success"),
        ("call", "enter", None),
        ("inner/start", "leave", "success"),
        ("inner/done", "succeed", None),
        ("out", "bypass", "skipped"),
        ("untold", "bypass", "error"),
        ("yes", "leave", "false"),
        ("done", "succeed", None),
    ]
    failing = flow("sorry", "start > x", "x:true > failed", "x:false > done", x=checks("true"))
    assert Recorded(program(failing)).entries[0].passages[-1] == Passage("failed", "fail")


def test_an_attribute_that_is_set_to_what_it_was_is_kept_as_nothing_new() -> None:
    made = flow("main", "start > one > two > done", one=sets("x"), two=sets("x"))
    _, one, two, _ = Recorded(program(made)).entries[0].passages
    assert (one.learned, two.learned) == (Learned(attributes={"x": True}), Learned())


def test_what_is_wrong_with_an_input_is_kept_by_its_name_and_key() -> None:
    made = Recorded(program(SIGN_IN))
    made.sends(email="no address")
    entry = made.entries[-1]
    assert (entry.message, entry.errors) == ("form.invalid", (("email", "field.email"),))


def test_points_that_were_passed_are_kept() -> None:
    made = flow("main", "start > ask > write > done", ask=asks("email"), write=node("user_write"))
    kept = Recorded(program(made))
    kept.sends(email="sasha@example.com")
    (written,) = (each for each in kept.entries[-1].passages if each.node == "write")
    assert written.points == (TriggerPoint.POST_USER_REGISTRATION.value,)
    assert written.answers == (Answered("WriteUser", "written"),)


def test_an_answer_is_kept_with_the_node_that_asked() -> None:
    made = flow(
        "main",
        "start > one > two > three > done",
        one=sets("x"),
        two=sets("role", "user.role"),
        three=sets("z"),
    )
    facts = Facts(account="alice", authenticated=True)
    kept = Recorded(program(made), World(alice=ROLE), facts).entries[0]
    assert [(each.node, [one.question for one in each.answers]) for each in kept.passages] == [
        ("start", []),
        ("one", []),
        ("two", ["LoadUser"]),
        ("three", []),
        ("done", []),
    ]
    assert kept.asked == ()


def test_what_others_answer_is_kept_by_its_kind_alone_whatever_they_were_sent() -> None:
    taken: Json = [{"attribute": "card", "type": "string"}]
    sent: Json = [{"name": "a", "value": "flow.type"}]
    call = node("action", action="crm", parameters=sent, attributes=taken)
    world = World()
    world.reached = Reached({"card": "4111 1111 1111 1111"})
    kept = Recorded(program(flow("main", "start > call > done", call=call)), world)
    (called,) = (each for each in kept.entries[0].passages if each.node == "call")
    assert called.learned == Learned(attributes={"card": Masked("string")})
    assert called.answers == (Answered("CallAction", True),)
    assert b"4111" not in kept.data[0]


def test_what_a_tenant_demanded_and_what_was_asked_for_it_is_kept() -> None:
    rule = Invariant("two-factors", FlowType.LOGIN, "size(factors) >= 2", "user.role === 'admin'")
    made = Recorded(program(SIGN_IN, library(invariants=(rule,)), running=True), World(alice=ROLE))
    made.sends(email=ALICE)
    made.sends(password=PASSWORD)
    entry = made.entries[-1]
    assert entry.broken == ("two-factors",)
    assert [each.question for each in entry.asked] == ["LoadUser"]
    assert entry.passages[-1].answers == ()


def test_how_a_session_began_is_kept_with_its_first_turn() -> None:
    made = flow(
        "main",
        "start > out > untold > let > done",
        "untold:error > done",
        out=when(sets("x"), "false"),
        untold=when(sets("y"), "user.rank"),
        let=when(sets("z"), "true"),
    )
    plan = program(made)
    facts = Facts(account="alice", authenticated=True)
    kept = Recorded(plan, facts=facts)
    begun = replace(kept.walk.turn.session, facts=facts, started_at=1, expires_at=2)
    planned = {1: False, 2: None}
    head = Head(
        plan.plan,
        "flow_main",
        1,
        FlowType.REGISTRATION,
        started_at=1,
        expires_at=2,
        facts=Learned(account=True, authenticated=True),
        planned=planned,
    )
    assert head_of(begun, kept.walk.turn, plan) == kept.entries[0].head == head


def recording(plan: Program) -> tuple[Recorder, Recorded]:
    """A recorder that has seen the first turn, and the turn."""
    made, watching = Recorded(plan), recorder(words_of(plan))
    step = plan.steps[made.walk.turn.session.node]
    visit = Visit("", 1, step.id, plan.type, Facts(), NOW)
    watching.watch(step, visit, Leave("success"))
    return watching, made


def test_where_nobody_wants_an_entry_it_is_told_all_the_same_how_long_each_node_took() -> None:
    ticks = iter((1.0, 2.5, 4.5))
    watching = Recorder(None, lambda: next(ticks), next(ticks))
    plan = program(flow("main", "start > done"))
    visit = Visit("", 1, "start", plan.type, Facts(), NOW)
    watching.watch(plan.steps[plan.start], visit, Leave("success"))
    watching.watch(plan.steps[plan.start], visit, Leave("success"))
    assert watching.times() == [("start", 1.5), ("start", 2.0)]


def test_whatever_is_sent_beside_what_was_asked_for_is_not_kept() -> None:
    plan = program(flow("main", "start > ask > done", ask=asks("nick")))
    watching, made = recording(plan)
    sent = Submission("my password", {"nick": "Ali", "my secret": "x"})
    entry = decode(watching.entry(made.walk.turn, NOW, sent))
    assert (entry.action, entry.inputs) == ("", ("nick",))
    watching, made = recording(plan)
    entry = decode(watching.entry(made.walk.turn, NOW, Submission("submit")))
    assert (entry.action, entry.inputs) == ("submit", ())


def test_of_a_request_the_app_is_kept_and_nothing_of_who_uses_it() -> None:
    watching, made = recording(program(flow("main", "start > ask > done", ask=asks("nick"))))
    client: Mapping[str, Json] = {"name": "shop", "first_party": True, "scopes": ["a"]}
    request = Surroundings(NOW.time, "192.0.2.9", "Firefox/140", "de-CH", client)
    data = watching.entry(made.walk.turn, request)
    assert decode(data).client == {"name": "shop", "first_party": True, "scopes": Masked("list")}
    assert not any(each in data for each in (b"192.0.2.9", b"Firefox", b"de-CH"))


TYPED: Mapping[str, str] = {
    "email": EMAIL,
    "password": PASSWORD,
    "confirmation": PASSWORD,
    "code": CODE,
    "state": "state",
    "token": CODE,
    "tokenResponse": '{"id": "alice"}',
    "captcha": TICKED,
    "invitation": INVITATION,
    "colour": "Turquoise",
    "origin": "https://shop.example.com",
    "campaign": "Magenta",
}


@settings(max_examples=50)
@given(flows(), st.data())
def test_nothing_that_was_typed_is_kept_of_any_flow(case: Case, data: st.DataObject) -> None:
    """Nor an account, an identifier or an address, nor what became of the like."""
    made = Recorded(program(case.flow, case.library, running=True), world_of(case.visitor))
    for _ in case.visitor.luck:
        if made.walk.turn.session.over:
            break
        secret = data.draw(st.sampled_from(("Turquoise", "Magenta")))
        sent = {**TYPED, "colour": secret}
        made.sends(**{name: sent[name] for name in made.walk.asked()})
    typed = (PASSWORD, CODE, TICKED, INVITATION, "Turquoise", "Magenta")
    unsaid = ("alice", "sasha", "example", *typed, NOW.ip, "argon2")
    for entry in made.data:
        assert [each for each in unsaid if each.encode() in entry] == []
