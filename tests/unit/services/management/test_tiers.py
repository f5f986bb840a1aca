"""What each tenant pays for is asked for once in a while."""

from __future__ import annotations

from libs.common.errors import Unavailable
from services.management.tiers import KEPT_SECONDS, Tier, Tiers


class Tenants:
    """Has tiers, and a clock."""

    def __init__(self, **tiers: Tier) -> None:
        self.tiers = tiers
        self.asked: list[str] = []
        self.now = 0.0
        self.away = False

    async def find(self, tenant: str) -> Tier | None:
        self.asked.append(tenant)
        if self.away:
            raise Unavailable("postgres")
        return self.tiers.get(tenant)

    def known(self) -> Tiers:
        return Tiers(self.find, lambda: self.now)


async def test_a_tier_is_asked_for_once_and_then_known_for_a_while() -> None:
    tenants = Tenants(acme="enterprise")
    known = tenants.known()
    assert [await known.of("acme"), await known.of("acme")] == ["enterprise"] * 2
    assert tenants.asked == ["acme"]
    tenants.tiers["acme"] = "default"
    tenants.now = KEPT_SECONDS
    assert await known.of("acme") == "default"


async def test_a_tenant_that_is_none_is_as_most_are_and_takes_no_room() -> None:
    tenants = Tenants()
    known = tenants.known()
    assert await known.of("nobody") == "default"
    assert known._known == {}


async def test_while_nobody_can_be_asked_what_was_known_holds() -> None:
    tenants = Tenants(acme="enterprise")
    known = tenants.known()
    await known.of("acme")
    tenants.away, tenants.now = True, KEPT_SECONDS
    assert await known.of("acme") == "enterprise"
    assert await known.of("other") == "default"
    # And it is not asked for again with each request.
    assert await known.of("acme") == "enterprise"
    assert tenants.asked == ["acme", "acme", "other"]
