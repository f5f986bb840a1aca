"""What the executor can be told, as `GATEHOUSE_*` variables."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from libs.common.chassis.config import (
    BodyLimit,
    NatsUrl,
    OutgoingAllowed,
    Port,
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
from libs.common.flow.model import FlowType
from libs.common.nodes.ends import Redirect
from libs.common.secret import Secret

Minutes = Annotated[int, Meta(ge=1, le=1440)]
Bucket = Annotated[int, Meta(ge=1, le=1_000_000)]
Rate = Annotated[float, Meta(gt=0, le=1_000_000)]


class CredentialSettings(ServiceSettings, frozen=True, kw_only=True):
    """What it takes to make an account: of the executor's settings, those that `users` reads."""

    port: Port = 8090

    postgres_dsn: Annotated[
        Secret,
        Meta(
            description="PostgreSQL that holds the identities",
            examples=["postgresql://gatehouse@localhost:5432/gatehouse"],
        ),
    ]
    credential_keys: Annotated[
        Secret,
        Meta(description="keys that seal what authenticators share, written as session_keys"),
    ]
    argon2_memory_kib: MemoryKib = MEMORY_KIB
    argon2_passes: Passes = PASSES
    hash_threads: Threads = THREADS
    hash_queue: Queue = QUEUE


