"""The two ceremonies of Web Authentication Level 2: what a client is asked, and what comes back.

Nothing that comes back is believed but what is signed, or bound to the challenge. Which make of
authenticator it is, is not asked: it would tell more of its user than it proves.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from libs.common.flow.passkeys import Ceremony, OfferPasskey, Wish
from libs.common.secret import Secret
from services.executor.sites import Site

log: Final[FilteringBoundLogger] = structlog.get_logger()

_CHALLENGE_BYTES: Final = 32
_LONGEST_ID: Final = 1023
"""Bytes of a credential's id (7.1, step 25)."""


class Known(msgspec.Struct, frozen=True):
    """What is named to a client of a passkey."""

    id: bytes
    transports: tuple[str, ...]


class Made(msgspec.Struct, frozen=True):
    """A new passkey."""

    id: bytes
    public_key: bytes
    sign_count: int
    bound: bool
    transports: tuple[str, ...]


class Signed(msgspec.Struct, frozen=True):
    """A right answer of a passkey's."""

    sign_count: int
    verified: bool


class Claimed(msgspec.Struct, frozen=True):
    """Which passkey a client says it shows; nothing of it is proved yet."""

    id: bytes
    handle: bytes | None
    """Whom the authenticator keeps it for."""


def seek(site: Site, known: Sequence[Known], verification: Wish, seconds: int) -> Ceremony:
    """Ask for one of the passkeys `known`, or for any where there are none."""
    options = generate_authentication_options(
        rp_id=site.id,
        challenge=secrets.token_bytes(_CHALLENGE_BYTES),
        timeout=1000 * seconds,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement(verification),
    )
    return Ceremony(bytes_to_base64url(options.challenge), options_to_json_dict(options))


def offer(site: Site, known: Sequence[Known], name: str, wanted: OfferPasskey) -> Ceremony:
    """Ask for a new passkey, on no authenticator that has one of those `known`."""
    attachment = wanted.attachment
    options = generate_registration_options(
        rp_id=site.id,
        rp_name=site.id,
        user_id=handle_of(wanted.account),
        user_name=name,
        challenge=secrets.token_bytes(_CHALLENGE_BYTES),
        timeout=1000 * wanted.seconds,
        exclude_credentials=_descriptors(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            authenticator_attachment=attachment and AuthenticatorAttachment(attachment),
            resident_key=ResidentKeyRequirement(wanted.resident),
            user_verification=UserVerificationRequirement(wanted.verification),
        ),
    )
    return Ceremony(bytes_to_base64url(options.challenge), options_to_json_dict(options))


def handle_of(account: str) -> bytes:
    """Say what an authenticator knows the account by; it tells nobody anything else."""
    return uuid.UUID(account).bytes


def claimed(response: Secret) -> Claimed | None:
    """Say which passkey a client shows; None where it shows none."""
    try:
        credential = parse_authentication_credential_json(response.reveal())
    except Exception as error:  # noqa: BLE001 - a stranger's bytes: whatever they cause, they show nothing
        _note(error)
        return None
    return Claimed(credential.raw_id, credential.response.user_handle)


def check(
    site: Site, response: Secret, challenge: str, public_key: bytes, verification: Wish
) -> Signed | None:
    """Say whether what came back is signed for this site and `challenge`; None where it is not.

    The counter is for the caller to compare, in one step with keeping it.
    """
    try:
        credential = parse_authentication_credential_json(response.reveal())
        _refuse_frames(credential.response.client_data_json)
        found = verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.id,
            expected_origin=list(site.origins),
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=verification == "required",
        )
    except Exception as error:  # noqa: BLE001 - as in `claimed`
        _note(error)
        return None
    return Signed(found.new_sign_count, found.user_verified)


def made(site: Site, response: Secret, challenge: str, verification: Wish) -> Made | None:
    """Read the new passkey that came back; None where it was not made for this."""
    try:
        credential = parse_registration_credential_json(response.reveal())
        _refuse_frames(credential.response.client_data_json)
        found = verify_registration_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.id,
            expected_origin=list(site.origins),
            require_user_verification=verification == "required",
        )
        # A key that cannot be loaded would be found out only when somebody is locked out.
        decoded_public_key_to_cryptography(
            decode_credential_public_key(found.credential_public_key)
        )
    except Exception as error:  # noqa: BLE001 - as in `claimed`
        _note(error)
        return None
    if len(found.credential_id) > _LONGEST_ID:
        return None
    return Made(
        found.credential_id,
        found.credential_public_key,
        found.sign_count,
        found.credential_device_type is CredentialDeviceType.SINGLE_DEVICE,
        tuple(each.value for each in credential.response.transports or ()),
    )


def _refuse_frames(client_data: bytes) -> None:
    # Inside a page of another origin the user may not see what they agree to.
    if parse_client_data_json(client_data).cross_origin:
        raise ValueError("a page of another origin was around it")


def _descriptors(known: Sequence[Known]) -> list[PublicKeyCredentialDescriptor]:
    names = {each.value: each for each in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=each.id, transports=[names[one] for one in each.transports if one in names]
        )
        for each in known
    ]


def _note(error: Exception) -> None:
    # Not its words, which may quote what was sent.
    log.info("passkey_refused", reason=type(error).__name__)
