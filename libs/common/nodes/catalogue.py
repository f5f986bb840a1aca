"""Every node type there is. A new one is a file beside this, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from libs.common.flow.node import AnyNodeType
from libs.common.nodes import (
    action,
    captcha,
    condition,
    consent,
    deny,
    dummy,
    email_verification,
    failure,
    identifier_input,
    internal_prompt,
    invitation,
    mfa_verification,
    otp_input,
    password_input,
    password_setup,
    prompt,
    recovery_codes_setup,
    redirect,
    send_email,
    send_sms,
    set_attribute,
    social_provider_select,
    start,
    subflow,
    success,
    switch,
    totp_setup,
    user_delete,
    user_login,
    user_logout,
    user_write,
    webauthn,
    webauthn_setup,
    webhook,
)

CATALOGUE: tuple[AnyNodeType, ...] = (
    start.NODE,
    success.NODE,
    failure.NODE,
    condition.NODE,
    switch.NODE,
    subflow.NODE,
    identifier_input.NODE,
    password_input.NODE,
    password_setup.NODE,
    mfa_verification.NODE,
    webauthn.NODE,
    social_provider_select.NODE,
    webauthn_setup.NODE,
    otp_input.NODE,
    email_verification.NODE,
    totp_setup.NODE,
    recovery_codes_setup.NODE,
    invitation.NODE,
    prompt.NODE,
    internal_prompt.NODE,
    consent.NODE,
    set_attribute.NODE,
    captcha.NODE,
    redirect.NODE,
    send_email.NODE,
    send_sms.NODE,
    webhook.NODE,
    action.NODE,
    user_write.NODE,
    user_login.NODE,
    user_logout.NODE,
    user_delete.NODE,
    deny.NODE,
    dummy.NODE,
)
"""In the order of the reference page."""

NODE_TYPES: Mapping[str, AnyNodeType] = MappingProxyType({node.name: node for node in CATALOGUE})
"""By name."""
