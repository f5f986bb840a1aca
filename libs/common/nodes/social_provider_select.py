"""Sends the user to sign in with a provider of their choice (OpenID Connect), and takes them back.

An account is found by what the provider never gives to anybody else, its `sub`, and never by an
address that it has not verified. Where an author lets a verified one count, the account must have
verified it too: whoever registers another's address would otherwise wait there for them.
"""

from __future__ import annotations

import hmac
from collections.abc import Generator, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.federation import BeginSignIn, Came, FinishSignIn, LinkExternal
from libs.common.flow.identifier import normalise
from libs.common.flow.model import Json, Named, RegisteredId
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed
from libs.common.flow.proof import Gain
from libs.common.flow.questions import FindAccount, LoadUser
from libs.common.flow.turn import (
    Dialogue,
    Facts,
    Leave,
    Message,
    Question,
    Stay,
    Submission,
    ask,
)
from libs.common.flow.view import Component, View
from libs.common.nodes.ends import Page
from libs.common.nodes.form import Button, Text, check_action, draw_button
from libs.common.nodes.guess import Attempts
from libs.common.nodes.prompt import RESERVED
from libs.common.secret import Secret

AMR: Final = "fed"
USUAL: Final = {"email": "email", "name": "name"}
"""What is staged where the author does not say."""
SECONDS: Final = 900
"""How long somebody may take at a provider."""
REFUSED: Final = Message("provider.refused")
_LONGEST: Final = 4_000
"""Characters of what a provider sends back."""
_LONGEST_CLAIM: Final = 1_000
"""Characters of what is staged."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,49}$(?!\n)")]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    providers: Annotated[tuple[RegisteredId, ...], msgspec.Meta(min_length=1, max_length=20)]
    """Ids of providers of the tenant. Where it is one, the user is sent there at once."""
    labels: Mapping[RegisteredId, Text] = msgspec.field(default_factory=dict)
    """What the button of a provider says; its id else, which is in no language."""
    attributes: Mapping[Name, Name] | None = None
    """What is staged of somebody new: attribute of the user → claim of the provider. `email` is
    staged only where the provider has verified it. Unless given, `email` and `name`."""
    link_by_email: bool = False
    """Take somebody for the account that has the address which the provider has verified, if the
    account has verified it as well."""
    callback: Page | None = None
    """Where the provider sends the user back, as it is registered there: a page of yours, that goes
    on with `code` and `state`. Unless given, `/portal/callback` of the issuer."""
    attempts: Attempts = 5
    """Sign-ins that come to nothing, in one session; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    view: View
    providers: tuple[str, ...]
    attributes: Mapping[str, str]
    link_by_email: bool
    callback: str | None
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    providers = config.providers
    if len(set(providers)) < len(providers):
        raise InvalidConfig(Problem("invalid_config", "Name each provider once", path="providers"))
    attributes = USUAL if config.attributes is None else config.attributes
    reserved = sorted(RESERVED & attributes.keys())
    if reserved:
        message = f"What the system knows cannot be staged: {', '.join(reserved)}"
        raise InvalidConfig(Problem("invalid_config", message, path="attributes"))
    form = Component(
        f"form_{site.node}",
        "FORM",
        components=tuple(
            draw_button(Button(each, each, config.labels.get(each, each))) for each in providers
        ),
    )
    return Lowered(
        View((form,)),
        providers,
        attributes,
        config.link_by_email,
        config.callback,
        config.attempts,
    )


def run(config: Lowered, visit: Visit) -> Dialogue:
    submitted = visit.submitted
    if submitted is None:
        if len(config.providers) > 1:
            return Stay(config.view)
        return (yield from _send(config, visit, config.providers[0]))
    if _is_back(submitted):
        return (yield from _take_back(config, visit, submitted))
    check_action(config.view, submitted)
    return (yield from _send(config, visit, submitted.action or config.providers[0]))


def _is_back(submitted: Submission) -> bool:
    return any(name in submitted.inputs for name in ("state", "code", "error"))


def _send(
    config: Lowered, visit: Visit, provider: str
) -> Generator[Question[Any], Any, Stay | Leave]:
    if visit.tries >= config.attempts:
        return Leave("failure")
    begun = yield from ask(BeginSignIn(provider, config.callback))
    if begun is None:
        return _refused(config, visit)
    kept = {
        "provider": provider,
        "state": begun.state,
        "nonce": begun.nonce,
        "verifier": begun.verifier,
        "until": visit.surroundings.time + SECONDS,
    }
    return Stay(config.view, kept=kept, url=begun.url)


