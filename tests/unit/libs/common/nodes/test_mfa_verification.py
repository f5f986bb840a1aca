from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from libs.common.errors import Invalid
from libs.common.flow.accounts import CheckRecoveryCode
from libs.common.flow.messaging import SendMail, SendSms
from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.proof import Gain
from libs.common.flow.questions import CheckCode, CheckTotp, Code, LoadUser, Verdict
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.flow.view import View
from libs.common.nodes.mfa_verification import NODE, Config, Lowered, proves, run
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit
from tests.unit.libs.common.nodes.second_factors import ALICE, buttons, goes_on, plays

STEP = lowered(NODE)
ASKED = STEP.form_of("totp").view
CODE = {"code": "123456"}
CHECK = CheckTotp("alice", "alice@example.com", Secret("123456"), f"{SESSION}:3")


def test_who_has_enrolled_an_authenticator_is_asked_for_its_code() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    user = {"mfa_methods": ["sms", "totp"]}
    dialogue.asks(LoadUser("alice"), answered=user).ends(Stay(ASKED))
    assert ASKED.required == ("code",)


@pytest.mark.parametrize(
    "user", [{"mfa_methods": ["sms"]}, {"mfa_methods": []}, {"mfa_methods": None}, {}, None]
)
def test_who_has_enrolled_nothing_that_works_leaves_by_not_enrolled(
    user: dict[str, object] | None,
) -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered=user).ends(Leave("not_enrolled"))


def test_an_account_made_in_this_run_may_be_told_what_it_has_enrolled() -> None:
    created = Facts(account="alice", created=True)
    dialogue = Playbook(run(STEP, visit(created)))
    dialogue.asks(LoadUser("alice"), answered={}).ends(Leave("not_enrolled"))


@pytest.mark.parametrize("account", ["alice", None])
def test_who_has_proved_nothing_is_not_told_what_is_enrolled(account: str | None) -> None:
    named = Facts(identifier="alice@example.com", account=account)
    Playbook(run(STEP, visit(named))).ends(Stay(ASKED))


def test_the_right_code_is_proof() -> None:
    proved = msgspec.structs.replace(ALICE, proved=("pwd", "otp"), shown=("totp",))
    dialogue = Playbook(run(STEP, visit(ALICE, CODE)))
    dialogue.asks(CHECK, answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_a_wrong_code_shows_the_same_view_with_a_message() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, CODE)))
    again = Stay(ASKED, Message("code.wrong"), tried=True)
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(again)


def test_the_last_wrong_code_leaves_by_failure() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, CODE, tries=4)))
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(Leave("failure", tried=True))


def test_a_code_may_be_typed_as_it_is_shown() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, {"code": " 123 456 "})))
    dialogue.asks(CHECK, answered=Verdict.BLOCKED).ends(Leave("failure", tried=True))


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("", "field.required"),
        ("12345", "field.too_short"),
        ("1234567", "field.too_long"),
        ("12345x", "field.code"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "field.code"),
        (123456, "field.invalid"),
    ],
)
def test_what_is_no_code_is_no_try(code: object, key: str) -> None:
    refused = Stay(ASKED, Message("form.invalid"), (FieldError("code", key),))
    Playbook(run(STEP, visit(ALICE, {"code": code}))).ends(refused)


@pytest.mark.parametrize("methods", [[], ["carrier_pigeon"]])
def test_methods_are_known_and_at_least_one(methods: list[str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"methods": methods}, Config)


# Several methods.

BOTH = lowered(NODE, {"methods": ["recovery_code", "totp"]})
TOTP, RECOVERY = BOTH.form_of("totp").view, BOTH.form_of("recovery_code").view
PICKED = {"method": "recovery_code", "offered": ["totp", "recovery_code"]}
ONLY = {"method": "recovery_code", "offered": ["recovery_code"]}


def sent(action: str, kept: Mapping[str, object], **inputs: str) -> Visit:
    return msgspec.structs.replace(visit(ALICE, inputs, action=action), kept=kept)


def test_who_has_several_is_asked_for_the_first_and_may_pick_another() -> None:
    dialogue = Playbook(run(BOTH, visit(ALICE)))
    user = {"mfa_methods": ["recovery_code", "totp"]}
    dialogue.asks(LoadUser("alice"), answered=user).ends(Stay(TOTP))
    assert (buttons(TOTP), buttons(RECOVERY)) == (["submit", "recovery_code"], ["submit", "totp"])


