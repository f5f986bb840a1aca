"""The captcha services whose widgets a page can draw: what it loads, and what they send back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class Widget(msgspec.Struct, frozen=True):
    """Where a captcha comes from."""

    script: str
    """`{key}` stands for the site's key."""
    hosts: tuple[str, ...]
    """That it loads scripts and frames from, and calls."""


WIDGETS: Final[Mapping[str, Widget]] = {
    "TURNSTILE": Widget(
        "https://challenges.cloudflare.com/turnstile/v0/api.js",
        ("https://challenges.cloudflare.com",),
    ),
    "HCAPTCHA": Widget(
        "https://js.hcaptcha.com/1/api.js",
        ("https://hcaptcha.com", "https://*.hcaptcha.com"),
    ),
    "RECAPTCHA_V2": Widget(
        "https://www.google.com/recaptcha/api.js",
        ("https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"),
    ),
    "RECAPTCHA_V3": Widget(
        "https://www.google.com/recaptcha/api.js?render={key}",
        ("https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"),
    ),
}
"""By the variant of a CAPTCHA."""

RESPONSES: Final = ("cf-turnstile-response", "h-captcha-response", "g-recaptcha-response")
"""What they call, in a form, what they give."""
