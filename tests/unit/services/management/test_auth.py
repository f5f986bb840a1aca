from datetime import UTC, datetime, timedelta

import jwt
import pytest
from jwt.utils import base64url_encode

from libs.common.chassis.startup import StartupFailure
from libs.common.errors import Denied, Unauthenticated
from libs.common.secret import Secret
from services.management.auth import Caller, Tokens, bearer_of

KEY = Secret("0123456789abcdef0123456789abcdef")
TOKENS = Tokens(KEY, issuer="us", audience="management")
LIFETIME = timedelta(minutes=5)


def signed(algorithm: str = "HS256", key: str | None = None, **claims: object) -> str:
    """A token that is right but for what is given; None leaves a claim out."""
    right: dict[str, object] = {
        "iss": "us",
        "aud": "management",
        "sub": "somebody",
        "exp": datetime.now(UTC) + LIFETIME,
        "scope": "read:flows",
    }
    chosen = {name: value for name, value in (right | claims).items() if value is not None}
    return jwt.encode(chosen, KEY.reveal() if key is None else key, algorithm)


def deep(part: str) -> str:
    """A token of which one part is nested beyond what can be read."""
    header, payload, signature = signed().split(".")
    nested = base64url_encode(b"[" * 4000).decode()
    return ".".join(
        (nested, payload, signature) if part == "header" else (header, nested, signature)
    )


def test_a_minted_token_tells_who_calls_and_what_they_may() -> None:
    token = TOKENS.mint("ci", ["read:flows", "create:flows"], tenant="acme", lifetime=LIFETIME)
    assert TOKENS.verify(token) == Caller("ci", frozenset({"read:flows", "create:flows"}), "acme")


def test_a_token_without_scope_or_tenant_may_nothing_anywhere() -> None:
    caller = TOKENS.verify(signed(scope=None))
    assert caller == Caller("somebody", frozenset(), None)


def test_permissions_are_scopes_under_another_name() -> None:
    caller = TOKENS.verify(signed(permissions=["create:flows"]))
    assert caller.scopes == {"read:flows", "create:flows"}


def test_clocks_may_differ_a_little() -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=2)
    assert TOKENS.verify(signed(iat=ahead, nbf=ahead)).subject == "somebody"


def test_a_tenant_claim_of_null_opens_no_tenant() -> None:
    claims = {"iss": "us", "aud": "management", "sub": "a", "tenant": None}
    token = jwt.encode({**claims, "exp": datetime.now(UTC) + LIFETIME}, KEY.reveal(), "HS256")
    with pytest.raises(Unauthenticated):
        TOKENS.verify(token)


def test_the_scheme_is_read_in_any_case() -> None:
    assert bearer_of("bearer  a.b.c ") == "a.b.c"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dTpw", signed()])
def test_a_header_without_a_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        bearer_of(header)


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "a.b.c",
        "ä",
        signed(key="another key, as long as the right one"),
        # The algorithms that a forger would choose: none at all, and another of the same family.
        signed("none", key=""),
        signed("HS512", key="0123456789abcdef" * 4),
        signed("HS384", key="0123456789abcdef" * 3),
        signed(iss="them"),
        signed(iss=None),
        signed(aud="executor"),
        signed(aud=None),
        signed(exp=None),
        signed(exp=datetime.now(UTC) - timedelta(minutes=1)),
        signed(nbf=datetime.now(UTC) + LIFETIME),
        signed(sub=None),
        signed(scope=["read:flows"]),
        signed(sub=""),
        signed(sub="some\x00body"),
        signed(permissions="read:flows"),
        signed(tenant=7),
        signed(tenant=""),
        signed(tenant="a\x00"),
        signed(exp=float("inf")),
        deep("header"),
        deep("payload"),
    ],
)
def test_a_token_that_is_wrong_in_any_way_is_refused_in_the_same_words(token: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^the token is not valid, or not any more$"):
        TOKENS.verify(token)


def test_another_algorithm_is_refused_even_with_the_right_key() -> None:
    long_key = Secret("k" * 64)
    tokens = Tokens(long_key, issuer="us", audience="management")
    with pytest.raises(Unauthenticated):
        tokens.verify(signed("HS512", key=long_key.reveal()))


@pytest.mark.parametrize("key", ["", "k" * 31])
def test_a_short_key_keeps_the_service_from_starting(key: str) -> None:
    with pytest.raises(StartupFailure, match="GATEHOUSE_ADMIN_SIGNING_KEY"):
        Tokens(Secret(key), issuer="us", audience="management")


def test_a_caller_may_what_their_scopes_say_where_their_tenant_says() -> None:
    Caller("s", frozenset({"read:flows"}), None).require("read:flows", "any")
    Caller("s", frozenset({"read:flows"}), "acme").require("read:flows", "acme")
    with pytest.raises(Denied, match="scope, expected any of: delete:flows"):
        Caller("s", frozenset({"read:flows"}), None).require("delete:flows", "any")
    with pytest.raises(Denied, match="another tenant"):
        Caller("s", frozenset({"read:flows"}), "acme").require("read:flows", "other")
