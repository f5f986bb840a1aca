"""Tokens of other issuers, whose keys come from a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from libs.common.chassis.startup import StartupFailure
from libs.common.errors import Unauthenticated, Unavailable
from libs.common.flow.model import Json
from libs.common.secret import Secret
from services.management.auth import Caller, Callers, Tokens
from services.management.issuers import (
    LEAST_WAIT_SECONDS,
    MOST_BYTES,
    Issuers,
    Lifetimes,
    Web,
    web_session,
)
from services.management.standing import Standings
from tests.integration.management.conftest import FLOW, Start, refused
from tests.integration.management.issuer import AUDIENCE, EC, RSA, StandIn, forged, issuing, jwk

LIFETIMES = Lifetimes(fresh=600, stale=3600)
OURS = Tokens(Secret("k" * 32), issuer="gatehouse", audience=AUDIENCE)
CLAIM = "https://example.com/tenant"


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Verifier:
    """The tokens that are taken, as they are at the time of `clock`."""

    def __init__(self, callers: Callers, clock: Clock) -> None:
        self._callers = callers
        self.clock = clock

    async def verify(self, token: str) -> Caller:
        return await self._callers.identify(f"Bearer {token}")

    async def refuses(self, token: str) -> None:
        with pytest.raises(Unauthenticated, match=r"^the token is not valid, or not any more$"):
            await self.verify(token)


@pytest.fixture
async def issuer() -> AsyncIterator[StandIn]:
    async with issuing() as issuer:
        yield issuer


async def no_client(_id: str) -> None:
    """Nobody here has a token of a client."""


@pytest.fixture
async def verifier(issuer: StandIn) -> AsyncIterator[Verifier]:
    async with web_session() as session:
        clock = Clock()
        site = Web(session, loopback=True)
        issuers = Issuers((issuer.url,), site, LIFETIMES, clock)
        callers = Callers(
            OURS, Standings(no_client, clock), issuers, audience=AUDIENCE, tenant_claim=CLAIM
        )
        yield Verifier(callers, clock)


@pytest.mark.parametrize(
    ("kid", "algorithm"), [("rsa", "RS256"), ("rsa", "PS256"), ("ec", "ES256"), ("ed", "EdDSA")]
)
async def test_a_token_of_a_configured_issuer_tells_who_calls(
    issuer: StandIn, verifier: Verifier, kid: str, algorithm: str
) -> None:
    caller = await verifier.verify(issuer.token(kid, algorithm))
    assert caller == Caller(f"{issuer.url}|auth0|7", frozenset({"read:flows"}), None)


async def test_permissions_count_as_scopes_and_the_claim_that_is_configured_confines(
    issuer: StandIn, verifier: Verifier
) -> None:
    claims: Json = {"scope": "openid", "permissions": ["read:flows"], CLAIM: "acme"}
    caller = await verifier.verify(issuer.token(**claims))
    assert caller.scopes == {"openid", "read:flows"}
    assert caller.tenant == "acme"
    # Of other names it is nobody's business here.
    assert (await verifier.verify(issuer.token(tenant="acme"))).tenant is None


async def test_our_own_tokens_are_taken_beside(verifier: Verifier) -> None:
    token = OURS.mint("ci", ["read:flows"], tenant="acme", lifetime=timedelta(minutes=5))
    assert await verifier.verify(token) == Caller("ci", frozenset({"read:flows"}), "acme")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-api"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": "gatehouse"},
        {"iss": None},
        {"exp": datetime.now(UTC) - timedelta(days=1)},
        {"exp": None},
        {"nbf": datetime.now(UTC) + timedelta(days=1)},
        {"iat": datetime.now(UTC) + timedelta(days=1)},
        {"sub": None},
        {"sub": "a\x00"},
        {"scope": ["read:flows"]},
        {"permissions": "read:flows"},
        {CLAIM: 7},
        {CLAIM: ""},
        {CLAIM: ["acme"]},
    ],
)
async def test_claims_that_are_wrong_are_all_refused_in_the_same_words(
    issuer: StandIn, verifier: Verifier, claims: dict[str, Json]
) -> None:
    await verifier.refuses(issuer.token(**claims))


async def test_no_token_chooses_how_it_is_checked(issuer: StandIn, verifier: Verifier) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("none", "None", "", "HS256", "RS384", "ES256", "EdDSA"):
        await verifier.refuses(forged({"alg": algorithm, "kid": "rsa"}, claims))
    # The public key, which anybody has, as the secret of an HMAC.
    for secret in (pem, der, jwk("rsa", RSA)["n"].encode()):
        header = {"alg": "HS256", "kid": "rsa", "typ": "JWT"}
        signed = forged(header, claims).rpartition(".")[0].encode()
        await verifier.refuses(forged(header, claims, hmac.digest(secret, signed, "sha256")))
    # A key of the token's own, and one that is signed with another key than it names.
    await verifier.refuses(
        jwt.encode(claims, EC, "ES256", {"kid": "mine", "jwk": jwk("mine", EC), "jku": "https://x"})
    )
    await verifier.refuses(issuer.token("rsa", "ES256", key=EC))
    await verifier.refuses(issuer.token("ec", "RS256", key=RSA))
    await verifier.refuses(issuer.token(None))
    await verifier.refuses(forged({"alg": "RS256", "kid": ["rsa"]}, claims))
    await verifier.refuses(forged({"alg": "RS256", "kid": "rsa"}, {**claims, "iss": ["a"]}))
    await verifier.refuses(issuer.token()[:-8] + "AAAAAAAA")


async def test_keys_are_asked_for_once_while_they_are_fresh(
    issuer: StandIn, verifier: Verifier
) -> None:
    for _ in range(3):
        await verifier.verify(issuer.token())
    assert issuer.fetches() == 1
    verifier.clock.now += LIFETIMES.fresh
    await verifier.verify(issuer.token())
    assert issuer.fetches() == 2


async def test_a_new_key_is_taken_at_once_and_one_that_was_withdrawn_is_not(
    issuer: StandIn, verifier: Verifier
) -> None:
    await verifier.verify(issuer.token("rsa"))
    old = issuer.token("rsa")
    issuer.keys = {"new": EC}
    verifier.clock.now += LEAST_WAIT_SECONDS
    await verifier.verify(issuer.token("new", "ES256"))
    await verifier.refuses(old)


async def test_ids_that_are_made_up_do_not_flood_an_issuer(
    issuer: StandIn, verifier: Verifier
) -> None:
    for number in range(20):
        await verifier.refuses(issuer.token(f"made-up-{number}", key=RSA))
    assert issuer.fetches() == 1
    verifier.clock.now += LEAST_WAIT_SECONDS
    for number in range(20):
        await verifier.refuses(issuer.token(f"made-up-{number}", key=RSA))
    assert issuer.fetches() == 2
    await verifier.verify(issuer.token())


async def test_while_an_issuer_is_away_its_keys_count_for_a_while(
    issuer: StandIn, verifier: Verifier
) -> None:
    await verifier.verify(issuer.token())
    issuer.answer = web.Response(status=500)
    verifier.clock.now += LIFETIMES.fresh
    await verifier.verify(issuer.token())
    assert issuer.fetches() == 2
    verifier.clock.now += LIFETIMES.stale
    with pytest.raises(Unavailable, match="issuer cannot be reached"):
        await verifier.verify(issuer.token())
    # It is asked no more often than when it is there.
    with pytest.raises(Unavailable):
        await verifier.verify(issuer.token())
    assert issuer.fetches() == 3
    issuer.answer = None
    verifier.clock.now += LEAST_WAIT_SECONDS
    await verifier.verify(issuer.token())


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=503),
        web.Response(status=404),
        web.Response(status=302, headers={"Location": "/keys"}),
        web.Response(text="<html>"),
        web.Response(text="[" * 100_000),
        web.Response(body=b"\xff"),
        web.Response(body=b" " * MOST_BYTES + b'{"keys":[]}'),
        web.Response(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
async def test_what_is_no_answer_counts_as_an_issuer_that_is_away(
    issuer: StandIn, verifier: Verifier, answer: web.Response
) -> None:
    issuer.answer = answer
    with pytest.raises(Unavailable):
        await verifier.verify(issuer.token())


async def test_an_issuer_may_say_where_its_keys_are(issuer: StandIn, verifier: Verifier) -> None:
    issuer.discovery = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
    await verifier.verify(issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://elsewhere.example"},
        {"jwks_uri": "http://192.0.2.7/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "/keys"},
        {"jwks_uri": 7},
    ],
)
async def test_an_issuer_that_says_what_makes_no_sense_is_not_believed(
    issuer: StandIn, verifier: Verifier, said: dict[str, Json]
) -> None:
    issuer.discovery = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys", **said}
    with pytest.raises(Unavailable):
        await verifier.verify(issuer.token())
    assert issuer.fetches() == 0


async def test_management_takes_tokens_of_the_issuers_that_are_configured(
    issuer: StandIn, start: Start
) -> None:
    api = await start(
        admin_issuers=(issuer.url,), admin_issuers_on_loopback=True, admin_tenant_claim=CLAIM
    )
    scopes = "create:flows read:flows read:audit"
    bearer = issuer.token(scope=scopes, **{CLAIM: "acme"})
    flows = "/t/acme/api/admin/flows"
    assert (await api.call("POST", flows, FLOW, bearer=bearer)).status == 201
    refused(await api.call("GET", "/api/admin/flows", bearer=bearer), 403, "denied")
    refused(await api.call("DELETE", f"{flows}/flow_x", bearer=bearer), 403, "denied")
    [entry] = (await api.call("GET", "/t/acme/api/admin/audit", bearer=bearer)).body["items"]
    assert entry["actor"] == f"{issuer.url}|auth0|7"
    other = issuer.token(aud="another-api")
    refused(await api.call("GET", flows, bearer=other), 401, "unauthenticated")
    assert (await api.call("GET", flows)).status == 200


async def test_while_nothing_is_known_of_an_issuer_its_tokens_are_told_to_come_back(
    issuer: StandIn, start: Start
) -> None:
    issuer.answer = web.Response(status=500)
    api = await start(admin_issuers=(issuer.url,), admin_issuers_on_loopback=True)
    reply = await api.call("GET", "/api/admin/flows", bearer=issuer.token())
    refused(reply, 503, "unavailable")
    assert reply.headers["Retry-After"] == "30"
    assert (await api.call("GET", "/api/admin/flows")).status == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"admin_issuers": ("http://127.0.0.1:1",)},
        {"admin_issuers": ("https://us.example",), "admin_issuer": "https://us.example"},
    ],
)
async def test_an_issuer_that_cannot_be_one_keeps_the_service_from_starting(
    start: Start, settings: dict[str, object]
) -> None:
    with pytest.raises(StartupFailure, match="GATEHOUSE_ADMIN_ISSUERS"):
        await start(**settings)


async def test_an_issuer_whose_certificate_nobody_vouches_for_is_not_believed(
    tmp_path: Path,
) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, EC.public_key(), 1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(EC, hashes.SHA256())
    )
    key = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "pem").write_bytes(certificate.public_bytes(Encoding.PEM) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    issuer = StandIn()
    app = web.Application()
    app.router.add_get("/{path:.*}", issuer.serve)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    async with web_session() as session:
        with pytest.raises(OSError, match="Certificate"):
            await Web(session, loopback=True).get(str(server.make_url("/keys")))
    await server.close()
    assert issuer.asked == []


async def test_plain_http_needs_to_be_allowed_and_then_is_only_on_this_machine(
    issuer: StandIn,
) -> None:
    async with web_session() as session:
        with pytest.raises(ValueError, match="https"):
            await Web(session, loopback=False).get(f"{issuer.url}/keys")
    assert issuer.asked == []


def test_the_hash_of_the_forged_tokens_is_the_one_of_hs256() -> None:
    token = jwt.encode({"a": 1}, "s" * 32, "HS256")
    signed, _, signature = token.rpartition(".")
    right = hmac.new(b"s" * 32, signed.encode(), hashlib.sha256).digest()
    assert jwt.utils.base64url_encode(right).decode() == signature
