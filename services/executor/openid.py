"""Signs people in with providers: OpenID Connect Core 1.0 by the code flow, as its relying party.

All that a provider says over the line is checked against what only one session knows: `state` and
`nonce`, and a code that is worth nothing without its verifier (RFC 7636). What it signs is believed
only of its own issuer, for our own client, by a key that it publishes, in an algorithm of the list
here. A key that nobody knows has it asked for its keys again, which is how it changes them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote_plus, urlencode

import jwt
import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.outgoing import Answer, NoAnswer, Outgoing
from libs.common.flow.federation import Begun
from libs.common.secret import Secret
from libs.common.wire.providers import Oidc

log: Final[FilteringBoundLogger] = structlog.get_logger()

T = TypeVar("T")

ALGORITHMS: Final = (
    *("ES256", "ES384", "ES512"),
    *("PS256", "PS384", "PS512"),
    *("RS256", "RS384", "RS512"),
)
"""Never one with a shared key: whoever knew it could sign."""
CALLBACK_PATH: Final = "/portal/callback"
"""Of the deployment's own page, below the issuer."""
_SECONDS: Final = 5.0
_MOST_BYTES: Final = 256 * 1024
_REMEMBER_SECONDS: Final = 600.0
_ASK_AGAIN_SECONDS: Final = 30.0
"""At most so often is a provider asked for its keys because one is unknown."""
_MOST_PROVIDERS: Final = 500
_CLOCKS_APART: Final = 60
_OLDEST_SECONDS: Final = 600
"""An ID token that was issued longer ago was not issued for this sign-in."""
_LONGEST_SUBJECT: Final = 255
_CLAIMS: Final = ["iss", "sub", "aud", "exp", "iat", "nonce"]
_BASIC, _POST = "client_secret_basic", "client_secret_post"
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


class Unbelievable(Exception):
    """What a provider said cannot be believed, or it said nothing; the words are for operators."""


class Client(msgspec.Struct, frozen=True):
    """What a provider knows a tenant by."""

    config: Oidc
    secret: Secret | None


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = (_BASIC,)
    authorization_response_iss_parameter_supported: bool = False


class Tokens(msgspec.Struct, frozen=True):
    """What a code was exchanged for."""

    id_token: str
    access_token: str
    token_type: str

    def __repr__(self) -> str:
        """Show none of it."""
        return "Tokens(***)"


class Person(msgspec.Struct, frozen=True):
    """Whom a provider has signed in."""

    subject: str
    claims: Mapping[str, Any]


