"""What users are told, by key, in English: what is here is in every language's file as well.

The key goes to the client as `i18nKey`, so that it can say the same in words of its own. No text
tells whether an account exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "button.another_way": "Use another way",
        "button.continue": "Continue",
        "button.not_now": "Not now",
        "button.resend": "Send another code",
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
        "label.code": "Code",
        "label.email": "Email",
        "label.email_or_phone": "Email or phone number",
        "label.email_or_username": "Email or user name",
        "label.identifier": "Email, user name or phone number",
        "label.password": "Password",
        "label.phone": "Phone number",
        "label.totp": "Authentication code",
        "label.username": "User name",
        "label.username_or_phone": "User name or phone number",
        "passkey.expired": "That took too long. Try again.",
        "passkey.refused": "That passkey cannot be kept. Try again, or use another device.",
        "passkey.wrong": "That passkey is not right. Try again, or use another one.",
        "password.wrong": "The password is not right.",
        "provider.refused": "That did not work. Try again, or another way.",
    }
)
