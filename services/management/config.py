"""What management can be told, as `GATEHOUSE_*` variables."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from libs.common.chassis.config import (
    NatsUrl,
    Port,
    PostgresSeconds,
    ServiceSettings,
    TrustedProxies,
)
from libs.common.chassis.hasher import (
    MEMORY_KIB,
    PASSES,
    QUEUE,
    THREADS,
    MemoryKib,
    Passes,
    Queue,
    Threads,
)
from libs.common.secret import Secret
from services.management.tenants import TenantName

SigningKey = Annotated[
    Secret, Meta(description="key that signs and verifies admin tokens, 32 random bytes or more")
]
Issuer = Annotated[str, Meta(min_length=1, description="`iss` of admin tokens")]
Audience = Annotated[str, Meta(min_length=1, description="`aud` of admin tokens")]
PerMinute = Annotated[int, Meta(ge=1, le=1_000_000)]


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What minting a token needs; the service has the same settings, and more."""

    admin_signing_key: SigningKey
    admin_issuer: Issuer = "gatehouse"
    admin_audience: Audience = "gatehouse-management"


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """Read once, at start."""

    port: Port = 8080

    postgres_dsn: Annotated[
        Secret,
        Meta(
            description="PostgreSQL that holds flows",
            examples=["postgresql://gatehouse@localhost:5432/gatehouse"],
        ),
    ]
    nats_url: NatsUrl

    redis_url: Annotated[
        Secret | None,
        Meta(
            description="Redis that counts requests; without it there are no limits",
            examples=["redis://localhost:6379/0", "redis+cluster://r1:6379,r2:6379"],
        ),
    ] = None

    admin_signing_key: SigningKey
    admin_issuer: Issuer = "gatehouse"
    admin_audience: Audience = "gatehouse-management"

    admin_issuers: Annotated[
        tuple[str, ...],
        Meta(
            description="other issuers whose admin tokens are taken, by the URL in their `iss`",
            examples=["https://example.eu.auth0.com/"],
        ),
    ] = ()
    admin_tenant_claim: Annotated[
        str,
        Meta(
            min_length=1,
            description="claim of their tokens that names the only tenant these are good for; "
            "without it they are good for all",
        ),
    ] = "tenant"
    admin_issuers_on_loopback: Annotated[
        bool, Meta(description="whether an issuer on this machine may be asked by plain HTTP")
    ] = False
    admin_keys_seconds: Annotated[
        float,
        Meta(ge=1, le=86_400, description="time after which an issuer is asked for its keys again"),
    ] = 600.0
    admin_keys_stale_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=7 * 86_400,
            description="time that an issuer's keys are good for while it does not answer",
        ),
    ] = 86_400.0
    trusted_proxies: TrustedProxies = ()

    credential_keys: Annotated[
        Secret | None,
        Meta(
            description="keys that seal secrets of providers and actions: those of executors, "
            "which open them. Without them none can be stored"
        ),
    ] = None
    argon2_memory_kib: MemoryKib = MEMORY_KIB
    argon2_passes: Passes = PASSES
    hash_threads: Threads = THREADS
    hash_queue: Queue = QUEUE
    bootstrap_token: Annotated[
        Secret | None,
        Meta(
            description="token that makes the first client, once; 32 random bytes or more. "
            "Without it nobody can",
        ),
    ] = None
    invitation_url: Annotated[
        str | None,
        Meta(
            description="where people go who are invited, with `{token}` in it and maybe "
            "`{flow}`; without it only tokens are given",
            examples=["https://app.example.com/join?invitation={token}"],
        ),
    ] = None
    client_token_seconds: Annotated[
        int, Meta(ge=60, le=86_400, description="time that a token of /oauth/token is good for")
    ] = 3600

    admin_per_minute: Annotated[
        PerMinute,
        Meta(description="requests a minute of one caller, to all but /api/v2 and /oauth"),
    ] = 600
    tokens_per_minute: Annotated[
        PerMinute, Meta(description="tokens a minute that one client, or one address, may ask for")
    ] = 60
    v2_per_minute: Annotated[
        PerMinute, Meta(description="requests a minute of one caller to /api/v2")
    ] = 50
    v2_enterprise_per_minute: Annotated[
        PerMinute,
        Meta(description="the same, of a tenant whose tier is `enterprise`"),
    ] = 100

    tenants: Annotated[
        tuple[TenantName, ...],
        Meta(description="tenants that are made at start where they are not there yet"),
    ] = ("default",)

    tenant_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="hosts that mean a tenant, where a path names none",
            examples=["manage.acme.example=acme"],
        ),
    ] = ()

    blueprint_env: Annotated[
        tuple[str, ...],
        Meta(
            description="variables that `!Env` of a blueprint may read; they become part of flows "
            "that many may see"
        ),
    ] = ()
    blueprint_files: Annotated[
        tuple[str, ...], Meta(description="paths that `!File` of a blueprint may read; likewise")
    ] = ()

    postgres_connections: Annotated[
        int, Meta(ge=1, le=200, description="most connections to PostgreSQL, one more to relay")
    ] = 10
    postgres_seconds: PostgresSeconds = 5.0
    compile_seconds: Annotated[
        float, Meta(gt=0, le=60, description="time that /compile waits for the compiler")
    ] = 10.0
    publish_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=60,
            description="time that a change of what is active waits until it runs; it will anyway",
        ),
    ] = 2.0
