"""The portal's pages without a browser: what it sends, and what it refuses."""

from __future__ import annotations

import re

import jwt
import pytest

from libs.common.flow.model import FlowType
from tests.integration.executor.conftest import PASSWORD, House
from tests.integration.executor.graphs import LOGIN, MFA_LOGIN, REGISTRATION, START, SUCCESS, graph
from tests.integration.executor.links import link_in, recovery, registration
from tests.integration.executor.portal.visitor import Seen, Visitor, visiting
from tests.mailbox import mailbox

EMAIL = "sasha@example.com"


async def test_somebody_signs_in_by_plain_forms(house: House, visitor: Visitor) -> None:
    await house.publish(MFA_LOGIN)
    account, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    seen = await visitor.get("/portal/login")
    assert "Email or user name" in seen.text
    seen = await visitor.answer(seen, identifier=EMAIL)
    assert seen.url.path == "/portal/LOGIN"
    wrong = await visitor.answer(seen, password="not that")
    assert "The password is not right." in wrong.text
    seen = await visitor.answer(wrong, password=PASSWORD)
    seen = await visitor.answer(seen, code=totp.now())
    assert (seen.status, "You are signed in." in seen.text) == (200, True)
    (cookie,) = visitor.cookies().values()
    assert cookie.key == "gatehouse.assertion.default"
    told = jwt.decode(cookie.value, options={"verify_signature": False})
    assert (told["sub"], told["amr"]) == (account, ["pwd", "otp"])
    assert cookie.value not in seen.text


@pytest.mark.parametrize(("param", "status"), [("origin", 200), ("referrer", 403)])
async def test_the_portal_says_where_it_is_and_knows_nothing_else(
    house: House, visitor: Visitor, param: str, status: int
) -> None:
    ask = {"id": "ask", "type": "internal_prompt", "config": {"params": [{"name": param}]}}
    told = f"startsWith(inputs.{param}, '127.0.0.1:')"
    check = {"id": "check", "type": "condition", "config": {"condition": told}}
    drawn = graph(
        [START, ask, check, {"id": "who", "type": "identifier_input"}, SUCCESS],
        [
            ("start", "ask"),
            ("ask", "check"),
            ("check", "who", "true"),
            ("check", "success", "false"),
            ("who", "success"),
        ],
    )
    await house.publish(drawn, FlowType.REGISTRATION)
    seen = await visitor.get("/portal/REGISTRATION")
    assert (seen.status, "in-email" in seen.text) == (status, status == 200)
    again = await visitor.get("/portal/REGISTRATION")
    assert again.status == status


async def test_what_was_wrong_stands_at_its_input_and_nothing_typed_is_lost(
    house: House, visitor: Visitor
) -> None:
    await house.publish(REGISTRATION, FlowType.REGISTRATION)
    seen = await visitor.get("/portal/REGISTRATION")
    seen = await visitor.answer(seen, "submit-registration", email='"><b>x', password=PASSWORD)
    assert seen.status == 200
    field = re.search(r'<input id="in-email"[^>]*>', seen.text)
    assert field is not None
    assert 'aria-describedby="in-email-error" aria-invalid="true"' in field[0]
    assert 'value="&#34;&gt;&lt;b&gt;x"' in field[0]
    assert '<p class="wrong" id="in-email-error">' in seen.text
    assert PASSWORD not in seen.text


async def test_every_answer_is_closed_to_other_sites_and_kept_by_nobody(
    house: House, visitor: Visitor
) -> None:
    await house.publish(LOGIN)
    page = await visitor.get("/portal/LOGIN")
    answers = [
        page,
        await visitor.answer(page, identifier=""),
        await visitor.get("/portal/PARTY"),
        await visitor.get("/portal/"),
        await visitor.get("/portal/callback?code=a&state=b"),
        await visitor.get("/portal/LOGIN?next=//evil.example"),
        await visitor.post("/portal/LOGIN", {}),
    ]
    assert [each.status for each in answers] == [200, 200, 404, 404, 410, 200, 403]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert not re.search(
            r"<script(?! type=.module. src=)|<style|style=|\bon[a-z]+=", answer.text
        )
    for asset in re.findall(r'href="(/portal/assets/[^"]+)"', page.text):
        given = await visitor.get(asset)
        assert given.status == 200
        assert given.headers["Content-Type"].startswith("text/css")
        assert given.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (await visitor.get("/portal/assets/..%2Fpages.py")).status == 404


async def test_a_form_of_another_site_changes_nothing(house: House, visitor: Visitor) -> None:
    await house.publish(LOGIN)
    seen = await visitor.get("/portal/LOGIN")
    sent = {"_step": seen.step, "_action": "submit", "identifier": EMAIL}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        refused = await visitor.post("/portal/LOGIN", sent, **headers)
        assert refused.status == 403
        assert "Start again" in refused.text
    unsaid = await visitor.post("/portal/LOGIN", {**sent, "_step": ""})
    assert unsaid.status == 403
    again = await visitor.get("/portal/LOGIN")
    assert again.step == seen.step


