from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import pytest

from libs.common.flow.model import FlowType, Json
from libs.common.wire.tenants import Branding
from services.executor import wire
from services.executor.portal.branding import DEFAULT
from services.executor.portal.pages import (
    Frame,
    Page,
    decode,
    draw_beginning,
    draw_end,
    draw_fault,
    draw_leaving,
    draw_step,
)
from services.executor.texts.catalogue import SAID, Language

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\u202e"
FRAME = Frame(Language("en", SAID), "/portal", FlowType.LOGIN, DEFAULT)


class Tags(HTMLParser):
    """The tags of a page, and that each that is opened is closed."""

    VOID = frozenset({"meta", "link", "input", "img", "hr"})

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page.html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def answer(components: list[Json], **more: Json) -> wire.Answer:
    data = {"components": components, **more.pop("data", {})}
    body = {
        "flowId": "the-flow-id",
        "flowType": "LOGIN",
        "flowStatus": "INCOMPLETE",
        "type": "VIEW",
        "stepId": "0123456789abcdef",
        "data": data,
        **more,
    }
    return decode(msgspec.json.encode(body))


def of(type: str, variant: str | None = None, **config: Json) -> dict[str, Json]:
    return {"id": "x", "type": type, "variant": variant, "config": config}


def test_no_word_of_anybodys_is_markup() -> None:
    names = ("text", "label", "identifier", "hint", "placeholder", "alt", "siteKey")
    config = {**dict.fromkeys(names, HOSTILE), "options": [HOSTILE], "copyable": True}
    kinds = [
        *(("TYPOGRAPHY", "H1"), ("TYPOGRAPHY", "BODY1"), ("DIVIDER", None)),
        *(("BUTTON", HOSTILE), ("RESEND", None), ("CAPTCHA", "TURNSTILE")),
        *(("CAPTCHA", "RECAPTCHA_V3"), ("INPUT", HOSTILE), ("INPUT", "CHECKBOX")),
        *(("INPUT", "DROPDOWN"), ("INPUT", "PASSWORD")),
    ]
    image = of(
        "IMAGE", src='https://cdn.example/"><script>', alt=HOSTILE, uri="otpauth://" + HOSTILE
    )
    shown = answer(
        [*(of(type, variant, **config) for type, variant in kinds), image],
        data={
            "messages": [{"type": "ERROR", "message": HOSTILE}],
            "fieldErrors": [{"identifier": HOSTILE, "message": HOSTILE, "i18nKey": "k"}],
            "webAuthn": {"publicKeyCredentialRequestOptions": {"rpId": HOSTILE}},
        },
        type="WEBAUTHN",
        stepId=HOSTILE,
    )
    frame = msgspec.structs.replace(
        FRAME, branding=Branding(HOSTILE, support_url="https://x.example/" + HOSTILE)
    )
    page = draw_step(frame, shown, typed={HOSTILE: HOSTILE})
    tags = Tags(page)
    assert not any(attribute.startswith("on") for _, each in tags.found for attribute in each)
    assert all("src" in each for each in tags.all("script"))
    assert "<script>alert" not in page.html
    assert "49" not in tags.texts
    assert re.search(r"default-src|;", "".join(page.policy.images)) is None


def test_other_pages_escape_as_well() -> None:
    said = {"messages": [{"type": "ERROR", "message": HOSTILE}]}
    ended = answer([], flowStatus="ERROR", data=said)
    away = "https://app.example/?" + HOSTILE
    query = {"next": HOSTILE}
    for page in (
        draw_end(FRAME, ended, away),
        draw_leaving(FRAME, away, at_once=True, step=HOSTILE),
        draw_beginning(FRAME, query),
        draw_fault(FRAME, "fault_wait", seconds=7, onward=("restart", HOSTILE)),
    ):
        tags = Tags(page)
        assert not tags.all("script")
        assert len(tags.all("img")) == 0


def test_a_page_never_holds_the_handle_of_its_session() -> None:
    page = draw_step(FRAME, answer([of("INPUT"), of("BUTTON")]), typed={})
    assert "the-flow-id" not in page.html
    assert "0123456789abcdef" in page.html


def test_the_views_own_heading_is_the_pages() -> None:
    heading = of("TYPOGRAPHY", "H3", text="Welcome back")
    for components, title in (([heading], "Welcome back"), ([], "Sign in")):
        tags = Tags(draw_step(FRAME, answer(components), typed={}))
        assert tags.texts.count(title) == 2  # of the document, and on the page
        assert len(tags.all("h1")) == 1


def test_what_is_wrong_with_something_that_is_not_drawn_is_said_all_the_same() -> None:
    errors = [{"identifier": "tokenResponse", "message": "Needed.", "i18nKey": "field.required"}]
    tags = Tags(draw_step(FRAME, answer([], data={"fieldErrors": errors}), typed={}))
    assert "Needed." in tags.texts


def test_a_passkey_is_asked_for_by_a_script_of_ours() -> None:
    told = {"publicKeyCredentialCreationOptions": {"challenge": "c"}}
    page = draw_step(FRAME, answer([], type="WEBAUTHN", data={"webAuthn": told}), typed={})
    (form,) = [each for each in Tags(page).all("form") if "data-passkey" in each]
    assert msgspec.json.decode(form["data-passkey"] or "") == told
    assert page.policy.scripts == ("passkeys.js",)
    assert "Create a passkey" in page.html


@pytest.mark.parametrize("variant", ["TURNSTILE", "HCAPTCHA", "RECAPTCHA_V2", "RECAPTCHA_V3"])
def test_a_captcha_is_loaded_where_a_step_has_one(variant: str) -> None:
    page = draw_step(FRAME, answer([of("CAPTCHA", variant, siteKey="k&k")]), typed={})
    assert page.policy.captcha == variant
    scripts = [str(each["src"]) for each in Tags(page).all("script")]
    assert any(each.startswith("https://") for each in scripts)
    if variant == "RECAPTCHA_V3":
        assert any(each.endswith("?render=k%26k") for each in scripts)
        assert page.policy.scripts == ("captcha.js",)


def test_a_page_without_need_of_it_has_no_script() -> None:
    page = draw_step(FRAME, answer([of("INPUT")]), typed={})
    assert page.policy.scripts == ()
    assert not Tags(page).all("script")


@pytest.mark.parametrize("kind", [each for each in FlowType if each.wire])
def test_every_type_has_a_title_and_an_end(kind: FlowType) -> None:
    frame = msgspec.structs.replace(FRAME, kind=kind)
    page = draw_end(frame, answer([], flowStatus="COMPLETE"), None)
    assert not any(each.startswith("portal.") for each in Tags(page).texts)


def test_words_of_the_authors_stand_in_place_of_ours_at_the_end() -> None:
    said = {"messages": [{"type": "INFO", "message": "Bye."}]}
    page = draw_end(FRAME, answer([], flowStatus="COMPLETE", data=said), "/next")
    assert "Bye." in page.html
    assert "You are signed in." not in page.html
    assert 'href="/next"' in page.html