def _refused(config: Lowered, visit: Visit) -> Stay | Leave:
    if visit.tries + 1 >= config.attempts:
        return Leave("failure", tried=True)
    return Stay(config.view, REFUSED, tried=True)


def _take_back(config: Lowered, visit: Visit, submitted: Submission) -> Dialogue:
    if visit.tries >= config.attempts:
        return Leave("failure")
    kept, inputs = visit.kept, submitted.inputs
    state, code = _text(inputs.get("state")), _text(inputs.get("code"))
    if not kept or code is None or state is None or visit.surroundings.time > kept["until"]:
        return _refused(config, visit)
    if not hmac.compare_digest(state.encode(), kept["state"].encode()):
        return _refused(config, visit)
    question = FinishSignIn(
        kept["provider"],
        config.callback,
        Secret(code),
        _text(inputs.get("iss")),
        kept["nonce"],
        Secret(kept["verifier"]),
    )
    came = yield from ask(question)
    if came is None:
        return _refused(config, visit)
    account = came.account
    if account is None and visit.facts.owned:
        assert visit.facts.account is not None  # noqa: S101 - owned says so
        account = yield from _link(visit.facts.account, came)
    elif account is None and config.link_by_email:
        account = yield from _find_by_email(came)
    if account is not None:
        if not _is_theirs(visit.facts, account):
            return _refused(config, visit)
        return Leave("success", replace(visit.facts, account=account, proved=_proved(visit.facts)))
    if visit.facts.owned:
        return _refused(config, visit)
    staged = {**visit.facts.staged, **_staged(config.attributes, came.claims)}
    facts = replace(visit.facts, staged=staged, external=came.external)
    # It is a proof of whoever is known so once the account is made, and of nobody before.
    return Leave("new_user", replace(facts, proved=_proved(visit.facts)))


def _text(sent: Json) -> str | None:
    # Printable ASCII, as all of it is (RFC 6749, appendix A).
    if not isinstance(sent, str) or not 0 < len(sent) <= _LONGEST:
        return None
    return sent if sent.isascii() and sent.isprintable() else None


def _link(account: str, came: Came) -> Generator[Question[Any], Any, str | None]:
    return account if (yield from ask(LinkExternal(account, came.external))) else None


def _find_by_email(came: Came) -> Generator[Question[Any], Any, str | None]:
    email = _verified_email(came.claims)
    if email is None:
        return None
    account = yield from ask(FindAccount(("email",), email))
    if account is None:
        return None
    user = yield from ask(LoadUser(account))
    if user is None or user.get("email_verified") is not True:
        return None
    return (yield from _link(account, came))


def _verified_email(claims: Mapping[str, Json]) -> str | None:
    email = claims.get("email")
    # A text that says `true` is no `true`.
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return None
    return normalise("email", email)


def _is_theirs(facts: Facts, account: str) -> bool:
    """Whether it is the account that was named; nobody need be called so."""
    if facts.identifier is None and facts.account is None:
        return True
    return account == facts.account


def _proved(facts: Facts) -> tuple[str, ...]:
    # What nobody was named for says nothing of this account.
    before = () if facts.account is None else facts.proved
    return tuple(dict.fromkeys((*before, AMR)))


def _staged(attributes: Mapping[str, str], claims: Mapping[str, Json]) -> dict[str, Json]:
    staged: dict[str, Json] = {}
    for name, claim in attributes.items():
        value = _verified_email(claims) if name == "email" else claims.get(claim)
        if isinstance(value, str) and 0 < len(value) <= _LONGEST_CLAIM and value.isprintable():
            staged[name] = value
    return staged


NODE: NodeType[Config, Lowered] = NodeType(
    name="social_provider_select",
    summary="Lets the user sign in with one of the tenant's providers (OpenID Connect).",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "new_user", "failure"),
    fallbacks=frozenset({"new_user", "failure"}),
    waits=frozenset({"success", "new_user"}),
    proves=lambda _config: {
        "success": (Gain((AMR,), identified=True),),
        "new_user": (Gain((AMR,)),),
    },
    writes=lambda _config: (("user",),),
    unwritten=frozenset({"failure"}),
    names=lambda config: tuple(Named("provider", each) for each in config.providers),
)