async def test_the_step_is_still_there_when_the_page_is_loaded_again(
    house: House, visitor: Visitor
) -> None:
    await house.publish(LOGIN)
    seen = await visitor.answer(await visitor.get("/portal/LOGIN"), identifier=EMAIL)
    again = await visitor.get("/portal/LOGIN")
    assert (again.step, "Password" in again.text) == (seen.step, True)
    fresh = await visitor.post("/portal/LOGIN", {"_step": again.step, "_do": "restart"})
    assert "Email or user name" in fresh.text


async def test_who_was_overtaken_sees_where_they_are(house: House, visitor: Visitor) -> None:
    await house.publish(LOGIN)
    first = await visitor.get("/portal/LOGIN")
    second = await visitor.answer(first, identifier=EMAIL)
    late = await visitor.answer(first, identifier="other@example.com")
    assert (late.status, late.step) == (409, second.step)
    assert "maybe in another tab" in late.text


async def test_who_comes_too_late_may_start_again(house: House, visitor: Visitor) -> None:
    await house.publish(LOGIN)
    seen = await visitor.get("/portal/LOGIN")
    (cookie,) = visitor.cookies().values()
    await house.line.execute(b"DEL", f"gh:session:{{default:{cookie.value[:36]}}}")
    late = await visitor.answer(seen, identifier=EMAIL)
    assert late.status == 410
    assert 'href="/portal/LOGIN"' in late.text
    assert "Email or user name" in (await visitor.get("/portal/LOGIN")).text


async def test_who_asks_too_often_is_told_how_long_to_wait(house: House) -> None:
    executor = await house.executor(address_burst=1, address_rate=0.02)
    await house.publish(LOGIN)
    await executor.http.get(f"{executor.url}/portal/LOGIN")
    executor.http.cookie_jar.clear()
    async with executor.http.get(f"{executor.url}/portal/LOGIN") as refused:
        assert refused.status == 429
        wait = refused.headers["Retry-After"]
        assert f"Try again in {wait} seconds." in await refused.text()


async def test_a_tenant_and_a_language_of_ones_own(house: House, visitor: Visitor) -> None:
    await house.publish(LOGIN, tenant="acme")
    seen = await visitor.get("/t/acme/portal/LOGIN", language="de")
    assert '<html lang="de">' in seen.text
    assert "<h1>Anmelden</h1>" in seen.text
    assert 'action="/t/acme/portal/LOGIN"' in seen.text
    assert 'href="/t/acme/portal/assets/portal.css' in seen.text
    assert (await visitor.answer(seen, identifier=EMAIL)).url.path == "/t/acme/portal/LOGIN"


async def test_next_leads_on_and_nowhere_else(house: House, visitor: Visitor) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)

    async def sign_in(following: str) -> Seen:
        seen = await visitor.get(f"/portal/LOGIN?next={following}")
        seen = await visitor.answer(seen, identifier=EMAIL)
        return await visitor.answer(seen, password=PASSWORD)

    for evil in ("//evil.example", "https://evil.example/", "javascript:alert(1)"):
        assert (await visitor.get(f"/portal/LOGIN?next={evil}")).status == 400
    assert (await sign_in("/portal/assets/portal.css")).url.path == "/portal/assets/portal.css"
    seen = await sign_in("https://app.example/a?b=%22")
    assert 'content="0;url=https://app.example/a?b=' in seen.text
    assert "<strong>app.example</strong>" in seen.text


LEAVE = graph(
    [
        START,
        {"id": "delete", "type": "user_delete"},
        {"id": "success", "type": "success"},
    ],
    [("start", "delete"), ("delete", "success")],
)


async def test_nobody_is_deleted_by_a_link(house: House, visitor: Visitor) -> None:
    await house.publish(LOGIN)
    await house.publish(LEAVE, FlowType.UNENROLLMENT)
    account, _ = await house.person(EMAIL)
    seen = await visitor.answer(await visitor.get("/portal/LOGIN"), identifier=EMAIL)
    await visitor.answer(seen, password=PASSWORD)
    asked = await visitor.get("/portal/UNENROLLMENT")
    assert "Is that what you want?" in asked.text
    begin = {"_do": "begin"}
    path = "/portal/UNENROLLMENT"
    assert (await visitor.post(path, begin, Origin="https://evil.example")).status == 403
    assert await house.directory.load("default", account) is not None
    done = await visitor.post(path, begin)
    assert "Your account has been deleted." in done.text
    assert await house.directory.load("default", account) is None
    assert not visitor.cookies()


SIGN_OUT = graph(
    [START, {"id": "out", "type": "user_logout"}, SUCCESS], [("start", "out"), ("out", "success")]
)


