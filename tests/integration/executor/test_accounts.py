"""What owners of accounts do to them by flows: set up factors, agree, and leave for good."""

from __future__ import annotations

import time
from itertools import count, pairwise
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pyotp

from libs.common.chassis.tokens import digest
from libs.common.flow.model import FlowType, Graph, Json
from libs.common.secret import Secret
from tests.integration.executor.conftest import PASSWORD, Executor, House, Reply, dying
from tests.integration.executor.graphs import IDENTIFIER, REGISTRATION, START, SUCCESS, graph
from tests.integration.executor.graphs import PASSWORD as ASKS_PASSWORD

EMAIL = "sasha@example.com"


def after_password(*nodes: Json) -> Graph:
    """Draw a sign-in by password, and then these nodes in a row."""
    row = [START, IDENTIFIER, ASKS_PASSWORD, *nodes, SUCCESS]
    ids = [each["id"] for each in row]
    return graph(row, list(pairwise(ids)))


def texts(step: Reply) -> list[str]:
    """What is shown beside the form."""
    shown = step.data["components"]
    return [each["config"]["text"] for each in shown if each["type"] == "TYPOGRAPHY"]


def later(totp: pyotp.TOTP) -> str:
    """A code of the next time step, which clocks may be apart by."""
    return totp.at(int(time.time()) + 30)


def around(totp: pyotp.TOTP, at: float) -> set[str]:
    """The codes of more time steps than clocks may be apart by."""
    return {totp.at(int(at) + 30 * steps) for steps in range(-3, 4)}


def never(totp: pyotp.TOTP) -> str:
    """A code of none of them."""
    right = around(totp, time.time())
    return next(code for number in count() if (code := f"{number:06}") not in right)


SETUP = after_password(
    {"id": "setup", "type": "totp_setup", "config": {"issuer": "Acme"}},
    {"id": "codes", "type": "recovery_codes_setup", "config": {"count": 2}},
)
VERIFY = after_password(
    {
        "id": "verify",
        "type": "mfa_verification",
        "config": {"methods": ["totp", "recovery_code"]},
    },
)


async def signed_in(executor: Executor) -> Reply:
    return await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)


async def set_up(executor: Executor) -> tuple[pyotp.TOTP, str, list[str]]:
    """Set up an authenticator and recovery codes; return it, the code that it took, and them."""
    step = await signed_in(executor)
    totp = pyotp.TOTP(texts(step)[1])
    code = totp.now()
    step = await executor.answer(step, code=code)
    codes = texts(step)[1:]
    done = await executor.answer(step)
    assert done.body["flowStatus"] == "COMPLETE"
    return totp, code, codes


async def test_an_authenticator_is_set_up_once_it_shows_a_right_code(
    house: House, executor: Executor
) -> None:
    await house.publish(SETUP)
    account, _ = await house.person(EMAIL)
    step = await signed_in(executor)
    secret = texts(step)[1]
    (image,) = [each for each in step.data["components"] if each["type"] == "IMAGE"]
    uri = urlsplit(image["config"]["uri"])
    assert (uri.scheme, uri.netloc, uri.path) == (
        "otpauth",
        "totp",
        f"/Acme:{EMAIL}".replace("@", "%40"),
    )
    assert parse_qs(uri.query) == {"secret": [secret], "issuer": ["Acme"]}
    assert image["config"]["src"].startswith("data:image/svg+xml")
    assert await house.directory.totp_secret("default", account) is None
    totp = pyotp.TOTP(secret)
    again = await executor.answer(step, code=never(totp))
    assert texts(again)[1] == secret
    assert await house.directory.totp_secret("default", account) is None
    # Another executor knows it as well.
    other = await house.executor()
    shown = await other.answer(again, code=totp.now())
    assert len(texts(shown)[1:]) == 2
    sealed = await house.directory.totp_secret("default", account)
    assert sealed is not None
    assert secret.encode() not in sealed
    assert secret.encode() not in executor.logged() + other.logged()


async def test_a_set_up_whose_executor_died_before_it_was_stored_ends_well_when_it_is_repeated(
    house: House, executor: Executor
) -> None:
    await house.publish(SETUP)
    account, _ = await house.person(EMAIL)
    early, step = await signed_in(executor), await signed_in(executor)
    code = pyotp.TOTP(texts(step)[1]).now()
    with dying():
        assert (await executor.answer(step, code=code)).status == 503
    assert await house.directory.totp_secret("default", account) is not None
    again = await executor.answer(step, code=code)
    assert len(texts(again)[1:]) == 2
    # Whose set-up had begun before, elsewhere, does not take its place.
    other = pyotp.TOTP(texts(early)[1]).now()
    assert (await executor.answer(early, code=other)).body["flowStatus"] == "ERROR"


