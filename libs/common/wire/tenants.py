"""What a tenant says of itself, as PostgreSQL holds it: management writes, executors read.

Whose pages may call, and what users see of whom they deal with. None of it is a secret, and none of
it can carry markup, style or script: colours are six digits, and pictures and links are addresses.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from libs.common.errors import Problem
from libs.common.wire.origins import PORT, SAFE

_HOST: Final = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
# Nothing that ends a `url()` of CSS or a directive of a Content-Security-Policy.
_REST: Final = r"([/?#][A-Za-z0-9._~!$&*+=:@%/?#-]*)?"

Origin = Annotated[
    str,
    Meta(
        pattern=rf"^{SAFE}$(?!\n)",
        max_length=255,
        description="an origin as browsers send it: https://host or https://host:port in lower "
        "case, without a path or the port 443; other schemes only on localhost",
    ),
]
Origins = Annotated[tuple[Origin, ...], Meta(max_length=50)]
HttpsUrl = Annotated[
    str,
    Meta(
        pattern=rf"^https://{_HOST}{PORT}{_REST}$(?!\n)",
        max_length=500,
        description="an https URL, with what is not plain in it written as %20 is",
    ),
]
Color = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}$(?!\n)", description="a colour as #0a58ca")]
ShownName = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)",
        max_length=100,
        description="a name without control characters",
    ),
]
MailAddress = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9.!#$%*+/=_~-]+@[A-Za-z0-9.-]+$(?!\n)",
        max_length=254,
        description="an e-mail address",
    ),
]


class Colors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The colours of pages that users see."""

    primary: Color = "#0a58ca"
    """Buttons and links."""
    on_primary: Color = "#ffffff"
    """What is written on buttons."""
    surface: Color = "#ffffff"
    """What a form stands on."""
    text: Color = "#1f2328"
    """What is written there, and on the background."""
    error: Color = "#b3261e"
    """What is written there of what went wrong."""
    background: Color = "#f2f4f7"
    """Around the form; under the picture, where there is one."""


class Branding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What users see of whom they deal with."""

    name: ShownName | None = None
    """As users know it; the display name of the tenant where there is none."""
    logo_url: HttpsUrl | None = None
    favicon_url: HttpsUrl | None = None
    background_url: HttpsUrl | None = None
    """A picture around the form, with which the colour of the background still has to do: it is
    seen until the picture is there."""
    colors: Colors = Colors()
    support_url: HttpsUrl | None = None
    support_email: MailAddress | None = None
    privacy_url: HttpsUrl | None = None
    terms_url: HttpsUrl | None = None

    def picture_sources(self) -> tuple[str, ...]:
        """Name the origins that pictures come from, for `img-src` of a Content-Security-Policy."""
        urls = (self.logo_url, self.favicon_url, self.background_url)
        return tuple(sorted({f"https://{urlsplit(url).netloc}" for url in urls if url}))


class TenantSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a tenant says of itself; what it does not say is as it comes."""

    origins: Origins = ()
    """Of pages that may call for its users, and that its users may be sent to."""
    branding: Branding = Branding()


def encode_settings(settings: TenantSettings) -> str:
    """Write them as they are stored."""
    return msgspec.json.encode(settings).decode()


def decode_settings(written: str | bytes) -> TenantSettings:
    """Read them, without what a newer release added.

    Raises `msgspec.MsgspecError` for what are no settings.
    """
    stored = msgspec.json.decode(written, type=dict[str, Any])
    branding = stored.get("branding", {})
    if isinstance(branding, dict):
        branding = _known(Branding, branding)
        if isinstance(colors := branding.get("colors"), dict):
            branding["colors"] = _known(Colors, colors)
    return msgspec.convert({**_known(TenantSettings, stored), "branding": branding}, TenantSettings)


def _known(struct: type[msgspec.Struct], stored: dict[str, Any]) -> dict[str, Any]:
    return {name: stored[name] for name in struct.__struct_fields__ if name in stored}


_WRITTEN_ON: Final = (
    ("text", "surface"),
    ("text", "background"),
    ("primary", "surface"),
    ("error", "surface"),
    ("on_primary", "primary"),
)
"""Which colour is written on which: links are written in the colour of buttons."""
_LEAST_CONTRAST: Final = 4.5
"""WCAG 2.2, 1.4.3 (level AA), for text of any size."""
_BLACK, _WHITE = "#000000", "#ffffff"


def contrast_problems(colors: Colors, path: str) -> tuple[Problem, ...]:
    """Find what many people could not read; `path` is where the colours are."""
    found = []
    for upper, lower in _WRITTEN_ON:
        on = getattr(colors, lower)
        ratio = contrast(getattr(colors, upper), on)
        if ratio < _LEAST_CONTRAST:
            # One of these two is always far enough away from any colour.
            way = "darker" if contrast(_BLACK, on) > contrast(_WHITE, on) else "lighter"
            message = (
                f"cannot be read on `{lower}` ({on}): the contrast is {_floor(ratio)}:1 and has to "
                f"be {_LEAST_CONTRAST}:1; make it {way}, or change `{lower}`"
            )
            found.append(Problem("low_contrast", message, path=f"{path}.{upper}"))
    return tuple(found)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lower, higher = sorted((_luminance(one), _luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


def _luminance(color: str) -> float:
    """Return how bright a colour is, from 0 to 1 (WCAG 2.2, "relative luminance")."""
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's own
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _floor(ratio: float) -> float:
    """Leave one digit, so that what is too little never reads as enough."""
    return int(ratio * 10) / 10
