"""Has the user show that they are no program, to a service of the tenant's choice.

It proves nothing about who they are. Whoever cannot be told from a program is asked again, and so
is everybody while the service does not answer: to let them past would be to have no captcha.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import msgspec

from libs.common.flow.captchas import CheckCaptcha, Judgement, ShowCaptcha, Widget
from libs.common.flow.model import Json, Named, RegisteredId
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, FieldError, Leave, Message, Question, Stay, ask
from libs.common.flow.view import Component, View
from libs.common.nodes.form import SUBMIT, check_action, draw_button
from libs.common.nodes.guess import Attempts
from libs.common.secret import Secret

INPUT: Final = "captcha"
"""What the service gave the client comes back as."""
LONGEST: Final = 16_384
"""Characters of that: far more than any service gives."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provider: RegisteredId = "captcha"
    """The `id` of a provider of the kind `captcha`; where there is none the node leaves by
    `failure`."""
    attempts: Attempts = 5
    """Refusals in one session, loops back included; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    provider: str
    attempts: int
    form: str
    """Its id."""


def lower(config: Config, site: Site) -> Lowered:
    return Lowered(config.provider, config.attempts, f"form_{site.node}")


def run(config: Lowered, visit: Visit) -> Dialogue:
    if visit.submitted is None:
        return (yield from _show(config))
    check_action(_draw(config, None), visit.submitted)
    sent = visit.submitted.inputs.get(INPUT)
    if sent is None or sent == "":
        return (yield from _show(config, FieldError(INPUT, "field.required")))
    if not isinstance(sent, str) or len(sent) > LONGEST:
        return (yield from _show(config, FieldError(INPUT, "field.invalid")))
    # Here again by a loop, with no try left: what is sent is not looked at.
    if visit.tries >= config.attempts:
        return Leave("failure")
    judgement = yield from ask(CheckCaptcha(config.provider, Secret(sent)))
    if judgement is Judgement.PASSED:
        return Leave("success")
    if judgement is Judgement.UNKNOWN:
        return (yield from _show(config, Message("captcha.unknown")))
    if visit.tries + 1 >= config.attempts:
        return Leave("failure", tried=True)
    return (yield from _show(config, Message("captcha.wrong"), tried=True))


def _show(
    config: Lowered, wrong: Message | FieldError | None = None, *, tried: bool = False
) -> Generator[Question[Any], Any, Stay | Leave]:
    widget = yield from ask(ShowCaptcha(config.provider))
    if widget is None:
        return Leave("failure", tried=tried)
    field = (wrong,) if isinstance(wrong, FieldError) else ()
    message = Message("form.invalid") if isinstance(wrong, FieldError) else wrong
    return Stay(_draw(config, widget), message, field, tried=tried)


def _draw(config: Lowered, widget: Widget | None) -> View:
    captcha: tuple[Component, ...] = ()
    if widget is not None:
        said: dict[str, Json] = {
            "identifier": INPUT,
            "name": INPUT,
            "required": True,
            "siteKey": widget.site_key,
        }
        captcha = (Component(INPUT, "CAPTCHA", widget.variant, config=said),)
    form = Component(config.form, "FORM", components=(*captcha, draw_button(SUBMIT)))
    return View((form,), (INPUT,))


NODE: NodeType[Config, Lowered] = NodeType(
    name="captcha",
    summary="Has the user show that they are no program.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    waits=frozenset({"success"}),
    names=lambda config: (Named("provider", config.provider),),
)