class Settings(CredentialSettings, frozen=True, kw_only=True):
    """Read once, at start."""

    body_limit: BodyLimit = 64 * 1024
    """Anybody may call, and a step's inputs are small."""

    redis_url: Annotated[
        Secret,
        Meta(
            description="Redis that holds sessions and plans; redis+cluster:// and "
            "redis+sentinel:// also work",
            examples=["redis://localhost:6379"],
        ),
    ]
    redis_seconds: Annotated[
        float,
        Meta(gt=0, le=30, description="how long Redis may take, before a step answers 503"),
    ] = 1.0
    nats_url: NatsUrl

    breached_url: Annotated[
        str | None,
        Meta(
            description="list of breached passwords that `password_setup` refuses, asked by the "
            "first five digits of a SHA-1; it may be at `outgoing_allowed`. Without it none is",
            examples=["https://api.pwnedpasswords.com/range/"],
        ),
    ] = None

    session_keys: Annotated[
        Secret,
        Meta(
            description="keys that seal sessions, `id:base64` of 32 bytes with commas between; "
            "the first seals, all open",
        ),
    ]
    assertion_keys: Annotated[
        Secret,
        Meta(
            description="P-256 keys of assertions, as PEM blocks or a JWKS; the first private "
            "one signs, all are published",
        ),
    ]
    issuer: Annotated[
        str,
        Meta(
            min_length=1,
            description="`iss` of assertions; other tenants than default add /t/{tenant}",
            examples=["https://id.example.com"],
        ),
    ] = "http://localhost:8090"
    audience: Annotated[str, Meta(min_length=1, description="`aud` of assertions")] = "gatehouse"
    assertion_seconds: Annotated[
        int, Meta(ge=5, le=3600, description="lifetime of an assertion")
    ] = 60

    sign_in_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=8760,
            description="time for which a sign-in stands, unless it is ended: what `/introspect` "
            "tells, and what a late assertion can still end",
        ),
    ] = 12
    sign_in_idle_minutes: Annotated[
        int,
        Meta(
            ge=0,
            le=525_600,
            description="time after which a sign-in ends that `/introspect` was not asked about; "
            "0 lets it stand for all of its hours",
        ),
    ] = 0

    login_minutes: Annotated[
        Minutes, Meta(description="lifetime of a session of a login or authorization flow")
    ] = 15
    session_minutes: Annotated[
        Minutes, Meta(description="lifetime of a session of any other flow")
    ] = 60
    idle_minutes: Annotated[
        Minutes, Meta(description="time without a submit after which a session expires")
    ] = 15
    forget_minutes: Annotated[
        Minutes, Meta(description="time for which an expired session is still known as expired")
    ] = 60
    replay_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=300,
            description="time in which an equal submit is taken for a repeat, where the view "
            "would take it again",
        ),
    ] = 10
    claim_seconds: Annotated[
        float,
        Meta(ge=0.1, le=60, description="time after which a dead executor's turn may be run again"),
    ] = 3.0

    tenant_burst: Annotated[Bucket, Meta(description="requests at once, per tenant")] = 10_000
    tenant_rate: Annotated[Rate, Meta(description="requests a second, per tenant")] = 2_000.0
    address_burst: Annotated[Bucket, Meta(description="requests at once, per address")] = 300
    address_rate: Annotated[Rate, Meta(description="requests a second, per address")] = 20.0
    search_burst: Annotated[
        Bucket, Meta(description="starts that find nothing active at once, per address")
    ] = 30
    search_rate: Annotated[
        Rate, Meta(description="starts that find nothing active a second, per address")
    ] = 0.5
    introspect_burst: Annotated[
        Bucket, Meta(description="introspections at once, per address of a server that asks")
    ] = 1_000
    introspect_rate: Annotated[
        Rate, Meta(description="introspections a second, per address of a server that asks")
    ] = 200.0
    secret_burst: Annotated[
        Bucket, Meta(description="wrong passwords in a row, per identifier, before it is blocked")
    ] = 20
    secret_rate: Annotated[
        Rate, Meta(description="wrong passwords a second that an identifier wins back")
    ] = 1 / 60
    code_burst: Annotated[
        Bucket, Meta(description="wrong codes in a row, per identifier, before it is blocked")
    ] = 10
    code_rate: Annotated[
        Rate, Meta(description="wrong codes a second that an identifier wins back")
    ] = 1 / 900
    message_burst: Annotated[
        Bucket,
        Meta(
            description="messages with neither code nor link at once, per recipient; more are "
            "dropped, and counted"
        ),
    ] = 10
    message_rate: Annotated[
        Rate, Meta(description="such messages a second that a recipient wins back")
    ] = 1 / 120
    code_message_burst: Annotated[
        Bucket,
        Meta(
            description="messages with a one-time code or link at once, per recipient; more are "
            "dropped, and counted"
        ),
    ] = 10
    code_message_rate: Annotated[
        Rate, Meta(description="such messages a second that a recipient wins back")
    ] = 1 / 120
    trusted_proxies: TrustedProxies = ()
    outgoing_allowed: OutgoingAllowed = ()
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="origins whose pages may call for every tenant, besides those that a "
            "tenant names itself; `*` for all there are",
            examples=["https://app.example.com"],
        ),
    ] = ()
    tenant_settings_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="time after which a tenant's origins and branding are read again",
        ),
    ] = 30.0
    redirect_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="origins that `next` and `redirect` nodes may lead to, besides paths of "
            "the same site and origins that a tenant names itself",
            examples=["https://app.example.com"],
        ),
    ] = ()
    passkey_sites: Annotated[
        tuple[str, ...],
        Meta(
            description="domain that passkeys are made for, and good at with all below it, as "
            "`example.com` or `tenant=example.com`; unless given, the host of the issuer",
            examples=["acme=acme.example"],
        ),
    ] = ()
    passkey_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="origins whose pages passkeys may be used on, as `https://app.example.com` "
            "or `tenant=https://app.example.com`; unless given, that of the site",
            examples=["acme=https://login.acme.example"],
        ),
    ] = ()
    portal: Annotated[
        Literal["on", "off"],
        Meta(description="whether pages at /portal show flows to who has no client of their own"),
    ] = "on"
    portal_device_days: Annotated[
        int,
        Meta(
            ge=0,
            le=400,
            description="days for which the portal knows a browser again, so that it keeps its "
            "version of a flow; 0 for no such cookie",
        ),
    ] = 180
    texts_folder: Annotated[
        str | None,
        Meta(
            description="folder of more languages, and of other words for those there are: "
            "`de-AT.json` holds texts by key",
            examples=["/etc/gatehouse/texts"],
        ),
    ] = None
    default_redirect: Annotated[
        Redirect,
        Meta(description="page that a denied start leads on to where it names no `next`"),
    ] = "/"
    outpost_tokens: Annotated[
        Secret | None,
        Meta(
            description="bearers of services that may start flows which `require_outpost`, of 32 "
            "characters or more, with commas between",
        ),
    ] = None
    tenant_hosts: Annotated[
        tuple[str, ...],
        Meta(description="hosts that mean a tenant", examples=["login.acme.example=acme"]),
    ] = ()

    directory_url: Annotated[
        str | None,
        Meta(
            description="directory of your own that has the users of all tenants, asked by HTTP; "
            "without one they are in PostgreSQL",
            examples=["https://users.example.com/gatehouse"],
        ),
    ] = None
    directory_secrets: Annotated[
        Secret | None,
        Meta(
            description="secrets that what it is asked is signed with, each, of 32 characters or "
            "more, with commas between",
        ),
    ] = None
    directory_seconds: Annotated[
        float, Meta(gt=0, le=30, description="time that it has to answer")
    ] = 2.0

    smtp_url: Annotated[
        Secret | None,
        Meta(
            description="mail server: smtp:// with STARTTLS, smtps://, or smtp+plain:// without "
            "TLS; without one, mail is set aside as dead",
            examples=["smtp://gatehouse:password@mail.example.com:587"],
        ),
    ] = None
    smtp_seconds: Annotated[
        float, Meta(gt=0, le=300, description="time that the mail server has for each answer")
    ] = 15.0
    mail_from: Annotated[
        str,
        Meta(description="who mail is from", examples=["Example <no-reply@example.com>"]),
    ] = "Gatehouse <no-reply@localhost>"
    messengers: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            description="messages that are handed over at a time; 0 leaves them to other executors",
        ),
    ] = 2
    sms_url: Annotated[
        str | None,
        Meta(
            description="gateway that SMS are posted to; without one, they are set aside as dead",
            examples=["https://sms.example.com/send"],
        ),
    ] = None
    sms_form: Annotated[Literal["json", "twilio"], Meta(description="what the gateway is sent")] = (
        "json"
    )
    sms_user: Annotated[
        str | None,
        Meta(description="user of the gateway; without one, sms_secret is a bearer token"),
    ] = None
    sms_secret: Annotated[Secret | None, Meta(description="secret of the gateway")] = None
    sms_from: Annotated[str, Meta(min_length=1, description="number or name that SMS are from")] = (
        "Gatehouse"
    )
    sms_seconds: Annotated[
        float, Meta(gt=0, le=60, description="time that the gateway has to answer")
    ] = 10.0

    step_log: Annotated[
        Literal["on", "off"],
        Meta(description="whether sessions are logged step by step, redacted, to be explained"),
    ] = "on"
    step_log_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=30 * 86_400,
            description="time for which a step log is kept after the session's lifetime",
        ),
    ] = 86_400

    plans_kept: Annotated[
        int, Meta(ge=1, le=100_000, description="compiled plans kept in the process")
    ] = 512

    def lifetime(self, kind: FlowType) -> int:
        """Say how long a session of a flow of this type lasts, in seconds."""
        short = kind in {FlowType.LOGIN, FlowType.AUTHORIZATION, FlowType.LOGOUT}
        return 60 * (self.login_minutes if short else self.session_minutes)

    @property
    def idle(self) -> int:
        """How long a session lasts without a submit, in seconds."""
        return 60 * self.idle_minutes
