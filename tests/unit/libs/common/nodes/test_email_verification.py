from __future__ import annotations

from typing import Literal

import msgspec
import pytest
from msgspec.structs import replace

from libs.common.flow.messaging import SendMail
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig, Visit
from libs.common.flow.questions import Code, Link, MayLeadTo, Verdict, VerifyEmail
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay, Submission, Surroundings
from libs.common.nodes.email_verification import NODE, Config, run
from libs.common.nodes.onetime import LINK_WORDS, WORDS
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit

STEP = lowered(NODE)
VIEW = STEP.step.form.view
NOW = 1_790_000_000
ALICE = Facts(identifier="alice", account="alice")
NOBODY = Facts(identifier="nobody@example.com")
STAGED = Facts(staged={"email": "New@Example.com", "name": "Sasha"})
NEW = "new@example.com"
CODE = Code(f"{SESSION}:step:3", 6)
KEPT: dict[str, Json] = {"revision": 3, "at": NOW, "sent": 1}
TYPED: dict[str, Json] = {"code": "123456"}


def mail(account: str | None, to: str | None) -> SendMail:
    return SendMail(
        account,
        WORDS.subject,
        WORDS.text,
        WORDS.html,
        to,
        flow="login",
        code=CODE,
        slots={"minutes": "30"},
        until=NOW + 1800,
        keys=WORDS.keys,
    )


def check(facts: Facts, to: str | None = None) -> VerifyEmail:
    return VerifyEmail(facts.account, facts.identifier, to, CODE, Secret("123456"))


def submit(
    facts: Facts, inputs: dict[str, Json], *, after: int = 0, action: str = "", tries: int = 0
) -> Visit:
    made = visit(facts, inputs, action=action, tries=tries)
    return replace(made, revision=5, kept=KEPT, surroundings=Surroundings(time=NOW + after))


@pytest.mark.parametrize(
    ("facts", "account", "to"),
    [(ALICE, "alice", None), (NOBODY, None, None), (STAGED, None, NEW)],
)
def test_a_code_goes_to_the_account_or_to_the_staged_address(
    facts: Facts, account: str | None, to: str | None
) -> None:
    sent = Stay(VIEW, kept=KEPT, effects=(mail(account, to),))
    Playbook(run(STEP, visit(facts))).ends(sent)


def test_where_there_is_no_address_it_leaves_by_failure() -> None:
    Playbook(run(STEP, visit(Facts()))).ends(Leave("failure"))


