"""What users are told, by key, in English: what is here is in every language's file as well.

The key goes to the client as `i18nKey`, so that it can say the same in words of its own. No text
tells whether an account exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "button.agree": "Agree",
        "button.another_way": "Use another way",
        "button.codes_kept": "I have kept them",
        "button.continue": "Continue",
        "button.decline": "Decline",
        "button.not_now": "Not now",
        "button.resend": "Send another code",
        "button.use_email": "Have a code sent by email",
        "button.use_recovery_code": "Use a recovery code",
        "button.use_sms": "Have a code sent by SMS",
        "button.use_totp": "Use your authenticator app",
        "button.use_webauthn": "Use a passkey",
        "captcha.unknown": "This cannot be checked just now. Try again in a moment.",
        "captcha.wrong": "That could not be confirmed. Try again.",
        "code.expired": "That code has expired. Have another one sent.",
        "code.no_more": "No more codes can be sent. Start again to get one.",
        "code.sent": "Another code is on its way.",
        "code.wait": "Wait a moment before you have another code sent.",
        "code.wrong": "That code is not right. Check it and try again.",
        "field.code": "Enter the digits of the code.",
        "field.date": "Enter a date as YYYY-MM-DD.",
        "field.email": "Enter an email address, such as name@example.com.",
        "field.identifier": "That does not look right. Check it and try again.",
        "field.invalid": "This cannot be used here.",
        "field.number": "Enter a number.",
        "field.phone": "Enter a phone number with its country code, such as +1 202 555 0100.",
        "field.required": "This is needed.",
        "field.too_long": "This is too long.",
        "field.too_short": "This is too short.",
        "field.username": "Enter a user name without spaces and `@`.",
        "flow.failed": "This could not be completed.",
        "form.invalid": "Check what is marked and try again.",
        "invitation.invalid": "That invitation is not good, or not any more.",
        "label.code": "Code",
        "label.confirmation": "The same again",
        "label.email": "Email",
        "label.email_or_phone": "Email or phone number",
        "label.email_or_username": "Email or user name",
        "label.identifier": "Email, user name or phone number",
        "label.invitation": "Invitation",
        "label.new_password": "New password",
        "label.password": "Password",
        "label.phone": "Phone number",
        "label.recovery_code": "Recovery code",
        "label.totp": "Authentication code",
        "label.username": "User name",
        "label.username_or_phone": "User name or phone number",
        "passkey.expired": "That took too long. Try again.",
        "passkey.refused": "That passkey cannot be kept. Try again, or use another device.",
        "passkey.wrong": "That passkey is not right. Try again, or use another one.",
        "password.breached": "This password is known from a breach. Choose another.",
        "password.differs": "The two are not the same.",
        "password.is_name": "Choose a password that is not what you are called.",
        "password.wrong": "The password is not right.",
        "provider.refused": "That did not work. Try again, or another way.",
        "text.consent": "Do you agree that your account is used to sign in here?",
        "title.recovery_codes_setup": "Keep these recovery codes",
        "title.sent": "A code is on its way to",
        "title.totp_setup": "Set up your authenticator app",
    }
)