async def test_recovery_codes_whose_executor_died_are_kept_by_a_repeat_as_well(
    house: House, executor: Executor
) -> None:
    await house.publish(after_password({"id": "codes", "type": "recovery_codes_setup"}))
    await house.person(EMAIL)
    early, step = await signed_in(executor), await signed_in(executor)
    with dying():
        assert (await executor.answer(step)).status == 503
    assert await house.pool.fetchval("SELECT count(*) FROM recovery_codes") == 10
    assert (await executor.answer(step)).body["flowStatus"] == "COMPLETE"
    # Others take their place no more.
    assert (await executor.answer(early)).body["flowStatus"] == "ERROR"


async def test_a_code_that_set_it_up_is_no_second_factor(house: House, executor: Executor) -> None:
    await house.publish(SETUP)
    await house.person(EMAIL)
    totp, code, _ = await set_up(executor)
    await house.publish(VERIFY)
    step = await signed_in(executor)
    spent = await executor.answer(step, code=code)
    assert spent.body["flowStatus"] == "INCOMPLETE"
    done = await executor.answer(spent, code=later(totp))
    assert done.body["flowStatus"] == "COMPLETE"


async def test_a_recovery_code_is_good_once_however_it_is_typed(
    house: House, executor: Executor
) -> None:
    await house.publish(SETUP)
    account, _ = await house.person(EMAIL)
    _, _, codes = await set_up(executor)
    rows = await house.pool.fetch("SELECT digest FROM recovery_codes")
    assert len(rows) == 2
    assert not [code for code in codes for row in rows if code.encode() in row["digest"]]
    await house.publish(VERIFY)
    step = await executor.answer(await signed_in(executor), "recovery_code")
    done = await executor.answer(step, code=f" {codes[0].upper().replace('-', ' ')}")
    assert done.body["flowStatus"] == "COMPLETE"
    step = await executor.answer(await signed_in(executor), "recovery_code")
    wrong = await executor.answer(step, code=codes[0])
    assert wrong.body["flowStatus"] == "INCOMPLETE"
    done = await executor.answer(wrong, code=codes[1])
    assert done.body["flowStatus"] == "COMPLETE"
    # Who has none left is still asked.
    user = await house.directory.load("default", account)
    assert user is not None
    assert user["mfa_methods"] == ["totp", "recovery_code"]


async def test_who_repeats_a_submit_spends_a_code_no_second_time(
    house: House, executor: Executor
) -> None:
    account, _ = await house.person(EMAIL)
    digest, other = b"a" * 16, b"b" * 16
    directory = house.directory
    await directory.keep_recovery_codes("default", account, (digest,))
    assert not await directory.spend_recovery_code("acme", account, (digest,), "s:1")
    assert not await directory.spend_recovery_code("default", account, (other,), "s:1")
    for _ in range(2):
        assert await directory.spend_recovery_code("default", account, (other, digest), "s:1")
    assert not await directory.spend_recovery_code("default", account, (digest,), "s:2")
    # Those that are kept again are not good again.
    await directory.keep_recovery_codes("default", account, (digest, other))
    assert not await directory.spend_recovery_code("default", account, (digest,), "s:2")
    await directory.keep_recovery_codes("default", account, (digest,))
    assert not await directory.spend_recovery_code("default", account, (other,), "s:2")


async def test_a_password_alone_replaces_no_authenticator(house: House, executor: Executor) -> None:
    await house.publish(SETUP)
    await house.person(EMAIL, totp=True)
    refused = await signed_in(executor)
    assert refused.body["flowStatus"] == "ERROR"


TERMS: Json = {"id": "terms", "type": "consent", "config": {"purpose": "terms", "days": 1}}


async def test_a_consent_is_asked_for_once_while_it_holds(house: House, executor: Executor) -> None:
    await house.publish(after_password(TERMS))
    await house.person(EMAIL)
    step = await signed_in(executor)
    assert step.body["flowStatus"] == "INCOMPLETE"
    refused = await executor.answer(step, "decline")
    assert refused.body["flowStatus"] == "ERROR"
    done = await executor.answer(await signed_in(executor), "submit")
    assert done.body["flowStatus"] == "COMPLETE"
    assert (await signed_in(executor)).body["flowStatus"] == "COMPLETE"
    await house.pool.execute("UPDATE consents SET until = now() - interval '1 hour'")
    assert (await signed_in(executor)).body["flowStatus"] == "INCOMPLETE"