async def test_who_signed_in_long_ago_can_sign_out_and_has_to_sign_in_for_the_rest(
    house: House,
) -> None:
    # Its assertions are late at once: they last less than clocks may be apart.
    executor = await house.executor(assertion_seconds=-10)
    await house.publish(LOGIN)
    await house.publish(LEAVE, FlowType.UNENROLLMENT)
    await house.publish(SIGN_OUT, FlowType.LOGOUT)
    await house.person(EMAIL)
    begin = {"_do": "begin"}
    async with visiting(executor) as visitor:
        seen = await visitor.answer(await visitor.get("/portal/LOGIN"), identifier=EMAIL)
        await visitor.answer(seen, password=PASSWORD)
        (cookie,) = visitor.cookies().values()
        refused = await visitor.post("/portal/UNENROLLMENT", begin)
        assert refused.status == 401
        assert 'href="/portal/LOGIN?next=/portal/UNENROLLMENT"' in refused.text
        assert "You are signed out." in (await visitor.post("/portal/LOGOUT", begin)).text
        assert not visitor.cookies()
        visitor.keep("gatehouse.assertion.default", cookie.value)
        assert (await visitor.post("/portal/LOGOUT", begin)).status == 401
        assert not visitor.cookies()


async def test_a_mailed_link_goes_on_where_it_is_followed(house: House) -> None:
    await house.publish(recovery(), FlowType.PASSWORD_RESET)
    await house.person(EMAIL)
    async with mailbox() as box:
        executor = await house.executor(smtp_url=box.url, replay_seconds=0)
        async with visiting(executor) as laptop, visiting(executor) as phone:
            await laptop.answer(await laptop.get("/portal/PASSWORD_RECOVERY"), identifier=EMAIL)
            link = link_in(await box.next())
            assert link.startswith("http://localhost:8090/portal/link#token=")
            # Opened, which uses nothing up; what follows the `#` is sent to nobody.
            opened = await phone.get("/portal/link")
            assert 'name="link"' in opened.text
            refused = await phone.post(
                "/portal/link", {"link": link}, Origin="https://evil.example"
            )
            assert refused.status == 403
            choosing = await phone.post("/portal/link", {"link": link})
            assert (choosing.status, choosing.url.path) == (200, "/portal/PASSWORD_RECOVERY")
            assert "New password" in choosing.text
            elsewhere = await laptop.get("/portal/PASSWORD_RECOVERY")
            assert elsewhere.status == 410
            assert "where you opened the link" in elsewhere.text
            assert (await laptop.get("/portal/PASSWORD_RECOVERY")).status == 200
            used = await laptop.post("/portal/link", {"link": link})
            assert (used.status, "not any more" in used.text) == (410, True)
            unknown = await laptop.post("/portal/link", {"link": "http://x/#token=abc"})
            assert (unknown.status, "not any more" in unknown.text) == (404, True)
            assert "Paste the whole link" in (await laptop.post("/portal/link", {"link": ""})).text
            typed = {"password": "a quite new one", "confirmation": "a quite new one"}
            assert "That is done." in (await phone.answer(choosing, **typed)).text


async def test_who_follows_a_link_where_they_began_keeps_what_they_said(house: House) -> None:
    await house.publish(registration(), FlowType.REGISTRATION)
    async with mailbox() as box:
        executor = await house.executor(smtp_url=box.url)
        async with visiting(executor) as visitor:
            seen = await visitor.get("/portal/REGISTRATION")
            await visitor.answer(seen, email=EMAIL, password=PASSWORD)
            link = link_in(await box.next())
            done = await visitor.post("/portal/link", {"link": link})
            assert "Your account is ready." in done.text
    await house.publish(LOGIN)
    async with visiting(executor) as visitor:
        seen = await visitor.answer(await visitor.get("/portal/LOGIN"), identifier=EMAIL)
        assert "You are signed in." in (await visitor.answer(seen, password=PASSWORD)).text


async def test_who_presses_twice_on_a_link_is_led_on_by_it_twice(house: House) -> None:
    await house.publish(recovery(), FlowType.PASSWORD_RESET)
    await house.publish(registration(), FlowType.REGISTRATION)
    await house.person(EMAIL)
    async with mailbox() as box:
        executor = await house.executor(smtp_url=box.url, replay_seconds=0)
        async with visiting(executor) as visitor:
            await visitor.answer(await visitor.get("/portal/PASSWORD_RECOVERY"), identifier=EMAIL)
            link = {"link": link_in(await box.next())}
            pressed = [await visitor.post("/portal/link", link) for _ in range(2)]
            assert ["New password" in each.text for each in pressed] == [True, True]
            typed = {"password": "a quite new one", "confirmation": "a quite new one"}
            assert "That is done." in (await visitor.answer(pressed[1], **typed)).text
        async with visiting(executor) as visitor:
            seen = await visitor.get("/portal/REGISTRATION")
            await visitor.answer(seen, email="grace@example.com", password=PASSWORD)
            link, cookies = {"link": link_in(await box.next())}, visitor.cookies()
            for _ in range(2):
                # Both leave with what the browser has before either is answered.
                for each in cookies.values():
                    visitor.keep(each.key, each.value)
                done = await visitor.post("/portal/link", link)
                assert (done.status, "Your account is ready." in done.text) == (200, True)


async def test_an_operator_may_have_no_portal(house: House) -> None:
    executor = await house.executor(portal="off")
    async with executor.http.get(f"{executor.url}/portal/LOGIN") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "FE-40401")
