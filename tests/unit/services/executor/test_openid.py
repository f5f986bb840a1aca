"""What a provider says, and what of it is believed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from libs.common.chassis.networks import Networks
from libs.common.chassis.outgoing import Answer, Lack, NoAnswer, Outgoing
from libs.common.secret import Secret
from libs.common.wire.providers import Oidc
from services.executor.openid import Client, OpenId, Person, Unbelievable

ISSUER = "https://accounts.example.com"
NOW = 1_790_000_000
CONFIG = Oidc(ISSUER, "us", ("openid", "email"))
CLIENT = Client(CONFIG, Secret("a+b c"))
KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}
ACCESS = "the-access-token"


def jwk(key: ec.EllipticCurvePrivateKey, id: str, **more: str) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": id, **more}


def claims(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    said = {"iss": ISSUER, "aud": "us", "sub": "s1", "nonce": "n", "iat": NOW, "exp": NOW + 300}
    both = {**said, **changed}
    return {name: value for name, value in both.items() if value is not None}


def id_token(
    said: Mapping[str, Any],
    key: Any = KEY,  # noqa: ANN401 - as PyJWT has it
    algorithm: str = "ES256",
    id: str | None = "k1",
) -> str:
    return jwt.encode(
        dict(said), key, algorithm=algorithm, headers={} if id is None else {"kid": id}
    )


class Provider(Outgoing):
    """Answers from a table of what is at which address, and notes what it was asked."""

    def __init__(self, **at: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(Networks(()))
        self.at: dict[str, Any] = {
            f"{ISSUER}/.well-known/openid-configuration": METADATA,
            f"{ISSUER}/keys": {"keys": [{"kty": "odd"}, jwk(KEY, "k1")]},
            **{f"{ISSUER}/{name}": value for name, value in at.items()},
        }
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []

    async def call(  # type: ignore[override]  # the very parameters, in short
        self,
        _method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        **_limits: Any,  # noqa: ANN401 - not looked at
    ) -> Answer:
        self.asked.append((url, headers, body))
        if url not in self.at:
            raise NoAnswer(Lack.AWAY)
        said = self.at[url]
        if isinstance(said, int):
            return Answer(said, {}, b"{}")
        return Answer(200, {}, said if isinstance(said, bytes) else msgspec.json.encode(said))


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have PyJWT take the moment of the tests for now."""

    class Clock(jwt.api_jwt.datetime):  # type: ignore[name-defined, misc]  # what it imported
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ANN401 - as the class has it
            return cls.fromtimestamp(NOW, tz)

    monkeypatch.setattr(jwt.api_jwt, "datetime", Clock)


def answers(token: str) -> dict[str, str]:
    return {"id_token": token, "access_token": ACCESS, "token_type": "Bearer"}


async def finish(
    provider: Provider, client: Client = CLIENT, issuer: str | None = None, nonce: str = "n"
) -> Person:
    async with provider:
        openid = OpenId(provider, lambda: NOW, "https://id.example.com/portal/callback")
        return await openid.finish(
            client, None, Secret("c"), issuer, nonce=nonce, verifier=Secret("v")
        )


async def test_what_is_signed_for_this_sign_in_is_believed() -> None:
    provider = Provider(token=answers(id_token(claims(name="Sasha"))))
    person = await finish(provider)
    assert (person.subject, person.claims["name"]) == ("s1", "Sasha")
    _, headers, body = next(each for each in provider.asked if each[0].endswith("/token"))
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "us:a%2Bb+c"
    assert parse_qs(body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["c"],
        "redirect_uri": ["https://id.example.com/portal/callback"],
        "code_verifier": ["v"],
    }


