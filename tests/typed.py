"""What people typed in tests, and the search for it wherever nothing of it may be kept.

The walkers note every secret that is typed or shown: passwords, codes, tokens, what a passkey
signed, assertions. Whoever empties a server, a log or the metrics looks for what was noted since it
was filled, and raises `Found`, so that the test at fault is the one that fails.

    mark = TYPED.mark()
    ...
    TYPED.expose(mark, [("executor", out.getvalue())], "the log")

Too short, or too usual, to be looked for: `wrong`, `000000`. A test that types what it looks for
itself chooses something longer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

SECRET_INPUTS: Final = frozenset(
    {"password", "confirmation", "code", "invitation", "captcha", "tokenResponse", "token"}
)
"""Names of inputs that nobody but the executor may see. A new node's is added here."""
SIGNED: Final = ("signature", "clientDataJSON", "attestationObject", "authenticatorData")
SHORTEST: Final = 12
DIGITS: Final = 6
USUAL: Final = ("0123456789", "9876543210")
RECOVERY_CODE: Final = re.compile(r"_code_\d+$")


class Found(AssertionError):
    """Something that somebody typed lies where it must not."""


class Typed:
    """All that was noted, in order."""

    def __init__(self) -> None:
        self._noted: list[bytes] = []

    def note(self, text: object) -> None:
        """Look for `text` from now on, where it can be told from what is there anyway."""
        if isinstance(text, str) and is_telling(text):
            self._noted.append(text.encode())

    def request(self, body: Mapping[str, Any]) -> None:
        """Note what is typed in a request of `/flow/execute`."""
        inputs = body.get("inputs")
        for name, value in (inputs if isinstance(inputs, Mapping) else {}).items():
            if name == "tokenResponse":
                for part in signed(value):
                    self.note(part)
            elif name in SECRET_INPUTS:
                self.note(value)

    def answer(self, body: object) -> None:
        """Note what an answer of it shows to its user alone."""
        data = body.get("data") if isinstance(body, Mapping) else None
        if not isinstance(data, Mapping):
            return
        self.note(data.get("userAssertion"))
        for component in data.get("components") or ():
            config = component.get("config") or {}
            if RECOVERY_CODE.search(component["id"]):
                self.note(config.get("text"))
            for secret in parse_qs(urlsplit(config.get("uri") or "").query).get("secret", ()):
                self.note(secret)

    def mark(self) -> int:
        """Say how much was noted so far."""
        return len(self._noted)

    def since(self, mark: int) -> list[bytes]:
        """Return what was noted since, each once."""
        return list(dict.fromkeys(self._noted[mark:]))

    def expose(self, mark: int, kept: Iterable[tuple[str, bytes]], where: str) -> None:
        """Raise `Found` if anything noted since `mark` is in what is kept, place by place."""
        needles = self.since(mark)
        found = {
            f"{hint(needle)} in {where}: {place}"
            for place, data in kept
            for needle in needles
            if holds(data, needle)
        }
        if found:
            raise Found(f"somebody typed it, and it is kept: {'; '.join(sorted(found))}")


TYPED: Final = Typed()
"""Of this process: each that runs tests has servers of its own."""


def is_telling(text: str) -> bool:
    """Whether finding `text` somewhere says that it was kept there."""
    if text.isdecimal():
        plain = len(set(text)) < 3 or any(text in usual for usual in USUAL)
        return len(text) >= DIGITS and not plain
    # An address that is typed as a password is known as an address.
    return len(text) >= SHORTEST and "@" not in text


def signed(sent: object) -> Iterator[str]:
    """Return the parts of what a passkey answered that nobody else could have made."""
    try:
        credential = json.loads(sent) if isinstance(sent, str) else None
    except ValueError:
        return
    response = credential.get("response") if isinstance(credential, dict) else None
    if isinstance(response, dict):
        yield from (part for name in SIGNED if isinstance(part := response.get(name), str))


def holds(kept: bytes, needle: bytes) -> bool:
    """Whether `needle` is in `kept`: digits only where they are no part of something longer."""
    if needle not in kept:
        return False
    if not needle.isdigit():
        return True
    return re.search(rb"(?<![\w.+/-])%s(?![\w+/-]|\.\d)" % needle, kept) is not None


def hint(needle: bytes) -> str:
    """Name a secret to whoever runs the tests; it is of invented people."""
    return repr(needle[:40].decode())
