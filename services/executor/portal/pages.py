"""Draws the portal's pages: an answer of the executor becomes HTML. Pure.

Every word of an author's or a user's is escaped by the templates; what a page may load beyond its
own site is said beside it, for the answer's Content-Security-Policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import jinja2
import markupsafe
import msgspec
from msgspec import UNSET

from libs.common.flow.model import FlowType, Json
from libs.common.flow.view import Component
from libs.common.wire.tenants import Branding
from services.executor import wire
from services.executor.portal.branding import theme
from services.executor.portal.captchas import WIDGETS
from services.executor.portal.components import (
    Captcha,
    Codes,
    Field,
    Filled,
    Heading,
    Section,
    draw,
    pictures,
    walk,
)
from services.executor.texts.catalogue import Language

STATIC: Final = Path(__file__).parent / "static"
STEP: Final = "_step"
DO: Final = "_do"
ACTION: Final = "_action"
CAPTCHA: Final = "_captcha"
"""Names in a form that are the portal's own: an input of a flow begins with a letter."""
RESTART, BEGIN = "restart", "begin"

_CALM: Final = frozenset({"fault_moved", "fault_signed_out"})
"""What went as it should, and ends here all the same."""
_ANSWER: Final = msgspec.json.Decoder(wire.Answer)
_COMPONENTS: Final = msgspec.json.Decoder(tuple[Component, ...])
_JSON: Final = msgspec.json.Encoder()


class Frame(msgspec.Struct, frozen=True):
    """What is around a page."""

    language: Language
    base: str
    """The path of the tenant's portal, as `/t/acme/portal`."""
    kind: FlowType | None
    """None where it is not known which flow it is about."""
    branding: Branding

    @property
    def here(self) -> str:
        """The path of the flow's page."""
        return self.base if self.kind is None else f"{self.base}/{self.kind.wire}"

    def say(self, key: str) -> str:
        """Return the words of `key`."""
        return self.language.say(f"portal.{key}")


class Policy(msgspec.Struct, frozen=True):
    """What a page needs beyond its own styles."""

    images: tuple[str, ...] = ()
    """Origins."""
    scripts: tuple[str, ...] = ()
    """Our own."""
    captcha: str | None = None
    """The variant of the widget."""


class Page(msgspec.Struct, frozen=True):
    html: str
    policy: Policy


def _versions() -> Mapping[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        for file in sorted(STATIC.iterdir())
    }


VERSIONS: Final = _versions()
"""Of the files that come with pages, by name: a browser keeps each until it changes."""


def decode(answer: bytes) -> wire.Answer:
    """Read an answer that the executor wrote."""
    return _ANSWER.decode(answer)


def components_of(answer: wire.Answer) -> tuple[Component, ...]:
    """Read the view of an answer."""
    raw = answer.data.components
    return () if raw is UNSET else _COMPONENTS.decode(raw)


def draw_step(
    frame: Frame, answer: wire.Answer, *, typed: Mapping[str, str], notice: str | None = None
) -> Page:
    """Draw what the user is asked; `typed` is what they sent before, `notice` a key to say first.

    What a REDIRECTION asks for is not drawn here: see `draw_leaving`.
    """
    data = answer.data
    errors = {each.identifier: each.message for each in data.field_errors}
    components = components_of(answer)
    sections = draw(components, Filled(errors, typed))
    title, sections = _titled(sections, frame)
    beside = {
        block.name
        for each in sections
        for block in each.blocks
        if isinstance(block, Field | Captcha)
    }
    passkey = _ceremony(data.web_authn) if isinstance(data.web_authn, Mapping) else None
    captcha = _captcha(sections)
    has_codes = any(isinstance(block, Codes) for each in sections for block in each.blocks)
    scripts = (
        *(("passkeys.js",) if passkey else ()),
        *(("codes.js",) if has_codes else ()),
        *(("captcha.js",) if captcha is not None and captcha.variant == "RECAPTCHA_V3" else ()),
    )
    policy = _policy(frame, sections, scripts, captcha)
    return _render(
        "step.html",
        frame,
        policy,
        title=title,
        step="" if answer.step_id is UNSET else answer.step_id,
        messages=data.messages,
        loose=[each.message for each in data.field_errors if each.identifier not in beside],
        notice=None if notice is None else frame.say(notice),
        sections=sections,
        passkey=passkey,
        sent=_asks_for_code(components),
        widget=None if captcha is None else _widget(captcha),
    )


def draw_end(frame: Frame, answer: wire.Answer, onward: str | None) -> Page:
    """Draw the end of a flow, with a link that leads `onward`."""
    succeeded = answer.flow_status == "COMPLETE"
    said = answer.data.messages
    return _render(
        "end.html",
        frame,
        _policy(frame),
        title=frame.say(_done(frame.kind)) if succeeded and not said else _title(frame),
        messages=said,
        succeeded=succeeded,
        onward=onward,
    )


def draw_leaving(frame: Frame, url: str, *, at_once: bool, step: str = "") -> Page:
    """Draw what stands between here and `url`: gone again `at_once`, or with a link to follow.

    A form may lead to no other site than its own, so another page has to.
    """
    return _render(
        "leaving.html",
        frame,
        _policy(frame),
        title=_title(frame),
        url=url,
        host=urlsplit(url).hostname or url,
        at_once=at_once,
        step=step,
    )


