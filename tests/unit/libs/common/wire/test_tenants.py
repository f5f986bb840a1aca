"""What a tenant says of itself: what it may be, and how it is stored."""

from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Problem
from libs.common.flow.model import Json
from libs.common.misfit import misfits
from libs.common.wire.tenants import (
    Branding,
    Colors,
    TenantSettings,
    contrast,
    contrast_problems,
    decode_settings,
    encode_settings,
)

CDN = "https://cdn.example"


def paths(value: Json) -> list[str | None]:
    return [problem.path for problem in misfits(value, TenantSettings)]


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example",
        "https://app.example:8443",
        "https://[2001:db8::1]",
        "http://localhost",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "capacitor://localhost",
    ],
)
def test_an_origin_is_as_browsers_send_it(origin: str) -> None:
    assert paths({"origins": [origin]}) == []


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "", "app.example", "//app.example", "HTTPS://app.example"),
        *("https://App.example", "https://app.example/", "https://app.example/path"),
        *("https://app.example:443", "http://localhost:80", "https://app.example:0"),
        *("https://*.example", "https://user@app.example", "https://app.example\n"),
        *("http://app.example", "http://localhost.evil.example", "ftp://app.example"),
    ],
)
def test_what_no_browser_sends_or_anybody_could_change_on_its_way_is_none(origin: str) -> None:
    assert paths({"origins": ["https://app.example", origin]}) == ["origins[1]"]


@pytest.mark.parametrize("url", [CDN, f"{CDN}:8443/a/logo.png?v=2&w=%20#a", f"{CDN}?a=b"])
def test_a_picture_is_at_an_https_address(url: str) -> None:
    assert paths({"branding": {"logo_url": url}}) == []


@pytest.mark.parametrize(
    "url",
    [
        *("http://cdn.example/a.png", "data:image/png;base64,AAAA", "javascript:alert(1)", "/a"),
        *(f"{CDN}/a.png')", f'{CDN}/"', f"{CDN}/a b", f"{CDN}/a;b", f"{CDN}/a,b", f"{CDN}/a\n"),
        *(f"{CDN}/a\\b", f"{CDN}/<b>", "https://user@cdn.example/", "https:///a", f"{CDN}/é"),
    ],
)
def test_what_could_leave_a_style_or_a_policy_is_no_address(url: str) -> None:
    assert paths({"branding": {"background_url": url}}) == ["branding.background_url"]


@pytest.mark.parametrize(
    ("branding", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"colors": {"text": "red"}}, "colors.text"),
        ({"colors": {"text": "#fff"}}, "colors.text"),
        ({"colors": {"text": "#ffffff;"}}, "colors.text"),
        ({"colors": {"link": "#ffffff"}}, "colors.link"),
        ({"css": "body {}"}, "css"),
        ({"support_email": "help"}, "support_email"),
        ({"support_email": "help@a.example?bcc=b@b.example"}, "support_email"),
        ({"terms_url": "http://a.example"}, "terms_url"),
    ],
)
def test_what_is_no_branding_is_told_with_its_path(branding: Json, path: str) -> None:
    assert paths({"branding": branding}) == [f"branding.{path}"]


def test_settings_are_read_as_they_were_stored() -> None:
    settings = TenantSettings(
        ("https://app.example",),
        Branding(name="Müller & Söhne", logo_url=CDN, colors=Colors(primary="#00563f")),
    )
    assert decode_settings(encode_settings(settings)) == settings
    assert encode_settings(TenantSettings()) == "{}"
    assert decode_settings("{}") == TenantSettings()


def test_what_a_newer_release_stored_besides_is_passed_over() -> None:
    written = (
        '{"origins": ["https://app.example"], "motto": "a", '
        '"branding": {"name": "A", "font": "Inter", "colors": {"text": "#000000", "link": "#1"}}}'
    )
    assert decode_settings(written) == TenantSettings(
        ("https://app.example",), Branding(name="A", colors=Colors(text="#000000"))
    )


@pytest.mark.parametrize("written", ["[]", '{"origins": "a"}', '{"branding": 1}', "{"])
def test_what_are_no_settings_is_said(written: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_settings(written)


def test_the_places_of_pictures_are_named_once_each() -> None:
    branding = Branding(logo_url=f"{CDN}/a", favicon_url=f"{CDN}/b", background_url=f"{CDN}:1?c")
    assert branding.picture_sources() == (CDN, f"{CDN}:1")
    assert Branding().picture_sources() == ()


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#123456", "#123456", 1.0),
        # The darkest grey that WCAG's own examples let pass on white, and the next one.
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#FFFFFF", 4.48),
        ("#ff0000", "#ffffff", 4.0),
        ("#010101", "#000000", 1.01),
    ],
)
def test_contrast_is_as_wcag_counts_it(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(one, other) == contrast(other, one)


def test_colors_as_they_come_can_be_read() -> None:
    assert contrast_problems(Colors(), "colors") == ()


def test_each_pair_that_cannot_be_read_is_told_with_a_way_out() -> None:
    colors = Colors(primary="#777777", surface="#101010", background="#101010", text="#f0f0f0")
    problems = contrast_problems(colors, "c")
    assert [problem.path for problem in problems] == ["c.primary", "c.error", "c.on_primary"]
    assert problems[0] == Problem(
        "low_contrast",
        "cannot be read on `surface` (#101010): the contrast is 4.2:1 and has to be 4.5:1; make "
        "it lighter, or change `surface`",
        path="c.primary",
    )
    assert "on `primary` (#777777): the contrast is 4.4:1" in problems[2].message


def test_what_is_said_to_be_too_little_never_reads_as_enough() -> None:
    [problem] = contrast_problems(Colors(text="#777777", background="#ffffff"), "c")[:1]
    assert "4.4:1" in problem.message
