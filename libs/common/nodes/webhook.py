"""Calls an address of the author's choice, and goes on as that answers.

It is signed with a key of the tenant. A call that needs a secret of its own, or that several flows
make, is better an `action`.
"""

from __future__ import annotations

from msgspec.structs import asdict

from libs.common.flow.calls import Attempts, CallWebhook, Headers, Target, TrySeconds, Url
from libs.common.flow.node import NodeType, Outcomes, Site, Visit
from libs.common.flow.turn import Dialogue, Leave, ask
from libs.common.nodes.calling import (
    FAILURE,
    FALLBACKS,
    FIXED,
    Calling,
    Exchange,
    body_of,
    key_of,
    lower_exchange,
    take,
    writes,
)


class Config(Calling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Url
    """Where the call goes: over HTTPS to the public internet, or to a network that the executor's
    `GATEHOUSE_OUTGOING_ALLOWED` names."""
    headers: Headers = ()
    """Sent in clear with each call: no place for a secret."""
    timeout_seconds: TrySeconds = 2.0
    """For one try."""
    attempts: Attempts = 3
    """Tries in all. Another is made where there was no answer, or a 408, 425, 429 or 5xx."""


class Lowered(Exchange, frozen=True, kw_only=True):
    target: Target


def lower(config: Config, site: Site) -> Lowered:
    target = Target(
        url=config.url,
        headers=config.headers,
        timeout_seconds=config.timeout_seconds,
        attempts=config.attempts,
    )
    return Lowered(**asdict(lower_exchange(config)), target=target)


def run(config: Lowered, visit: Visit) -> Dialogue:
    body = yield from body_of(config, visit)
    if body is None:
        return Leave(FAILURE)
    answer = yield from ask(CallWebhook(config.target, key_of(visit), body))
    return take(config, visit, answer)


NODE: NodeType[Config, Lowered] = NodeType(
    name="webhook",
    summary="Calls an address over HTTP, and goes on as that answers.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=Outcomes(FIXED, named=("outcomes", "outcome")),
    fallbacks=FALLBACKS,
    writes=writes,
    unwritten=FALLBACKS,
)