def draw_beginning(frame: Frame, query: Mapping[str, str]) -> Page:
    """Draw the question whether to begin what is for a signed-in user, as `query` wants it."""
    action = f"{frame.here}?{urlencode(query)}" if query else frame.here
    return _render("beginning.html", frame, _policy(frame), title=_title(frame), action=action)


def draw_link(frame: Frame) -> Page:
    """Draw the question whether to go on by the link that the page's own address is."""
    policy = msgspec.structs.replace(_policy(frame), scripts=("link.js",))
    return _render("link.html", frame, policy, title=frame.say("title_link"))


def draw_fault(
    frame: Frame, key: str, *, seconds: int | None = None, onward: tuple[str, str] | None = None
) -> Page:
    """Draw why there is nothing to draw; `onward` is the key and the address of a link."""
    wait = None
    if seconds is not None:
        wait = frame.say("wait_seconds").replace("{seconds}", str(seconds))
    link = None if onward is None else (frame.say(onward[0]), onward[1])
    return _render(
        "fault.html",
        frame,
        _policy(frame),
        title=_title(frame) if key in _CALM else frame.say("title_fault"),
        words=frame.say(key),
        kind="INFO" if key in _CALM else "ERROR",
        wait=wait,
        onward=link,
    )


def _render(template: str, frame: Frame, policy: Policy, **more: object) -> Page:
    html = _TEMPLATES.get_template(template).render(
        frame=frame,
        say=frame.say,
        versions=VERSIONS,
        theme=theme(frame.branding),
        links=list(_links(frame.branding)),
        policy=policy,
        names=_NAMES,
        **more,
    )
    return Page(html, policy)


def _links(branding: Branding) -> Iterator[tuple[str, str]]:
    """List what the pages say of the tenant at their foot, by the key of its words."""
    links = {
        "help": branding.support_url,
        "write": branding.support_email and f"mailto:{branding.support_email}",
        "privacy": branding.privacy_url,
        "terms": branding.terms_url,
    }
    return ((key, url) for key, url in links.items() if url)


_NAMES: Final = {
    "step": STEP,
    "do": DO,
    "action": ACTION,
    "captcha": CAPTCHA,
    "restart": RESTART,
    "begin": BEGIN,
}


def _asks_for_code(components: Sequence[Component]) -> bool:
    """Whether a code is asked for that was sent, and nothing says so."""
    kinds = {each.type for each in walk(components)}
    return "RESEND" in kinds and "INPUT" in kinds and "TYPOGRAPHY" not in kinds


def _titled(sections: list[Section], frame: Frame) -> tuple[str, list[Section]]:
    """Take the view's own heading for the page's where it begins with one."""
    if sections and isinstance(sections[0].blocks[0], Heading):
        first = sections[0]
        rest = msgspec.structs.replace(first, blocks=first.blocks[1:])
        title = first.blocks[0].text  # type: ignore[union-attr]  # looked at above
        return title, [each for each in (rest, *sections[1:]) if each.blocks]
    return _title(frame), sections


def _title(frame: Frame) -> str:
    return (
        (frame.branding.name or "")
        if frame.kind is None
        else frame.say(f"title_{frame.kind.value}")
    )


def _done(kind: FlowType | None) -> str:
    known = {
        FlowType.LOGIN: "done_login",
        FlowType.LOGOUT: "done_logout",
        FlowType.REGISTRATION: "done_registration",
        FlowType.INVITED_REGISTRATION: "done_registration",
        FlowType.UNENROLLMENT: "done_unenrollment",
    }
    return "done" if kind is None else known.get(kind, "done")


def _ceremony(told: Mapping[str, Json]) -> Mapping[str, str]:
    creates = "publicKeyCredentialCreationOptions" in told
    return {
        "options": _JSON.encode(told).decode(),
        "button": "passkey_create" if creates else "passkey_use",
    }


def _captcha(sections: Sequence[Section]) -> Captcha | None:
    blocks = (block for each in sections for block in each.blocks)
    return next((each for each in blocks if isinstance(each, Captcha)), None)


def _widget(captcha: Captcha) -> str:
    return WIDGETS[captcha.variant].script.replace("{key}", quote(captcha.site_key, safe=""))


def _policy(
    frame: Frame,
    sections: Sequence[Section] = (),
    scripts: tuple[str, ...] = (),
    captcha: Captcha | None = None,
) -> Policy:
    images = dict.fromkeys([*pictures(sections), *frame.branding.picture_sources()])
    return Policy(tuple(images), scripts, None if captcha is None else captcha.variant)


def _attributes(attributes: Mapping[str, str | bool]) -> markupsafe.Markup:
    """Write attributes of a tag; those that are True have no value."""
    bare = (
        markupsafe.Markup(" {}").format(name)
        if value is True
        else markupsafe.Markup(' {}="{}"').format(name, value)
        for name, value in attributes.items()
    )
    return markupsafe.Markup("").join(bare)


_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["attributes"] = _attributes
