"""How often somebody may call: a bucket for each caller of each tenant, counted by all replicas.

Seed 000's face has the limit of its page, by what the tenant pays for; to ask for tokens has one of
its own; all else shares a wider one. Who has no token that is right is counted by address.
Management does not stand or fall with Redis: while that is away nobody is counted, and nobody is
told a limit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from redis.exceptions import ResponseError

from libs.common.chassis.bucket import Allowance, Bucket, headers, take, tokens
from libs.common.chassis.metrics import PREFIX
from libs.common.chassis.redis_line.port import RedisLine
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from services.management.routes.faces import Face
from services.management.tiers import Tier

RESET: Final = "X-RateLimit-Reset"

_NOBODY: Final = "*"
"""In place of a tenant; none can be called so."""
_MINUTE: Final = 60.0
_RETRIED: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
"""Besides server errors: the statuses on which Auth0's SDKs try again by themselves."""


class LimitMetrics:
    """What the limits did."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rejected = Counter(
            f"{PREFIX}limits_rejected",
            "Requests that were refused because a bucket was empty, by bucket.",
            ("bucket",),
            registry=registry,
        )
        self.uncounted = Counter(
            f"{PREFIX}limits_uncounted",
            "Requests that were let through uncounted, as Redis was away or refused.",
            registry=registry,
        )


class Limits:
    """The buckets of all callers."""

    def __init__(
        self,
        line: RedisLine,
        key: Secret,
        tier_of: Callable[[str], Awaitable[Tier]],
        metrics: LimitMetrics,
        *,
        per_minute: int,
        v2_per_minute: Mapping[Tier, int],
        tokens_per_minute: int,
    ) -> None:
        """`key` is of this deployment, and keeps callers out of Redis.

        `tier_of` is asked on each call of `/api/v2`, and has to know the answer by heart.
        """
        self._line = line
        self._secret = hashlib.blake2b(key.reveal().encode(), person=b"buckets").digest()
        self._tier_of = tier_of
        self._metrics = metrics
        self._admin = _bucket("admin", per_minute)
        self._oauth = _bucket("oauth", tokens_per_minute)
        self._v2 = {tier: _bucket("v2", limit) for tier, limit in v2_per_minute.items()}

    async def take(self, face: Face, tenant: str | None, caller: str) -> Allowance | None:
        """Take a token for a call; None where nobody counts.

        `tenant` is the caller's own where their token names one, and None for who has no token;
        `caller` is then their address.
        """
        bucket = await self._bucket(face, tenant)
        subject = f"address:{caller}" if tenant is None else f"caller:{caller}"
        wanted = tokens(self._secret, _NOBODY if tenant is None else tenant, ((bucket, subject),))
        try:
            given = await take(self._line, wanted)
        except (Unavailable, ResponseError):
            self._metrics.uncounted.inc()
            return None
        if not given.taken:
            self._metrics.rejected.labels(bucket.name).inc()
        return given

    async def _bucket(self, face: Face, tenant: str | None) -> Bucket:
        if face is Face.OAUTH:
            return self._oauth
        if face is Face.V2:
            return self._v2["default" if tenant is None else await self._tier_of(tenant)]
        return self._admin


def limit_headers(given: Allowance, status: int, now: float) -> Mapping[str, str]:
    """Return the headers of an answer that tell of the limit; `now` is in Unix seconds."""
    said = headers(given)
    if status in _RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # The SDKs sleep until the reset before they try again, for up to a minute. Nothing that
        # these statuses tell of has to do with the limit, so there is nothing to wait for.
        said[RESET] = str(min(given.reset_at, int(now)))
    return said


def _bucket(name: str, per_minute: int) -> Bucket:
    return Bucket(name, per_minute, per_minute / _MINUTE)
