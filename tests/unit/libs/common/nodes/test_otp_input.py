from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from libs.common.flow.messaging import SendMail, SendSms
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig, Visit
from libs.common.flow.proof import Gain
from libs.common.flow.questions import CheckCode, Code, Verdict
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay, Surroundings
from libs.common.nodes.onetime import SMS_WORDS, WORDS
from libs.common.nodes.otp_input import NODE, Config, run
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit

STEP = lowered(NODE)
VIEW = STEP.step.form.view
NOW = 1_790_000_000
ALICE = Facts(identifier="alice@example.com", account="alice")
NOBODY = Facts(identifier="nobody@example.com")
CODE = Code(f"{SESSION}:step:3", 6)
KEPT: dict[str, Json] = {"revision": 3, "at": NOW, "sent": 1}
CHECK = CheckCode("alice", "alice@example.com", CODE, Secret("123456"))
TYPED = {"code": "123456"}


def mail(account: str | None, code: Code = CODE, at: int = NOW) -> SendMail:
    return SendMail(
        account,
        WORDS.subject,
        WORDS.text,
        WORDS.html,
        flow="login",
        code=code,
        slots={"minutes": "10"},
        until=at + 600,
        keys=WORDS.keys,
    )


def submit(
    inputs: dict[str, Json],
    facts: Facts = ALICE,
    *,
    after: int = 0,
    action: str = "",
    tries: int = 0,
    kept: dict[str, Json] | None = None,
) -> Visit:
    """Submit so many seconds after the code was sent, and two turns later."""
    made = visit(facts, inputs, action=action, tries=tries)
    return replace(made, revision=5, kept=kept or KEPT, surroundings=Surroundings(time=NOW + after))


def test_a_code_is_sent_and_asked_for() -> None:
    sent = Stay(VIEW, kept=KEPT, effects=(mail("alice"),))
    Playbook(run(STEP, visit(ALICE))).ends(sent)
    assert VIEW.required == ("code",)


def test_who_has_no_account_is_asked_in_the_same_way() -> None:
    sent = Stay(VIEW, kept=KEPT, effects=(mail(None),))
    Playbook(run(STEP, visit(NOBODY))).ends(sent)


def test_the_right_code_is_proof() -> None:
    dialogue = Playbook(run(STEP, submit(TYPED)))
    proved = Leave("success", replace(ALICE, proved=("otp",)))
    dialogue.asks(CHECK, answered=Verdict.RIGHT).ends(proved)


def test_a_wrong_code_is_a_try_and_the_same_code_is_asked_for() -> None:
    dialogue = Playbook(run(STEP, submit(TYPED)))
    again = Stay(VIEW, Message("code.wrong"), tried=True, kept=KEPT)
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(again)


@pytest.mark.parametrize("verdict", [Verdict.WRONG, Verdict.BLOCKED])
def test_the_last_wrong_code_leaves_by_failure(verdict: Verdict) -> None:
    dialogue = Playbook(run(STEP, submit(TYPED, tries=4)))
    dialogue.asks(CHECK, answered=verdict).ends(Leave("failure", tried=True))


def test_what_is_no_code_is_no_try() -> None:
    errors = (FieldError("code", "field.too_short"),)
    refused = Stay(VIEW, Message("form.invalid"), errors, kept=KEPT)
    Playbook(run(STEP, submit({"code": "123"}))).ends(refused)


def test_a_code_works_until_it_expires_and_is_not_looked_at_afterwards() -> None:
    in_time = Playbook(run(STEP, submit(TYPED, after=600)))
    in_time.asks(CHECK, answered=Verdict.WRONG).result()
    expired = Stay(VIEW, Message("code.expired"), kept=KEPT)
    Playbook(run(STEP, submit(TYPED, after=601))).ends(expired)