def test_the_right_code_proves_who_the_owner_of_the_account_is() -> None:
    dialogue = Playbook(run(STEP, submit(ALICE, TYPED)))
    proved = replace(ALICE, proved=("otp",))
    dialogue.asks(check(ALICE), answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_the_right_code_verifies_the_staged_address_and_proves_nothing() -> None:
    dialogue = Playbook(run(STEP, submit(STAGED, TYPED)))
    verified = replace(STAGED, verified=NEW)
    dialogue.asks(check(STAGED, NEW), answered=Verdict.RIGHT).ends(Leave("success", verified))


@pytest.mark.parametrize("facts", [ALICE, NOBODY, STAGED])
def test_a_wrong_code_is_a_try(facts: Facts) -> None:
    to = NEW if facts is STAGED else None
    dialogue = Playbook(run(STEP, submit(facts, TYPED)))
    again = Stay(VIEW, Message("code.wrong"), tried=True, kept=KEPT)
    dialogue.asks(check(facts, to), answered=Verdict.WRONG).ends(again)


def test_the_last_wrong_code_leaves_by_failure() -> None:
    dialogue = Playbook(run(STEP, submit(STAGED, TYPED, tries=4)))
    dialogue.asks(check(STAGED, NEW), answered=Verdict.BLOCKED).ends(Leave("failure", tried=True))


def test_what_is_no_code_is_no_try() -> None:
    errors = (FieldError("code", "field.required"),)
    refused = Stay(VIEW, Message("form.invalid"), errors, kept=KEPT)
    Playbook(run(STEP, submit(ALICE, {}))).ends(refused)


def test_a_code_expires() -> None:
    expired = Stay(VIEW, Message("code.expired"), kept=KEPT)
    Playbook(run(STEP, submit(ALICE, TYPED, after=1801))).ends(expired)


def test_another_code_may_be_asked_for() -> None:
    sent = Playbook(run(STEP, submit(STAGED, {}, after=30, action="resend"))).result()
    assert isinstance(sent, Stay)
    assert sent.message == Message("code.sent", "INFO")
    (effect,) = sent.effects
    assert isinstance(effect, SendMail)
    assert (effect.to, effect.code) == (NEW, Code(f"{SESSION}:step:5", 6))


# By a link.

METHODS: tuple[Literal["code", "link"], ...] = ("code", "link")
LINKS = lowered(NODE, {"method": "link", "link_url": "https://app.example.com/link"})
LINK_VIEW = LINKS.step.form.view
LINK = Link(SESSION, "step", 3)
LINK_KEPT: dict[str, Json] = {**KEPT, "link": SESSION}
TOKEN: dict[str, Json] = {"token": "sealed"}
ALL = replace(
    STAGED,
    proved=("pwd",),
    password_hash="$argon2id$",
    consented=True,
    inputs={"name": "Sasha"},
    attributes={"risk": "low"},
)


def link_mail(account: str | None, to: str | None) -> SendMail:
    return SendMail(
        account,
        LINK_WORDS.subject,
        LINK_WORDS.text,
        LINK_WORDS.html,
        to,
        flow="login",
        slots={"minutes": "30"},
        until=NOW + 1800,
        link=LINK,
        page="https://app.example.com/link",
        keys=LINK_WORDS.keys,
    )


def came(
    facts: Facts,
    inputs: dict[str, Json],
    *,
    after: int = 0,
    elsewhere: bool = True,
    tries: int = 0,
) -> Visit:
    made = replace(submit(facts, {}, after=after, tries=tries), kept=LINK_KEPT)
    # It goes on as another session.
    session = "another" if elsewhere else SESSION
    return replace(made, session=session, submitted=Submission("", inputs, elsewhere))


def waits(message: Message | None = None, *, left: int = 1800, **more: object) -> Stay:
    return replace(Stay(LINK_VIEW, message, kept=LINK_KEPT, patience=left), **more)


def check_link(facts: Facts, to: str | None = None) -> VerifyEmail:
    return VerifyEmail(facts.account, facts.identifier, to, LINK, Secret("sealed"))


@pytest.mark.parametrize(
    ("facts", "account", "to"),
    [(ALICE, "alice", None), (NOBODY, None, None), (STAGED, None, NEW)],
)
def test_a_link_goes_where_a_code_would_and_leads_where_it_may(
    facts: Facts, account: str | None, to: str | None
) -> None:
    asked = MayLeadTo("https://app.example.com/link")
    sent = waits(effects=(link_mail(account, to),))
    Playbook(run(LINKS, visit(facts))).asks(asked, answered=True).ends(sent)
    Playbook(run(LINKS, visit(facts))).asks(asked, answered=False).ends(Leave("failure"))


def test_the_page_of_the_deployment_is_not_asked_about() -> None:
    sent = Playbook(run(lowered(NODE, {"method": "link"}), visit(ALICE))).result()
    assert isinstance(sent, Stay)
    (mail,) = sent.effects
    assert isinstance(mail, SendMail)
    assert (mail.link, mail.page) == (LINK, None)


def test_who_began_has_the_token_taken_as_a_code() -> None:
    mine = came(ALL, TOKEN, elsewhere=False)
    dialogue = Playbook(run(LINKS, mine)).asks(check_link(ALL, NEW), answered=Verdict.RIGHT)
    dialogue.ends(Leave("success", replace(ALL, verified=NEW)))
    mine = came(ALICE, TOKEN, elsewhere=False)
    dialogue = Playbook(run(LINKS, mine)).asks(check_link(ALICE), answered=Verdict.RIGHT)
    dialogue.ends(Leave("success", replace(ALICE, proved=("otp",))))


def test_who_follows_it_elsewhere_is_known_by_the_address_alone() -> None:
    dialogue = Playbook(run(LINKS, came(ALL, TOKEN)))
    known = Facts(staged={"email": NEW}, verified=NEW, resumed=True)
    dialogue.asks(check_link(ALL, NEW), answered=Verdict.RIGHT).ends(Leave("success", known))
    somebody = replace(ALICE, proved=("pwd",), consented=True, authenticated=True, created=True)
    dialogue = Playbook(run(LINKS, came(somebody, TOKEN)))
    known = replace(ALICE, proved=("otp",), resumed=True)
    dialogue.asks(check_link(ALICE), answered=Verdict.RIGHT).ends(Leave("success", known))


def test_a_wrong_token_is_a_try_only_of_who_began() -> None:
    mine = Playbook(run(LINKS, came(ALICE, TOKEN, elsewhere=False)))
    again = waits(Message("link.wrong"), tried=True)
    mine.asks(check_link(ALICE), answered=Verdict.WRONG).ends(again)
    for facts in (ALICE, NOBODY):
        other = Playbook(run(LINKS, came(facts, TOKEN, tries=4)))
        other.asks(check_link(facts), answered=Verdict.WRONG).ends(waits(Message("link.wrong")))


def test_nobody_is_somebody_whatever_is_answered() -> None:
    other = Playbook(run(LINKS, came(NOBODY, TOKEN)))
    other.asks(check_link(NOBODY), answered=Verdict.RIGHT).ends(waits(Message("link.wrong")))


def test_who_waits_is_told_so_and_after_a_while_that_the_link_has_expired() -> None:
    waiting = came(ALICE, {}, elsewhere=False, after=100)
    told = waits(Message("link.waiting", "INFO"), left=1700)
    Playbook(run(LINKS, waiting)).ends(told)
    late = came(ALICE, TOKEN, after=1801)
    Playbook(run(LINKS, late)).ends(waits(Message("link.expired"), left=0))


def test_what_is_no_token_is_refused_as_an_input() -> None:
    errors = (FieldError("token", "field.invalid"),)
    refused = waits(Message("form.invalid"), field_errors=errors)
    Playbook(run(LINKS, came(ALICE, {"token": 3}))).ends(refused)


def test_another_link_may_be_asked_for() -> None:
    asked = replace(came(ALICE, {}, elsewhere=False, after=30), submitted=Submission("resend"))
    sent = Playbook(run(LINKS, asked)).result()
    assert isinstance(sent, Stay)
    assert sent.message == Message("link.sent", "INFO")
    (mail,) = sent.effects
    assert isinstance(mail, SendMail)
    assert (mail.link, mail.code) == (Link(SESSION, "step", 5), None)


def test_a_code_leads_to_no_page() -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"link_url": "https://app.example.com/link"})
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("invalid_config", "link_url")


@pytest.mark.parametrize(
    "url", ["https://app.example.com/a#b", "http://app.example.com", "/link", "https://a b"]
)
def test_a_page_is_an_address_without_a_fragment(url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        lowered(NODE, {"method": "link", "link_url": url})


def test_a_link_proves_less_than_a_code_where_somebody_else_goes_on() -> None:
    by = {kind: NODE.proves(Config(method=kind))["success"] for kind in METHODS}
    assert not any(gain.afresh for gain in by["code"])
    assert {gain.amr for gain in by["link"] if gain.afresh} == {(), ("otp",)}
