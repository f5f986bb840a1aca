"""The portal's cookies: what a browser knows of its own flows, and nobody else does.

    flow.{tenant}.{type}    the flow in progress, and where the user wanted to go
    away                    where the browser was sent away from, and the `state` it has to bring;
                            once it is back, what it brought, until its flow has that
    assertion.{tenant}      who is signed in, for as long as the sign-in stands
    device                  a random name, by which a rollout keeps to one version for this browser

No page can read them, and forms and links of other sites send none with a POST. Over https they
have a prefix by which no other host can set them (RFC 6265bis, 4.1.3).
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
from aiohttp import web

from libs.common.flow.model import FlowType
from libs.common.secret import Secret

_LONGEST: Final = 4_000
"""Characters of a cookie that browsers keep."""
_AWAY_SECONDS: Final = 900
_PORTAL: Final = re.compile(r"(/t/[A-Za-z0-9][A-Za-z0-9_.-]{0,62})?/portal")
_FLOW_ID: Final = re.compile("[0-9a-f-]{36}")
_DEVICE: Final = re.compile("[0-9a-f]{32}")


class InProgress(msgspec.Struct, frozen=True):
    """A flow that a browser is in."""

    flow_id: str
    next: str | None
    """Where the user goes once it has succeeded; whoever wrote it may not be believed."""

    def __repr__(self) -> str:
        """Show nothing: who has the `flowId` has the session."""
        return "InProgress(***)"


class Away(msgspec.Struct, frozen=True, array_like=True):
    """Where a browser was sent away from."""

    base: str
    """The path of the tenant's portal."""
    kind: FlowType
    step: str
    state: str
    """Empty where it need not come back with one."""
    brought: Mapping[str, str] | None = None
    """What it came back with; None until it has."""

    def __repr__(self) -> str:
        """Show nothing: a provider's code may be in it."""
        return "Away(***)"

    def is_back(self, state: str) -> bool:
        """Whether somebody who comes with `state` is who was sent away."""
        return hmac.compare_digest(self.state.encode(), state.encode("utf-8", "surrogatepass"))


_AWAY: Final = msgspec.json.Decoder(Away)
_ENCODER: Final = msgspec.json.Encoder()


class Jar:
    """Reads the cookies of requests, and sets those of answers."""

    def __init__(self, *, secure: bool, sign_in_seconds: int, device_seconds: int) -> None:
        """Be `secure` where the site is over https; a sign-in stands for so many seconds.

        A browser has a name for `device_seconds` after it was last used; none where that is 0.
        """
        self._secure = secure
        self._prefix = "__Host-gatehouse." if secure else "gatehouse."
        self._sign_in_seconds = sign_in_seconds
        self._device_seconds = device_seconds

    def flow(self, request: web.Request, tenant: str, kind: FlowType) -> InProgress | None:
        """Return the flow of that type that the browser is in."""
        flow_id, _, coded = self._read(request, _flow(tenant, kind)).partition(".")
        if not _FLOW_ID.fullmatch(flow_id):
            return None
        return InProgress(flow_id, _decoded(coded))

    def keep_flow(
        self, answer: web.Response, tenant: str, kind: FlowType, flow: InProgress
    ) -> None:
        """Have the browser be in `flow`."""
        coded = "" if flow.next is None else base64.urlsafe_b64encode(flow.next.encode()).decode()
        self._set(answer, _flow(tenant, kind), f"{flow.flow_id}.{coded.rstrip('=')}")

    def forget_flow(self, answer: web.Response, tenant: str, kind: FlowType) -> None:
        """Have the browser be in no flow of that type."""
        self._set(answer, _flow(tenant, kind), "", 0)

    def away(self, request: web.Request) -> Away | None:
        """Return where the browser was sent away from."""
        try:
            away = _AWAY.decode(_debase(self._read(request, "away")))
        except (ValueError, msgspec.MsgspecError):
            return None
        return away if _PORTAL.fullmatch(away.base) else None

    def back(self, request: web.Request, base: str, kind: FlowType) -> Away | None:
        """Return where the browser was sent away from, where it is back with something."""
        away = self.away(request)
        if away is None or away.brought is None or (away.base, away.kind) != (base, kind):
            return None
        return away

    def keep_away(self, answer: web.Response, away: Away) -> bool:
        """Have the browser know where it was; False where no browser keeps so much."""
        coded = base64.urlsafe_b64encode(_ENCODER.encode(away)).decode().rstrip("=")
        if len(coded) > _LONGEST:
            return False
        self._set(answer, "away", coded, _AWAY_SECONDS)
        return True

    def forget_away(self, answer: web.Response) -> None:
        """Have the browser be back."""
        self._set(answer, "away", "", 0)

    def assertion(self, request: web.Request, tenant: str) -> Secret | None:
        """Return the assertion of who is signed in."""
        found = self._read(request, f"assertion.{tenant}")
        return Secret(found) if found else None

    def keep_assertion(self, answer: web.Response, tenant: str, assertion: str) -> None:
        """Have the browser know who is signed in."""
        # Longer than it is good: a late one still signs out.
        self._set(answer, f"assertion.{tenant}", assertion, self._sign_in_seconds)

    def forget_assertion(self, answer: web.Response, tenant: str) -> None:
        """Have nobody be signed in."""
        self._set(answer, f"assertion.{tenant}", "", 0)

    def device(self, request: web.Request) -> str:
        """Return the name of the browser, which says nothing of anybody: a new one if it has none.

        Empty where browsers are to have none.
        """
        if not self._device_seconds:
            return ""
        found = self._read(request, "device")
        return found if _DEVICE.fullmatch(found) else secrets.token_hex(16)

    def keep_device(self, answer: web.Response, device: str) -> None:
        """Have the browser be called `device`, unless that is empty."""
        if device:
            self._set(answer, "device", device, self._device_seconds)

    def _read(self, request: web.Request, name: str) -> str:
        return request.cookies.get(f"{self._prefix}{name}", "")[:_LONGEST]

    def _set(self, answer: web.Response, name: str, value: str, seconds: int | None = None) -> None:
        answer.set_cookie(
            f"{self._prefix}{name}",
            value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )


def _flow(tenant: str, kind: FlowType) -> str:
    return f"flow.{tenant}.{kind.value}"


def _debase(coded: str) -> bytes:
    """Read base64url without padding; raise `ValueError` for what is none."""
    return base64.urlsafe_b64decode(coded.encode() + b"=" * (-len(coded) % 4))


def _decoded(coded: str) -> str | None:
    try:
        return _debase(coded).decode() or None
    except ValueError:
        return None