async def test_an_account_is_deleted_with_all_that_it_had(house: House, executor: Executor) -> None:
    await house.publish(SETUP)
    await house.person(EMAIL)
    other, _ = await house.person("grace@example.com")
    await set_up(executor)
    login = after_password(TERMS)
    await house.publish(login)
    done = await executor.answer(await signed_in(executor))
    bearer = {"Authorization": f"Bearer {done.data['userAssertion']}"}
    gone = graph(
        [START, {"id": "delete", "type": "user_delete"}, SUCCESS],
        [("start", "delete"), ("delete", "success")],
    )
    await house.publish(gone, FlowType.UNENROLLMENT)
    nobody = await executor.start("UNENROLLMENT")
    assert nobody.body["flowStatus"] == "ERROR"
    done = await executor.post(headers=bearer, flowType="UNENROLLMENT")
    assert done.body["flowStatus"] == "COMPLETE"
    assert [row["id"] for row in await house.pool.fetch("SELECT id FROM users")] == [UUID(other)]
    left = await house.pool.fetch(
        """
        SELECT user_id FROM totp_credentials
        UNION ALL SELECT user_id FROM recovery_codes
        UNION ALL SELECT user_id FROM consents
        """
    )
    assert not left
    # What was asserted of them is good for nothing any more.
    assert (await executor.post(headers=bearer, flowType="UNENROLLMENT")).status == 401


JOINING = graph(
    [
        START,
        {"id": "invited", "type": "invitation"},
        {
            "id": "details",
            "type": "prompt",
            "config": {"fields": [{"name": "email", "type": "email", "label": "Email"}]},
        },
        {"id": "write", "type": "user_write"},
        SUCCESS,
    ],
    [("start", "invited"), ("invited", "details"), ("details", "write"), ("write", "success")],
)
INVITED = FlowType.INVITED_REGISTRATION


async def invite(house: House, token: str) -> None:
    await house.pool.execute(
        """
        INSERT INTO invitations (id, tenant, token_hash, attributes, expires_at)
        VALUES ($1, 'default', $2, '{"role": "editor"}', now() + interval '1 hour')
        """,
        uuid4(),
        digest(Secret(token)),
    )


async def test_of_two_who_come_with_one_invitation_one_registers(
    house: House, executor: Executor
) -> None:
    await house.publish(JOINING, INVITED)
    await invite(house, "a token of this test")
    first = await executor.start("INVITED_USER_REGISTRATION")
    assert first.data["requiredParams"] == ["invitation"]
    wrong = await executor.answer(first, invitation="another")
    assert wrong.data["messages"][0]["i18nKey"] == "invitation.invalid"
    first = await executor.answer(wrong, invitation="a token of this test")
    second = await executor.start("INVITED_USER_REGISTRATION")
    second = await executor.answer(second, invitation="a token of this test")
    assert first.data["requiredParams"] == second.data["requiredParams"] == ["email"]
    done = await executor.answer(first, email=EMAIL)
    assert done.body["flowStatus"] == "COMPLETE"
    late = await executor.answer(second, email="grace@example.com")
    assert late.body["flowStatus"] == "ERROR"
    account = await house.directory.find("default", ("email",), EMAIL)
    assert account is not None
    user = await house.directory.load("default", account)
    assert user is not None
    assert user["role"] == "editor"
    assert await house.directory.find("default", ("email",), "grace@example.com") is None
    third = await executor.start("INVITED_USER_REGISTRATION")
    again = await executor.answer(third, invitation="a token of this test")
    assert again.body["flowStatus"] == "INCOMPLETE"
    assert b"a token of this test" not in executor.logged()


async def test_a_registration_of_the_invited_lets_nobody_else_in(
    house: House, executor: Executor
) -> None:
    await house.publish(REGISTRATION, INVITED)
    step = await executor.start("INVITED_USER_REGISTRATION")
    refused = await executor.answer(step, "submit-registration", email=EMAIL, password=PASSWORD)
    assert refused.body["flowStatus"] == "ERROR"
    assert await house.pool.fetchval("SELECT count(*) FROM users") == 0