@pytest.mark.parametrize(("secret", "sent"), [(Secret("x"), {"us", "x"}), (None, {"us"})])
async def test_a_provider_is_told_who_asks_in_the_way_that_it_takes(
    secret: Secret | None, sent: set[str]
) -> None:
    metadata = {**METADATA, "token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider = Provider(
        token=answers(id_token(claims())), **{".well-known/openid-configuration": metadata}
    )
    await finish(provider, Client(CONFIG, secret))
    _, headers, body = next(each for each in provider.asked if each[0].endswith("/token"))
    assert "Authorization" not in headers
    form = parse_qs(body.decode())
    assert {form[name][0] for name in ("client_id", "client_secret") if name in form} == sent


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "them"}, {"aud": None},
        {"aud": ["us", "them"]}, {"azp": "them"}, {"aud": ["us", "them"], "azp": "them"},
        {"exp": NOW - 61}, {"exp": None}, {"iat": NOW - 601}, {"iat": NOW + 61}, {"iat": None},
        {"iat": "now"}, {"nonce": "another"}, {"nonce": None}, {"nonce": 7}, {"sub": None},
        {"sub": ""}, {"sub": "x" * 256}, {"sub": "é"}, {"at_hash": "AAAA"}, {"nbf": NOW + 61},
    ],
)  # fmt: skip
async def test_what_is_for_somebody_else_or_another_sign_in_is_not(changed: dict[str, Any]) -> None:
    with pytest.raises(Unbelievable):
        await finish(Provider(token=answers(id_token(claims(**changed)))))


async def test_a_token_for_several_that_says_it_is_ours_is_believed() -> None:
    digest = hashlib.sha256(ACCESS.encode()).digest()[:16]
    at_hash = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    said = claims(aud=["us", "them"], azp="us", at_hash=at_hash)
    assert (await finish(Provider(token=answers(id_token(said))))).subject == "s1"


@pytest.mark.parametrize(
    "token",
    [
        id_token(claims(), OTHER_KEY),
        id_token(claims(), OTHER_KEY, id="k2"),
        id_token(claims(), "a shared key of more than thirty-two bytes", "HS256"),
        id_token(claims(), None, "none"),
        id_token(claims(), RSA_KEY, "RS256"),
        "a.b.c",
        "",
    ],
)
async def test_what_is_signed_by_no_key_of_the_provider_is_not_believed(token: str) -> None:
    with pytest.raises(Unbelievable):
        await finish(Provider(token=answers(token)))


async def test_a_token_that_names_no_key_is_of_the_only_one() -> None:
    token = answers(id_token(claims(), id=None))
    assert (await finish(Provider(token=token))).subject == "s1"
    two = {"keys": [jwk(OTHER_KEY, "k0"), jwk(KEY, "k1")]}
    with pytest.raises(Unbelievable):
        await finish(Provider(token=token, keys=two))


async def test_a_key_is_good_for_what_it_says_alone() -> None:
    published = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
    for key, algorithm, believed in (
        ({**published, "kid": "r"}, "RS256", True),
        ({**published, "kid": "r", "alg": "PS256"}, "PS256", True),
        ({**published, "kid": "r", "alg": "PS256"}, "RS256", False),
        ({**published, "kid": "r", "use": "enc"}, "RS256", False),
        ({**published, "kid": "r", "alg": "RSA-OAEP"}, "RS256", False),
    ):
        token = answers(id_token(claims(), RSA_KEY, algorithm, "r"))
        provider = Provider(token=token, keys={"keys": [key]})
        if believed:
            assert (await finish(provider)).subject == "s1"
        else:
            with pytest.raises(Unbelievable):
                await finish(provider)


async def test_what_else_is_said_of_somebody_is_of_that_very_one_and_yields_to_what_is_signed() -> (
    None
):
    metadata = {**METADATA, "userinfo_endpoint": f"{ISSUER}/me"}
    told = {".well-known/openid-configuration": metadata}
    token = answers(id_token(claims(email="signed@example.com")))
    me = {"sub": "s1", "email": "said@example.com", "name": "Sasha"}
    provider = Provider(token=token, me=me, **told)
    person = await finish(provider)
    assert (person.claims["email"], person.claims["name"]) == ("signed@example.com", "Sasha")
    assert provider.asked[-1][1]["Authorization"] == f"Bearer {ACCESS}"
    with pytest.raises(Unbelievable):
        await finish(Provider(token=token, me={**me, "sub": "s2"}, **told))


