"""Hands SMS to the deployment's gateway, over HTTP.

    it cannot be reached, or does not let us in   `Unavailable`: it is so for every SMS
    it is slow, busy or broken (408, 429, 5xx)    `PutOff`: later, some times
    it refuses this one (any other status)        `Hopeless`

A gateway that took an SMS and could not say so is given it again, under the same key. No number,
and nothing that a gateway says, since it may quote one, is in any error here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import urlencode, urlsplit

import msgspec
import structlog
from aiohttp import hdrs
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.consume import Hopeless
from libs.common.chassis.outgoing import Lack, Line, NoAnswer
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from services.executor.messages.trouble import PutOff

log: Final[FilteringBoundLogger] = structlog.get_logger()

GatewayForm: TypeAlias = Literal["json", "twilio"]

_WHAT: Final = "the SMS gateway"
_AGAIN_SECONDS: Final = 2.0
_REFUSED_SECONDS: Final = 60.0
_MOST_BYTES: Final = 64 * 1024
_LATER: Final = frozenset({408, 425, 429})
_UNWELCOME: Final = frozenset({401, 403})
_BROKEN: Final = 500
_FINE: Final = range(200, 300)


class Account(msgspec.Struct, frozen=True):
    """Where SMS are handed over, and as whom."""

    url: str
    form: GatewayForm
    sender: str
    user: str | None
    secret: Secret | None


def check_url(url: str) -> str:
    """Return `url`; raise `ValueError` for what nobody can call."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("is https://host/path, with the user and the secret in settings of theirs")
    return url


class Gateway:
    """Sends SMS."""

    def __init__(self, line: Line, account: Account, *, seconds: float) -> None:
        """Wait `seconds` for each answer."""
        self._line = line
        self._account = account
        self._seconds = seconds

    async def send(self, text: str, *, to: str, key: str) -> None:
        """Return once the gateway has taken `text`; raise as this module's docstring says.

        By the same `key` it can tell a repeat.
        """
        write = _FORMS[self._account.form]
        headers, body = write(self._account, text, to, key)
        try:
            answer = await self._line.call(
                "POST",
                self._account.url,
                seconds=self._seconds,
                most_bytes=_MOST_BYTES,
                headers=headers,
                body=body,
            )
        except NoAnswer as error:
            if error.lack in (Lack.AWAY, Lack.REFUSED):
                log.warning("sms_gateway_away", kind=error.lack.value)
                raise Unavailable(_WHAT, _AGAIN_SECONDS) from None
            raise PutOff(f"the SMS gateway gave no answer ({error.lack.value})") from None
        status = answer.status
        if status in _UNWELCOME:
            log.error("sms_gateway_refuses_password", code=status)
            raise Unavailable(_WHAT, _REFUSED_SECONDS)
        if status in _LATER or status >= _BROKEN:
            raise PutOff(f"the SMS gateway put it off ({status})")
        if status not in _FINE:
            raise Hopeless(f"the SMS gateway refused it for good ({status})")


def _json(account: Account, text: str, to: str, key: str) -> tuple[Mapping[str, str], bytes]:
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: "application/json", "Idempotency-Key": key}
    if account.secret is not None:
        headers[hdrs.AUTHORIZATION] = (
            f"Bearer {account.secret.reveal()}" if account.user is None else _basic(account)
        )
    return headers, msgspec.json.encode({"to": to, "from": account.sender, "text": text})


def _twilio(account: Account, text: str, to: str, _key: str) -> tuple[Mapping[str, str], bytes]:
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: "application/x-www-form-urlencoded",
        hdrs.AUTHORIZATION: _basic(account),
    }
    return headers, urlencode({"To": to, "From": account.sender, "Body": text}).encode()


def _basic(account: Account) -> str:
    secret = "" if account.secret is None else account.secret.reveal()
    pair = base64.b64encode(f"{account.user or ''}:{secret}".encode()).decode()
    return f"Basic {pair}"


_FORMS: Final = {"json": _json, "twilio": _twilio}
