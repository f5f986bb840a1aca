"""What the compiler can be told, as `GATEHOUSE_*` variables."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from libs.common.chassis.config import NatsUrl, Port, PostgresSeconds, ServiceSettings
from libs.common.secret import Secret


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """Read once, at start."""

    port: Port = 8070

    postgres_dsn: Annotated[
        Secret,
        Meta(
            description="PostgreSQL that holds flows; it is only read",
            examples=["postgresql://gatehouse@localhost:5432/gatehouse"],
        ),
    ]
    redis_url: Annotated[
        Secret,
        Meta(
            description="Redis that executors read plans from; redis+cluster:// and "
            "redis+sentinel:// also work",
            examples=["redis://localhost:6379"],
        ),
    ]
    nats_url: NatsUrl

    postgres_connections: Annotated[
        int, Meta(ge=1, le=200, description="most connections to PostgreSQL")
    ] = 4
    postgres_seconds: PostgresSeconds = 10.0
    plan_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=720,
            description="time that a plan is kept once no pointer leads to it; longer than any "
            "session lasts",
        ),
    ] = 48
    reconcile_seconds: Annotated[
        float,
        Meta(gt=0, le=3600, description="time between looks at what Redis lacks"),
    ] = 30.0
