"""What messages say that no author wrote, by key, in English: another language is a file of these.

What is filled in is written as authors write it (`libs.common.flow.words`), with the slots of the
message. No text tells whether an account exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mail.code_html": "<p>Your code is <strong>{{ code }}</strong>. It works for "
        "{{ minutes }} minutes.</p>\n<p>If you did not ask for it, somebody else has typed your "
        "address. Tell nobody the code.</p>\n",
        "mail.code_subject": "{{ code }} is your code",
        "mail.code_text": "Your code is {{ code }}. It works for {{ minutes }} minutes.\n\n"
        "If you did not ask for it, somebody else has typed your address. Tell nobody the code.\n",
        "mail.link_html": '<p><a href="{{ link }}">Follow this link to go on.</a> It works once, '
        "and for {{ minutes }} minutes.</p>\n<p>If you did not ask for it, somebody else has "
        "typed your address. Do not follow it.</p>\n",
        "mail.link_subject": "Your link",
        "mail.link_text": "Follow this link to go on:\n\n{{ link }}\n\nIt works once, and for "
        "{{ minutes }} minutes.\n\nIf you did not ask for it, somebody else has typed your "
        "address. Do not follow it.\n",
        "mail.password_changed_html": "<p>The password of your account was changed just now.</p>\n"
        "<p>If it was not you, recover your account at once.</p>\n",
        "mail.password_changed_subject": "Your password was changed",
        "mail.password_changed_text": "The password of your account was changed just now.\n\n"
        "If it was not you, recover your account at once.\n",
        "mail.signed_in_html": "<p>Somebody has just signed in to your account.</p>\n"
        "<p>If it was not you, change your password.</p>\n",
        "mail.signed_in_subject": "New sign-in",
        "mail.signed_in_text": "Somebody has just signed in to your account.\n\n"
        "If it was not you, change your password.\n",
        "mail.welcome_html": "<p>Hello {{ user.given_name ?? user.name ?? 'there' }},</p>\n"
        "<p>your account is ready.</p>\n",
        "mail.welcome_subject": "Welcome",
        "mail.welcome_text": "Hello {{ user.given_name ?? user.name ?? 'there' }},\n\n"
        "your account is ready.\n",
        "sms.code_text": "{{ code }} is your code. It works for {{ minutes }} minutes. "
        "Tell nobody.",
    }
)

CODE_SLOTS: Final = frozenset({"code", "minutes"})
LINK_SLOTS: Final = frozenset({"link", "minutes"})
_SLOTS: Final[Mapping[str, frozenset[str]]] = {
    "mail.code": CODE_SLOTS,
    "mail.link": LINK_SLOTS,
    "sms.code": CODE_SLOTS,
}


def slots_of(key: str) -> frozenset[str]:
    """Return what else than expressions may be filled into the words of `key`."""
    return _SLOTS.get(key.rpartition("_")[0], frozenset())
