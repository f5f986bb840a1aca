"""What the portal knows a browser by: its flow, where it was sent away from, and its name."""

from __future__ import annotations

import pytest

from libs.common.flow.model import FlowType
from tests.integration.executor.candidates import asking, candidate, lead
from tests.integration.executor.conftest import Executor, House
from tests.integration.executor.graphs import LOGIN, START, graph
from tests.integration.executor.portal.visitor import DEVICE, Visitor, visiting


@pytest.mark.parametrize("issuer", ["http://localhost:8090", "https://id.example"])
async def test_a_browser_alone_knows_its_flow(house: House, issuer: str) -> None:
    executor = await house.executor(issuer=issuer)
    await house.publish(LOGIN)
    async with executor.http.get(f"{executor.url}/portal/LOGIN") as answer:
        cookie, device = answer.cookies.values()
        text = await answer.text()
    secure = issuer.startswith("https")
    prefix = "__Host-" if secure else ""
    assert cookie.key == f"{prefix}gatehouse.flow.default.login"
    assert device.key == f"{prefix}gatehouse.device"
    for each in (cookie, device):
        assert (each["path"], each["httponly"], each["samesite"]) == ("/", True, "Lax")
        assert (bool(each["secure"]), each["domain"]) == (secure, "")
    assert cookie["max-age"] == ""
    assert cookie.value[:36] not in text


AWAY = graph(
    [
        START,
        {"id": "away", "type": "redirect", "config": {"url": "https://app.example/terms"}},
        {"id": "success", "type": "success", "config": {"auto_login": False}},
    ],
    [("start", "away"), ("away", "success")],
)


async def test_who_is_sent_away_comes_back_by_the_same_browser(
    house: House, visitor: Visitor, executor: Executor
) -> None:
    await house.publish(AWAY, FlowType.PASSWORD_RESET)
    seen = await visitor.get("/portal/PASSWORD_RECOVERY")
    assert '<meta http-equiv="refresh" content="0;url=https://app.example/terms">' in seen.text
    # By the browser's own button: it stays.
    again = await visitor.get("/portal/PASSWORD_RECOVERY")
    assert "refresh" not in again.text
    assert 'href="https://app.example/terms"' in again.text
    async with executor.http.get(f"{executor.url}/portal/callback") as other:
        assert other.status == 410
    assert (await visitor.get("/portal/callback?state=another")).status == 410
    assert "That is done." in (await visitor.get("/portal/callback")).text
    assert not visitor.cookies()


@pytest.mark.parametrize(("code", "stays"), [("spent-soon", False), ("c" * 3000, True)])
async def test_what_a_browser_brings_back_is_in_no_address_unless_it_is_too_long_to_keep(
    house: House, visitor: Visitor, code: str, stays: bool
) -> None:
    await house.publish(AWAY, FlowType.PASSWORD_RESET)
    await visitor.get("/portal/PASSWORD_RECOVERY")
    done = await visitor.get(f"/portal/callback?code={code}&session_state=x%ff")
    assert "That is done." in done.text
    assert ("code" in done.url.query) is stays
    assert done.url.path == f"/portal/{'callback' if stays else 'PASSWORD_RECOVERY'}"
    assert not visitor.cookies()


async def test_who_comes_back_too_late_is_told_and_may_start_again(
    house: House, visitor: Visitor
) -> None:
    await house.publish(AWAY, FlowType.PASSWORD_RESET)
    await visitor.get("/portal/PASSWORD_RECOVERY")
    flow_id = visitor.cookies()["gatehouse.flow.default.password_reset"].value[:36]
    await house.line.execute(b"DEL", f"gh:session:{{default:{flow_id}}}")
    late = await visitor.get("/portal/callback?code=late")
    assert (late.status, late.url.query_string) == (410, "")
    assert 'href="/portal/PASSWORD_RECOVERY"' in late.text
    assert not visitor.cookies()
    assert (await visitor.get("/portal/PASSWORD_RECOVERY")).status == 200


async def in_turn(visitor: Visitor, starts: int) -> list[str]:
    """Begin a flow so many times, and say which version each is of."""
    found = []
    for _ in range(starts):
        seen = await visitor.get("/portal/MFA_SETUP")
        found.append("new" if 'name="new"' in seen.text else "old")
        await visitor.post("/portal/MFA_SETUP", {"_step": seen.step, "_do": "restart"})
    return found


async def test_a_browser_keeps_its_version_while_two_are_shared_out(
    house: House, executor: Executor
) -> None:
    old, new = asking("old"), asking("new")
    await lead(house, await candidate(house, "shared", (old, 1), (new, 1)))
    versions = set[str]()
    for number in range(12):
        async with visiting(executor) as visitor:
            visitor.keep(DEVICE, f"{number:032x}")
            mine = await in_turn(visitor, 3)
            assert len(set(mine)) == 1
            versions.add(mine[0])
    assert versions == {"old", "new"}


async def test_a_browser_gets_a_name_once(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    names = set[str | None]()
    for _ in range(3):
        async with visiting(executor) as visitor:
            await visitor.get("/portal/LOGIN")
            name = visitor.device()
            await visitor.get("/portal/MFA_SETUP")
            assert visitor.device() == name
            names.add(name)
    assert len(names - {None}) == 3


async def test_an_operator_may_have_browsers_without_a_name(house: House) -> None:
    await house.publish(LOGIN)
    async with visiting(await house.executor(portal_device_days=0)) as visitor:
        await visitor.get("/portal/LOGIN")
        assert list(visitor.cookies()) == ["gatehouse.flow.default.login"]
        assert visitor.device() is None
