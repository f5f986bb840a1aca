"""Providers that flows rely on, as PostgreSQL holds them: management writes, executors read.

The secret is sealed, in a box of the tenant's and the provider's id; it is nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from libs.common.flow.calls import Url

PURPOSE: Final = b"provider"
"""What the secret is sealed for."""

# Without a user, a query or a fragment (OpenID Connect Discovery 1.0, 3).
Issuer = Annotated[
    str,
    Meta(
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%/-]*)?$(?!\n)",
        max_length=500,
    ),
]
# RFC 6749, appendix A.
ClientId = Annotated[str, Meta(pattern=r"^[ -~]*$(?!\n)", min_length=1, max_length=255)]
ScopeToken = Annotated[str, Meta(pattern=r"^[!#-\[\]-~]+$(?!\n)", max_length=100)]


class Oidc(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="oidc"):
    """A provider that speaks OpenID Connect."""

    issuer: Issuer
    client_id: ClientId
    scopes: Annotated[tuple[ScopeToken, ...], Meta(min_length=1, max_length=20)] = ("openid",)


class Captcha(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="captcha"
):
    """A service that tells people from programs, and says which with a `siteverify` endpoint."""

    site_key: Annotated[str, Meta(pattern=r"^[!-~]+$(?!\n)", max_length=255)]
    """Shown to clients."""
    verify_url: Url
    """Where what a client sends is checked, as `https://challenges.cloudflare.com/turnstile/v0/
    siteverify`."""
    variant: Literal["TURNSTILE", "HCAPTCHA", "RECAPTCHA_V2", "RECAPTCHA_V3"] = "TURNSTILE"
    """What clients draw."""
    hostnames: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]+$(?!\n)", max_length=253)], ...],
        Meta(max_length=50),
    ] = ()
    """The sites on which it may have been solved; any where none is named."""
    min_score: Annotated[float, Meta(ge=0, le=1)] | None = None
    """The least score that passes, of a service that gives one."""


Config: TypeAlias = Oidc | Captcha

_CONFIG: Final[msgspec.json.Decoder[Config]] = msgspec.json.Decoder(Config)


def decode_config(written: str | bytes) -> Config:
    """Read what is stored; raise `msgspec.MsgspecError` for what is none."""
    return _CONFIG.decode(written)
