"""The limits as callers meet them, over HTTP. No test waits for a refill."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg
import pytest

from libs.common.secret import Secret
from tests.integration.management.conftest import Api, Start, token

V2 = "/api/v2/flows"
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@pytest.fixture
async def limited(start: Start, redis_url: str) -> Api:
    return await start(
        redis_url=Secret(redis_url), v2_per_minute=3, v2_enterprise_per_minute=5, admin_per_minute=9
    )


def told(headers: Mapping[str, str]) -> tuple[int, int]:
    limit, remaining, reset = (int(headers[name]) for name in HEADERS)
    assert reset > 1_700_000_000
    return limit, remaining


async def test_every_answer_tells_the_limit_and_what_is_left(limited: Api) -> None:
    answers = [
        await limited.call("POST", V2, {"name": "a"}),
        await limited.call("GET", f"{V2}/flow_none"),
        await limited.call("GET", f"{V2}?page=x"),
    ]
    assert [answer.status for answer in answers] == [201, 404, 400]
    assert [told(answer.headers) for answer in answers] == [(3, 2), (3, 1), (3, 0)]


async def test_who_asks_too_often_is_told_when_to_come_back(limited: Api) -> None:
    for _ in range(3):
        await limited.call("GET", V2)
    refused = await limited.call("GET", V2)
    assert (refused.status, refused.body["error"]) == (429, "too_many_requests")
    assert refused.body["message"] == "Rate limit exceeded"
    assert told(refused.headers) == (3, 0)
    assert 1 <= int(refused.headers["Retry-After"]) <= 20


async def test_what_was_refused_was_not_done(limited: Api) -> None:
    answers = [await limited.call("POST", V2, {"name": "a"}) for _ in range(4)]
    assert [answer.status for answer in answers] == [201, 201, 201, 429]
    assert (await limited.call("GET", "/api/admin/flows")).body["total"] == 3


async def test_other_faces_have_a_wider_limit_of_their_own(limited: Api) -> None:
    for _ in range(4):
        await limited.call("GET", V2)
    answer = await limited.call("GET", "/api/admin/flows")
    assert (answer.status, told(answer.headers)) == (200, (9, 8))


async def test_a_tenant_s_tier_decides(limited: Api, rows: asyncpg.Connection) -> None:
    await rows.execute("UPDATE tenants SET tier = 'enterprise' WHERE name = 'acme'")
    answer = await limited.call("GET", f"/t/acme{V2}")
    assert told(answer.headers) == (5, 4)
    # A token's own tenant counts, whatever the path names; and it is another's than an operator's.
    other = await limited.call("GET", V2, bearer=token(tenant="acme"))
    assert (other.status, told(other.headers)) == (403, (5, 4))


async def test_who_has_no_token_is_counted_too(limited: Api) -> None:
    answers = [await limited.call("GET", V2, bearer="") for _ in range(4)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert [told(answer.headers)[1] for answer in answers] == [2, 1, 0, 0]
    assert (await limited.call("GET", V2)).status == 200


async def test_a_conflict_does_not_make_clients_sleep_until_the_reset(limited: Api) -> None:
    flow = {"name": "a", "display_name": "a", "type": "login", "graph": {}}
    await limited.call("POST", "/api/admin/flows", flow)
    conflict = await limited.call("POST", "/api/admin/flows", flow)
    later = await limited.call("GET", "/api/admin/flows")
    assert conflict.status == 409
    assert int(conflict.headers["X-RateLimit-Reset"]) < int(later.headers["X-RateLimit-Reset"])


async def test_without_redis_nobody_is_counted_and_nothing_told(start: Start) -> None:
    api = await start(v2_per_minute=1)
    answers = [await api.call("GET", V2) for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    assert not any(name in answers[-1].headers for name in HEADERS)


async def test_while_redis_is_away_management_works_and_counts_that(start: Start) -> None:
    api = await start(redis_url=Secret("redis://127.0.0.1:1/0"), v2_per_minute=1)
    answers = [await api.call("GET", V2) for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    exposed = (await api.call("GET", "/metrics")).text
    assert "gatehouse_limits_uncounted_total 3.0" in exposed
