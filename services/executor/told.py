"""Effects on their way between executors."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from libs.common.chassis.seal import Keys
from libs.common.flow.messaging import SendMail, SendSms
from libs.common.flow.questions import SignedIn

AnyMessage: TypeAlias = SendMail | SendSms
"""Effects that somebody else's server has a part in: it may be slow, and take what it likes."""
AnyEffect: TypeAlias = SignedIn | AnyMessage
"""Every effect there is."""


class Told(msgspec.Struct, frozen=True):
    """An effect, and whose it is."""

    id: str
    """Of its session, revision and number: the same however often it is told."""
    tenant: str
    effect: AnyEffect


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    """A message on its way: addresses, codes and links are for nobody who reads NATS."""

    id: str
    tenant: str
    sealed: bytes


_PURPOSE: Final = b"message"
_ENCODER: Final = msgspec.msgpack.Encoder()
_TOLD: Final = msgspec.msgpack.Decoder(Told)
_SEALED: Final = msgspec.msgpack.Decoder(_Sealed)


def encode(told: Told) -> bytes:
    """Write what was told."""
    return _ENCODER.encode(told)


def decode(data: bytes) -> Told:
    """Read what `encode` wrote; raise `msgspec.DecodeError` for what is no effect."""
    return _TOLD.decode(data)


def seal(keys: Keys, told: Told) -> bytes:
    """Write a message so that only executors read it."""
    sealed = keys.box(told.tenant, told.id).seal(_PURPOSE, _ENCODER.encode(told))
    return _ENCODER.encode(_Sealed(told.id, told.tenant, sealed))


def unseal(keys: Keys, data: bytes) -> Told:
    """Read what `seal` wrote; raise `msgspec.DecodeError` or `Unsealable`."""
    found = _SEALED.decode(data)
    return _TOLD.decode(keys.box(found.tenant, found.id).open(_PURPOSE, found.sealed))