@pytest.mark.parametrize("action", ["recovery_code", "use_recovery_code"])
def test_who_picks_another_is_asked_for_that_and_has_tried_nothing(action: str) -> None:
    Playbook(run(BOTH, sent(action, {}))).ends(Stay(RECOVERY, kept=PICKED))


def test_who_picks_the_first_again_is_asked_for_that() -> None:
    Playbook(run(BOTH, sent("totp", PICKED))).ends(Stay(TOTP))


def test_what_was_picked_is_asked_for_until_it_is_right() -> None:
    question = CheckRecoveryCode(
        "alice", "alice@example.com", Secret("ABCDE-FGHIJ"), f"{SESSION}:3"
    )
    dialogue = Playbook(run(BOTH, sent("", PICKED, code="ABCDE-FGHIJ")))
    again = Stay(RECOVERY, Message("code.wrong"), tried=True, kept=PICKED)
    dialogue.asks(question, answered=Verdict.WRONG).ends(again)
    dialogue = Playbook(run(BOTH, sent("submit", PICKED, code="ABCDE-FGHIJ")))
    proved = msgspec.structs.replace(ALICE, proved=("pwd", "otp"), shown=("recovery_code",))
    dialogue.asks(question, answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_an_empty_code_keeps_what_was_picked() -> None:
    refused = (FieldError("code", "field.required"),)
    again = Stay(RECOVERY, Message("form.invalid"), refused, kept=PICKED)
    Playbook(run(BOTH, sent("", PICKED))).ends(again)


def test_what_is_not_enrolled_is_not_offered() -> None:
    dialogue = Playbook(run(BOTH, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered={"mfa_methods": ["recovery_code"]})
    shown = dialogue.result()
    assert isinstance(shown, Stay)
    assert (buttons(shown.view), shown.kept) == (["submit"], ONLY)
    with pytest.raises(Invalid):
        Playbook(run(BOTH, sent("totp", ONLY)))


def test_who_has_proved_nothing_is_offered_all_of_them() -> None:
    named = Facts(identifier="alice@example.com", account=None)
    Playbook(run(BOTH, visit(named))).ends(Stay(TOTP))


# Codes that are sent.

NOW = visit().surroundings.time
SENDS = lowered(NODE, {"methods": ["totp", "sms", "email"], "length": 8, "expires_seconds": 300})
REACHED: Mapping[str, Json] = {
    "email": "alice@example.com",
    "email_verified": True,
    "phone": "+12025550142",
    "mfa_methods": ["totp"],
}
SENT: dict[str, Json] = {"revision": 3, "at": NOW, "sent": 1}


def arrived(
    config: Lowered = SENDS, facts: Facts = ALICE, user: Mapping[str, Json] = REACHED
) -> Stay:
    shown = Playbook(run(config, visit(facts))).asks(LoadUser("alice"), answered=user).result()
    assert isinstance(shown, Stay)
    return shown


def words(view: View) -> list[Json]:
    return [
        each.config["text"] for each in view.components if each.config and "text" in each.config
    ]


def test_nothing_is_sent_until_it_is_wanted_and_then_its_owner_is_told_where() -> None:
    first = arrived()
    assert (buttons(first.view), first.effects) == (["submit", "sms", "email"], ())
    by_sms = plays(SENDS, goes_on(first, "sms"))
    (sms,) = by_sms.effects
    assert isinstance(sms, SendSms)
    assert (sms.account, sms.to) == ("alice", None)
    assert sms.code == Code(f"{SESSION}:step:5", 8, "phone")
    assert words(by_sms.view) == ["Check your phone", "•••42"]
    by_mail = plays(SENDS, goes_on(by_sms, "use_email"))
    (mail,) = by_mail.effects
    assert isinstance(mail, SendMail)
    assert mail.code == Code(f"{SESSION}:step:5", 8, "email")
    assert words(by_mail.view) == ["Check your email", "a•••@example.com"]
    assert "alice@example.com" not in str(msgspec.to_builtins(by_mail))


def test_going_back_and_forth_sends_nothing_again() -> None:
    by_sms = plays(SENDS, goes_on(arrived(), "sms"))
    by_mail = plays(SENDS, goes_on(by_sms, "email"))
    again = plays(SENDS, goes_on(by_mail, "sms"))
    assert (again.effects, again.view, again.message) == ((), by_sms.view, None)
    too_soon = plays(SENDS, goes_on(again, "resend"))
    assert (too_soon.effects, too_soon.message) == ((), Message("code.wait"))


@pytest.mark.parametrize(("method", "amr"), [("sms", "sms"), ("email", "otp")])
def test_a_code_that_was_sent_is_proof_once_it_is_right(method: str, amr: str) -> None:
    asked = plays(SENDS, goes_on(arrived(), method))
    code = Code(f"{SESSION}:step:5", 8, "phone" if method == "sms" else "email")
    check = CheckCode("alice", "alice@example.com", code, Secret("12345678"))
    typed = goes_on(asked, code="12345678")
    again = Playbook(run(SENDS, typed)).asks(check, answered=Verdict.WRONG).result()
    assert again == msgspec.structs.replace(
        asked, message=Message("code.wrong"), tried=True, effects=()
    )
    proved = msgspec.structs.replace(ALICE, proved=("pwd", amr), shown=(method,))
    Playbook(run(SENDS, typed)).asks(check, answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_who_has_but_one_way_to_be_reached_is_sent_a_code_at_once() -> None:
    only = {**REACHED, "mfa_methods": []}
    by_sms = arrived(SENDS, user={**only, "email_verified": False})
    assert (len(by_sms.effects), buttons(by_sms.view)) == (1, ["submit"])
    assert words(by_sms.view) == ["Check your phone", "•••42"]
    by_mail = arrived(SENDS, user={**only, "phone": None})
    assert words(by_mail.view) == ["Check your email", "a•••@example.com"]


@pytest.mark.parametrize("account", ["alice", None])
def test_who_has_proved_nothing_is_offered_codes_and_told_no_address(account: str | None) -> None:
    named = Facts(identifier="alice@example.com", account=account)
    config = lowered(NODE, {"methods": ["sms", "email"]})
    first = plays(config, visit(named))
    (sms,) = first.effects
    assert isinstance(sms, SendSms)
    assert (sms.account, words(first.view)) == (account, [])
    second = plays(config, goes_on(first, "email", named))
    (mail,) = second.effects
    assert isinstance(mail, SendMail)
    assert (mail.account, words(second.view)) == (account, [])


@pytest.mark.parametrize(
    ("proved", "offered"),
    [
        (("pwd",), ["totp", "webauthn", "sms", "email", "recovery_code"]),
        (("otp",), ["totp", "webauthn", "sms", "recovery_code"]),
        (("sms",), ["totp", "webauthn", "email", "recovery_code"]),
        (("hwk", "user", "mfa"), ["totp", "sms", "email", "recovery_code"]),
        (("swk", "user"), ["totp", "sms", "email", "recovery_code"]),
    ],
)
def test_what_signed_somebody_in_is_no_second_factor(
    proved: tuple[str, ...], offered: list[str]
) -> None:
    every = ["recovery_code", "email", "sms", "webauthn", "totp"]
    config = lowered(NODE, {"methods": every})
    user = {**REACHED, "mfa_methods": ["totp", "webauthn", "recovery_code"]}
    shown = arrived(config, msgspec.structs.replace(ALICE, proved=proved), user)
    assert ["totp", *buttons(shown.view)[1:]] == offered


@pytest.mark.parametrize(
    ("methods", "gains"),
    [
        (["totp"], (Gain(("otp",)),)),
        (["email"], (Gain(("otp",)),)),
        (["sms", "recovery_code"], (Gain(("otp",)), Gain(("sms",)))),
        (
            ["webauthn"],
            (
                Gain(("hwk", "user")),
                Gain(("hwk", "user", "mfa")),
                Gain(("swk", "user")),
                Gain(("swk", "user", "mfa")),
            ),
        ),
    ],
)
def test_it_proves_what_any_of_its_methods_does(
    methods: list[str], gains: tuple[Gain, ...]
) -> None:
    assert proves(msgspec.convert({"methods": methods}, Config)) == {"success": gains}


def test_what_an_earlier_release_compiled_and_kept_is_read() -> None:
    before = msgspec.to_builtins(lowered(NODE, {"methods": ["totp", "recovery_code"]}))
    for later in ("passkey", "sms", "email"):
        del before[later]
    config = msgspec.convert(before, Lowered)
    assert plays(config, goes_on(Stay(ASKED, kept=PICKED), "totp")).kept == {}
    assert buttons(plays(config, sent("", PICKED)).view) == ["submit", "totp"]