async def test_whoever_sends_them_back_has_to_be_who_was_asked() -> None:
    token = answers(id_token(claims()))
    assert (await finish(Provider(token=token), issuer=ISSUER)).subject == "s1"
    with pytest.raises(Unbelievable):
        await finish(Provider(token=token), issuer="https://evil.example")
    metadata = {**METADATA, "authorization_response_iss_parameter_supported": True}
    with pytest.raises(Unbelievable):
        await finish(Provider(token=token, **{".well-known/openid-configuration": metadata}))


@pytest.mark.parametrize(
    "metadata",
    [
        {**METADATA, "issuer": "https://evil.example"},
        {**METADATA, "authorization_endpoint": "javascript:alert(1)"},
        {**METADATA, "authorization_endpoint": "http://accounts.example.com/auth"},
        {"issuer": ISSUER},
        b"<html>",
        b"[" * 5_000,
        302,
        404,
    ],
)
async def test_a_provider_that_says_odd_things_of_itself_is_not_gone_to(
    metadata: Any,  # noqa: ANN401 - JSON
) -> None:
    async with Provider(**{".well-known/openid-configuration": metadata}) as provider:
        openid = OpenId(provider, lambda: NOW, "https://id.example.com/portal/callback")
        with pytest.raises(Unbelievable):
            await openid.begin(CLIENT, None)


async def test_what_a_provider_says_of_itself_is_asked_again_after_a_while() -> None:
    clock = [float(NOW)]
    async with Provider() as provider:
        openid = OpenId(provider, lambda: clock[0], "https://id.example.com/portal/callback")
        first, second = await openid.begin(CLIENT, None), await openid.begin(CLIENT, None)
        assert first.url.startswith(f"{ISSUER}/auth?tenant=1&response_type=code&")
        assert first.state != second.state
        assert len(provider.asked) == 1
        clock[0] += 601
        await openid.begin(CLIENT, None)
        assert len(provider.asked) == 2


async def test_an_unknown_key_has_it_asked_again_but_not_by_everybody_at_once() -> None:
    clock = [float(NOW)]
    provider = Provider(token=answers(id_token(claims(), OTHER_KEY, id="k2")))
    async with provider:
        openid = OpenId(provider, lambda: clock[0], "https://id.example.com/portal/callback")
        for _ in range(3):
            with pytest.raises(Unbelievable):
                await openid.finish(
                    CLIENT, None, Secret("c"), None, nonce="n", verifier=Secret("v")
                )
        assert sum(url.endswith("/keys") for url, _, _ in provider.asked) == 1
        provider.at[f"{ISSUER}/keys"] = {"keys": [jwk(OTHER_KEY, "k2")]}
        clock[0] += 31
        person = await openid.finish(
            CLIENT, None, Secret("c"), None, nonce="n", verifier=Secret("v")
        )
        assert person.subject == "s1"


async def test_keys_that_were_asked_for_earlier_take_the_place_of_none_that_are_newer() -> None:
    clock, told, heard = [float(NOW)], asyncio.Event(), asyncio.Event()

    class Slow(Provider):
        async def call(self, *asked: Any, **more: Any) -> Answer:  # noqa: ANN401 - as above
            answer = await super().call(*asked, **more)
            if asked[1].endswith("/keys") and not told.is_set():
                told.set()
                await heard.wait()
            return answer

    provider = Slow(token=answers(id_token(claims())))
    async with provider:
        openid = OpenId(provider, lambda: clock[0], "https://id.example.com/portal/callback")

        async def person() -> Person:
            return await openid.finish(
                CLIENT, None, Secret("c"), None, nonce="n", verifier=Secret("v")
            )

        early = asyncio.create_task(person())
        await told.wait()
        provider.at[f"{ISSUER}/keys"] = {"keys": [jwk(OTHER_KEY, "k2")]}
        provider.at[f"{ISSUER}/token"] = answers(id_token(claims(), OTHER_KEY, id="k2"))
        clock[0] += 1
        await person()
        heard.set()
        await early
        assert (await person()).subject == "s1"
