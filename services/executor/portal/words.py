"""What the portal's own pages say, by key, in English: beside `MESSAGES`, which nodes say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "portal.begin": "Is that what you want?",
        "portal.captcha_needs_script": "This check needs JavaScript. Turn it on and load the page "
        "again.",
        "portal.choose": "Choose one",
        "portal.code_sent": "Type in the code that was sent to you.",
        "portal.codes_copied": "Copied.",
        "portal.codes_copy": "Copy",
        "portal.codes_print": "Print",
        "portal.continue": "Continue",
        "portal.done": "That is done. You can close this page.",
        "portal.done_login": "You are signed in.",
        "portal.done_logout": "You are signed out.",
        "portal.done_registration": "Your account is ready.",
        "portal.done_unenrollment": "Your account has been deleted.",
        "portal.fault_busy": "This cannot go on just now. Try again in a moment.",
        "portal.fault_denied": "You may not do this here.",
        "portal.fault_expired": "This took too long, or was finished before. Start again.",
        "portal.fault_foreign": "You were sent here by a page that may not do that. Start again.",
        "portal.fault_invalid": "That could not be understood. Go back and try again.",
        "portal.fault_link": "This link is not good, or not any more. Have another one sent.",
        "portal.fault_moved": "This goes on where you opened the link from the mail.",
        "portal.fault_none": "There is nothing here.",
        "portal.fault_signed_out": "Sign in first.",
        "portal.fault_trouble": "Something went wrong on our side. Try again later.",
        "portal.fault_wait": "There were too many tries.",
        "portal.help": "Help",
        "portal.leave": "This goes on at another site:",
        "portal.leave_back": "I am back",
        "portal.link": "You have opened a link from a mail. Go on with what it was sent for?",
        "portal.link_paste": "Paste the whole link from the mail here",
        "portal.optional": "optional",
        "portal.overtaken": "You have moved on in the meantime, maybe in another tab. This is "
        "where you are.",
        "portal.passkey_create": "Create a passkey",
        "portal.passkey_failed": "That did not work, or was cancelled. Try again.",
        "portal.passkey_has_one": "This device has a passkey for your account already.",
        "portal.passkey_needs_script": "Passkeys need JavaScript. Turn it on and load the page "
        "again.",
        "portal.passkey_unsupported": "This browser cannot use passkeys.",
        "portal.passkey_use": "Use a passkey",
        "portal.privacy": "Privacy",
        "portal.restart": "Start again",
        "portal.sign_in": "Sign in",
        "portal.terms": "Terms",
        "portal.title_account_recovery": "Recover your account",
        "portal.title_authorization": "Allow access",
        "portal.title_fault": "That did not work",
        "portal.title_invited_registration": "Accept your invitation",
        "portal.title_link": "Go on here",
        "portal.title_login": "Sign in",
        "portal.title_logout": "Sign out",
        "portal.title_mfa_setup": "Set up how you sign in",
        "portal.title_password_reset": "Reset your password",
        "portal.title_registration": "Create an account",
        "portal.title_unenrollment": "Delete your account",
        "portal.wait_seconds": "Try again in {seconds} seconds.",
        "portal.write": "Contact",
    }
)