@pytest.mark.parametrize("facts", [ALICE, NOBODY])
def test_another_code_takes_the_place_of_the_first(facts: Facts) -> None:
    dialogue = Playbook(run(STEP, submit({}, facts, after=30, action="resend")))
    code = Code(f"{SESSION}:step:5", 6)
    sent = Stay(
        VIEW,
        Message("code.sent", "INFO"),
        kept={"revision": 5, "at": NOW + 30, "sent": 2},
        effects=(mail(facts.account, code, NOW + 30),),
    )
    dialogue.ends(sent)


def test_another_code_is_waited_for() -> None:
    dialogue = Playbook(run(STEP, submit({}, after=29, action="resend")))
    dialogue.ends(Stay(VIEW, Message("code.wait"), kept=KEPT))


def test_there_are_so_many_codes_and_no_more() -> None:
    kept: dict[str, Json] = {**KEPT, "sent": 5}
    dialogue = Playbook(run(STEP, submit({}, after=500, action="resend", kept=kept)))
    dialogue.ends(Stay(VIEW, Message("code.no_more"), kept=kept))


def test_another_code_is_asked_for_by_a_component_of_the_view() -> None:
    (form,) = VIEW.components
    resend = form.components[-1]
    assert (resend.type, resend.action_id) == ("RESEND", "resend")
    assert resend.config is not None
    assert resend.config["waitSeconds"] == 30
    assert "resend" in VIEW.actions


def test_an_author_says_how_long_codes_are_and_what_is_written() -> None:
    config: dict[str, Json] = {
        "length": 4,
        "expires_seconds": 45,
        "subject": "S",
        "text": "{{ code }} {{ flow.type }}",
    }
    step = lowered(NODE, config)
    sent = Playbook(run(step, visit(ALICE))).result()
    assert isinstance(sent, Stay)
    (effect,) = sent.effects
    assert effect == SendMail(
        "alice",
        "S",
        "{{ code }} {{ flow.type }}",
        flow="login",
        code=Code(f"{SESSION}:step:3", 4),
        slots={"minutes": "1"},
        until=NOW + 45,
    )


def test_html_of_the_authors_own_stands_beside_our_text() -> None:
    step = lowered(NODE, {"html": "<p>{{ code }}</p>"})
    words = step.step.letter.words
    assert (words.text, words.html) == (WORDS.text, "<p>{{ code }}</p>")


def test_words_that_cannot_be_filled_in_are_refused() -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"text": "{{ link }}"})
    assert [problem.path for problem in refused.value.problems] == ["text"]


@pytest.mark.parametrize("config", [{"length": 3}, {"channel": "pigeon"}, {"attempts": 0}])
def test_a_code_that_could_be_guessed_is_refused(config: dict[str, Json]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(config, Config)


def test_a_code_may_go_to_a_phone_and_says_so_in_the_proof() -> None:
    step = lowered(NODE, {"channel": "sms"})
    code = Code(f"{SESSION}:step:3", 6, "phone")
    slots = {"minutes": "10"}
    sms = SendSms(
        "alice",
        SMS_WORDS.text,
        flow="login",
        code=code,
        slots=slots,
        until=NOW + 600,
        keys=SMS_WORDS.keys,
    )
    Playbook(run(step, visit(ALICE))).ends(Stay(step.step.form.view, kept=KEPT, effects=(sms,)))
    dialogue = Playbook(run(step, submit(TYPED)))
    question = CheckCode("alice", "alice@example.com", code, Secret("123456"))
    proved = Leave("success", replace(ALICE, proved=("sms",)))
    dialogue.asks(question, answered=Verdict.RIGHT).ends(proved)
    assert NODE.proves(Config(channel="sms")) == {"success": (Gain(("sms",)),)}
    assert NODE.proves(Config()) == {"success": (Gain(("otp",)),)}


def test_an_sms_has_words_of_the_authors_own() -> None:
    step = lowered(NODE, {"channel": "sms", "text": "{{ code }}!"})
    assert step.step.letter.words.text == "{{ code }}!"


@pytest.mark.parametrize("name", ["subject", "html"])
def test_an_sms_has_neither_subject_nor_html(name: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"channel": "sms", name: "Hello"})
    assert [problem.path for problem in refused.value.problems] == [name]
