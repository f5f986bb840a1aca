"""Buckets in a real Valkey. No test waits for a refill."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from libs.common.chassis.bucket import Allowance
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.redis_line.port import Limits as Patience
from libs.common.chassis.redis_line.port import RedisLine
from libs.common.secret import Secret
from services.management.limits import LimitMetrics, Limits
from services.management.routes.faces import Face
from services.management.tiers import Tier
from tests.patience import PATIENCE_SECONDS

KEY = Secret("a signing key of this test, long enough")


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[RedisLine]:
    line = open_line(redis_url, Patience(deadline=PATIENCE_SECONDS))
    yield line
    await line.aclose()


def limits(line: RedisLine, registry: CollectorRegistry | None = None, key: Secret = KEY) -> Limits:
    async def tier_of(tenant: str) -> Tier:
        return "enterprise" if tenant == "acme" else "default"

    return Limits(
        line,
        key,
        tier_of,
        LimitMetrics(registry or CollectorRegistry()),
        per_minute=5,
        v2_per_minute={"default": 2, "enterprise": 3},
        tokens_per_minute=4,
    )


async def call(
    limits: Limits, face: Face = Face.V2, tenant: str | None = "default", who: str = "ci"
) -> Allowance:
    given = await limits.take(face, tenant, who)
    assert given is not None
    return given


async def test_a_tenant_has_the_limit_of_its_tier(line: RedisLine) -> None:
    buckets = limits(line)
    assert (await call(buckets)).limit == 2
    assert (await call(buckets, tenant="acme")).limit == 3
    assert [(await call(buckets)).taken for _ in range(2)] == [True, False]
    assert [(await call(buckets, tenant="acme")).taken for _ in range(3)] == [True, True, False]


async def test_other_faces_have_a_bucket_of_their_own(line: RedisLine) -> None:
    buckets = limits(line)
    assert [(await call(buckets)).taken for _ in range(3)] == [True, True, False]
    admin = await call(buckets, Face.ADMIN)
    assert (admin.limit, admin.remaining) == (5, 4)
    assert (await call(buckets, Face.V3)).remaining == 3
    oauth = await call(buckets, Face.OAUTH)
    assert (oauth.limit, oauth.remaining) == (4, 3)


async def test_no_caller_uses_up_what_another_has(line: RedisLine) -> None:
    buckets = limits(line)
    await call(buckets)
    await call(buckets)
    assert not (await call(buckets)).taken
    assert (await call(buckets, who="deploy")).taken
    assert (await call(buckets, tenant="other")).taken
    assert (await call(buckets, tenant=None)).taken


async def test_replicas_count_together(line: RedisLine) -> None:
    await call(limits(line))
    await call(limits(line))
    assert not (await call(limits(line))).taken


async def test_neither_callers_nor_addresses_stand_in_redis(line: RedisLine) -> None:
    await call(limits(line), who="mary@example.com")
    await call(limits(line), tenant=None, who="192.0.2.7")
    keys = await line.client.keys("*")
    assert len(keys) == 2
    assert not any(b"mary" in key or b"192" in key for key in keys)
    # Who has no key of this deployment cannot try out which caller a bucket is of.
    await call(limits(line, key=Secret("another key")), who="mary@example.com")
    assert len(await line.client.keys("*")) == 3


async def test_refusals_are_counted_by_bucket(line: RedisLine) -> None:
    registry = CollectorRegistry()
    buckets = limits(line, registry)
    for _ in range(4):
        await call(buckets)
    assert registry.get_sample_value("gatehouse_limits_rejected_total", {"bucket": "v2"}) == 2


async def test_without_redis_all_are_let_through_and_that_is_counted(redis_url: str) -> None:
    away = open_line(redis_url.replace(redis_url.rpartition(":")[2], "1/0"))
    registry = CollectorRegistry()
    buckets = limits(away, registry)
    assert [await buckets.take(Face.V2, "default", "ci") for _ in range(4)] == [None] * 4
    await away.aclose()
    assert registry.get_sample_value("gatehouse_limits_uncounted_total") == 4


async def test_a_redis_that_refuses_is_as_one_that_is_away(line: RedisLine) -> None:
    registry = CollectorRegistry()
    buckets = limits(line, registry)
    await call(buckets)
    (key,) = await line.client.keys("*")
    await line.execute(b"DEL", key)
    # What no bucket is: the script cannot read it.
    await line.execute(b"LPUSH", key, "x")
    assert await buckets.take(Face.V2, "default", "ci") is None
    assert registry.get_sample_value("gatehouse_limits_uncounted_total") == 1