class OpenId:
    """Talks to providers, and remembers for a while what they say of themselves."""

    def __init__(self, outgoing: Outgoing, clock: Callable[[], float], callback: str) -> None:
        """Have people sent back to `callback`; `clock` gives Unix seconds."""
        self._outgoing = outgoing
        self._clock = clock
        self._callback = callback
        self._metadata: dict[str, tuple[float, Metadata]] = {}
        self._keys: dict[str, tuple[float, Mapping[str, jwt.PyJWK]]] = {}

    async def begin(self, client: Client, callback: str | None) -> Begun:
        """Say where somebody signs in; raise `Unbelievable`."""
        metadata = await self._discover(client.config.issuer)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        scopes = dict.fromkeys(("openid", *client.config.scopes))
        asked = {
            "response_type": "code",
            "client_id": client.config.client_id,
            "redirect_uri": callback or self._callback,
            "scope": " ".join(scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _unpadded(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        url = f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}"
        return Begun(url, state, nonce, verifier)

    async def finish(
        self,
        client: Client,
        callback: str | None,
        code: Secret,
        issuer: str | None,
        *,
        nonce: str,
        verifier: Secret,
    ) -> Person:
        """Say who came back with `code`; raise `Unbelievable`."""
        metadata = await self._discover(client.config.issuer)
        # RFC 9207: the code may be of another provider, which would be given ours.
        if issuer is None and metadata.authorization_response_iss_parameter_supported:
            raise Unbelievable("whoever sent them back did not say who they are")
        if issuer is not None and issuer != metadata.issuer:
            raise Unbelievable("another provider sent them back")
        tokens = await self._exchange(client, metadata, callback or self._callback, code, verifier)
        claims = await self._verify(client.config, metadata, tokens, nonce)
        return Person(claims["sub"], {**await self._ask(metadata, tokens, claims["sub"]), **claims})

    async def _discover(self, issuer: str) -> Metadata:
        known = self._metadata.get(issuer)
        if known is not None and self._clock() < known[0]:
            return known[1]
        answer = await self._call("GET", f"{issuer.rstrip('/')}{_WELL_KNOWN}")
        metadata = _decode(answer, Metadata)
        if metadata.issuer != issuer:
            raise Unbelievable("it says that it is another issuer")
        if not metadata.authorization_endpoint.startswith("https://"):
            # Browsers are sent there, to whatever scheme it has.
            raise Unbelievable("its page to sign in on is none")
        _remember(self._metadata, issuer, (self._clock() + _REMEMBER_SECONDS, metadata))
        return metadata

    async def _exchange(
        self, client: Client, metadata: Metadata, callback: str, code: Secret, verifier: Secret
    ) -> Tokens:
        config = client.config
        form = {
            "grant_type": "authorization_code",
            "code": code.reveal(),
            "redirect_uri": callback,
            "code_verifier": verifier.reveal(),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        methods = metadata.token_endpoint_auth_methods_supported
        if client.secret is not None and (_BASIC in methods or _POST not in methods):
            # RFC 6749, 2.3.1: both are form-encoded first.
            pair = f"{quote_plus(config.client_id)}:{quote_plus(client.secret.reveal())}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = config.client_id
            if client.secret is not None:
                form["client_secret"] = client.secret.reveal()
        answer = await self._call(
            "POST", metadata.token_endpoint, headers=headers, body=urlencode(form).encode()
        )
        return _decode(answer, Tokens)

    async def _verify(
        self, config: Oidc, metadata: Metadata, tokens: Tokens, nonce: str
    ) -> dict[str, Any]:
        """Return the claims of the ID token (Core 1.0, 3.1.3.7)."""
        try:
            header = jwt.get_unverified_header(tokens.id_token)
            key = await self._key(metadata, header)
            claims: dict[str, Any] = jwt.decode(
                tokens.id_token,
                key,
                algorithms=[header["alg"]],
                issuer=config.issuer,
                audience=config.client_id,
                leeway=_CLOCKS_APART,
                options={"require": _CLAIMS},
            )
        except (jwt.InvalidTokenError, jwt.InvalidKeyError, KeyError, RecursionError) as error:
            raise Unbelievable(f"its ID token is not valid ({type(error).__name__})") from error
        _check(claims, config.client_id, nonce, self._clock())
        said = claims.get("at_hash")
        if said is not None:
            digest = hashlib.new(f"sha{header['alg'][2:]}", tokens.access_token.encode()).digest()
            if said != _unpadded(digest[: len(digest) // 2]):
                raise Unbelievable("its ID token is for another access token")
        return claims

    async def _key(self, metadata: Metadata, header: Mapping[str, Any]) -> jwt.PyJWK:
        algorithm, id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise Unbelievable("its ID token is signed in a way that is not taken here")
        keys = await self._keys_of(metadata.jwks_uri, id)
        # One that does not say its key may have but one.
        found = keys.get(id) if isinstance(id, str) else _only(keys)
        if found is None or found.algorithm_name != algorithm:
            raise Unbelievable("its ID token is signed by a key that it does not publish")
        return found

    async def _keys_of(self, url: str, id: object) -> Mapping[str, jwt.PyJWK]:
        now = self._clock()
        known = self._keys.get(url)
        if known is not None:
            asked, keys = known
            age = now - asked
            if age < (_REMEMBER_SECONDS if id in keys else _ASK_AGAIN_SECONDS):
                return keys
        answer = await self._call("GET", url)
        fresh: dict[str, jwt.PyJWK] = {}
        for number, each in enumerate(_decode(answer, dict[str, Any]).get("keys") or ()):
            try:
                key = jwt.PyJWK(each, algorithm=_algorithm_of(each))
            except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
                # One that nobody here can use is no reason to use none of them.
                continue
            fresh[key.key_id or f"#{number}"] = key
        known = self._keys.get(url)
        # Whose answer took longer may have been told of the keys before these.
        if known is None or known[0] <= now:
            _remember(self._keys, url, (now, fresh))
        return fresh

    async def _ask(self, metadata: Metadata, tokens: Tokens, subject: str) -> Mapping[str, Any]:
        """Ask what else the provider says of them (Core 1.0, 5.3)."""
        if metadata.userinfo_endpoint is None:
            return {}
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        answer = await self._call("GET", metadata.userinfo_endpoint, headers=headers)
        said = _decode(answer, dict[str, Any])
        if said.get("sub") != subject:
            raise Unbelievable("it speaks of somebody else")
        return said

    async def _call(self, method: Any, url: str, **more: Any) -> Answer:  # noqa: ANN401 - as `Outgoing.call` has them
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        try:
            answer = await self._outgoing.call(
                method, url, seconds=_SECONDS, most_bytes=_MOST_BYTES, headers=headers, **more
            )
        except NoAnswer as error:
            raise Unbelievable(f"no answer: {error}") from error
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise Unbelievable(f"it answers {answer.status}")
        return answer


def _check(claims: Mapping[str, Any], client_id: str, nonce: str, now: float) -> None:
    """Raise `Unbelievable` where what is signed is not for us, or not for this sign-in."""
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise Unbelievable("its ID token is for several, and does not say who asked")
    if party is not None and party != client_id:
        raise Unbelievable("its ID token was asked for by somebody else")
    if not isinstance(claims["nonce"], str) or not hmac.compare_digest(
        claims["nonce"].encode("utf-8", "surrogatepass"), nonce.encode()
    ):
        raise Unbelievable("its ID token is for another sign-in")
    if claims["iat"] < now - _OLDEST_SECONDS:
        raise Unbelievable("its ID token is too old")
    subject = claims["sub"]
    if not (isinstance(subject, str) and subject.isascii() and subject.isprintable()):
        raise Unbelievable("its `sub` is none")
    if not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise Unbelievable("its `sub` is none")


def _algorithm_of(key: Mapping[str, Any]) -> str:
    """Say what a published key signs in; raise `ValueError` where that is nothing of ours."""
    usual = {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    algorithm = key.get("alg") or usual.get(str(key.get("crv") or key.get("kty")))
    if algorithm not in ALGORITHMS or key.get("use", "sig") != "sig":
        raise ValueError("not a key that signs")
    return str(algorithm)


def _only(keys: Mapping[str, jwt.PyJWK]) -> jwt.PyJWK | None:
    return next(iter(keys.values())) if len(keys) == 1 else None


def _decode(answer: Answer, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unbelievable("its answer is not as expected") from error


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _remember(kept: dict[str, T], name: str, value: T) -> None:
    kept.pop(name, None)
    while len(kept) >= _MOST_PROVIDERS:
        # The one that was learned longest ago: dicts keep their order.
        del kept[next(iter(kept))]
    kept[name] = value
