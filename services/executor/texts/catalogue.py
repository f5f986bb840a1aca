"""The catalogues: those that ship, and over them the files of an operator.

A key that a file lacks is said in the language's broader form (`de` for `de-AT`), or in English.
A file that says what nobody asks for is refused at start: it is most likely misspelt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

import msgspec

from libs.common.flow.node import InvalidConfig
from libs.common.flow.words import read_words
from libs.common.nodes.messages import MESSAGES
from libs.common.nodes.wording import LETTERS, slots_of
from services.executor.portal.words import WORDS
from services.executor.texts.countries import COUNTRY_KEYS, country_words
from services.executor.texts.languages import look_up, truncations

ENGLISH: Final = "en"
SHIPPED: Final = Path(__file__).parent
SAID: Final[Mapping[str, str]] = dict(sorted({**MESSAGES, **LETTERS, **WORDS}.items()))
"""All that users are told, in English, by key."""
_TAG: Final = re.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,8}")
_LARGEST: Final = 256 * 1024
"""Bytes of a file."""
_MOST: Final = 100
"""Files of a folder."""

Words = dict[str, Annotated[str, msgspec.Meta(min_length=1, max_length=500)]]


class Language(msgspec.Struct, frozen=True):
    """A language, and all that can be said in it."""

    tag: str
    """As in `pt-BR` (BCP 47)."""
    words: Mapping[str, str]
    """By key; every key is there."""

    def say(self, key: str) -> str:
        """Return the words of `key`; the key itself where a newer release knows them."""
        return self.words.get(key, key)


class Texts:
    """The languages that users can be answered in."""

    def __init__(self, english: Mapping[str, str], others: Mapping[str, Mapping[str, str]]) -> None:
        """Say what lacks in `others`, by tag, in the broader language or in English."""
        given = {ENGLISH: {}, **others}
        said = {tag.lower(): words for tag, words in given.items()}
        self.languages: dict[str, Language] = {}
        """By tag, in lower case; English first."""
        for tag in given:
            words = dict(english)
            for broader in reversed((*truncations(tag.lower()), ENGLISH)):
                words |= said.get(broader, {})
            self.languages[tag.lower()] = Language(tag, words)
        # Browsers send the same few headers again and again.
        self.of = lru_cache(512)(self._of)

    def _of(self, header: str) -> Language:
        return self.languages[look_up(header, self.languages) or ENGLISH]


def read_texts(folder: str | None) -> Texts:
    """Read what ships, and `folder` over it; raise a `ValueError` that names the wrong file."""
    files = _read_folder(SHIPPED)
    if folder:
        for tag, words in _read_folder(Path(folder)).items():
            known = next((each for each in files if each.lower() == tag.lower()), tag)
            files[known] = {**files.get(known, {}), **words}
    named = {tag: {**country_words(tag), **words} for tag, words in files.items()}
    return Texts({**SAID, **country_words(ENGLISH)}, named)


def _read_folder(folder: Path) -> dict[str, Words]:
    try:
        files = sorted(each for each in folder.iterdir() if each.suffix == ".json")
    except OSError as error:
        raise ValueError(f"is no folder that can be read ({type(error).__name__})") from error
    if len(files) > _MOST:
        raise ValueError(f"has {len(files)} files; at most {_MOST} are read")
    return {each.stem: _read_file(each) for each in files}


def _read_file(file: Path) -> Words:
    if not _TAG.fullmatch(file.stem):
        raise ValueError(f"has {file.name}, which is not called after a language, as in de-AT.json")
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError(f"has {file.name}, which is larger than {_LARGEST} bytes")
        words = msgspec.json.decode(file.read_bytes(), type=Words)
    except (OSError, msgspec.MsgspecError) as error:
        raise ValueError(
            f"has {file.name}, which is no map of texts by key that can be read: {error}"
        ) from error
    unknown = sorted(words.keys() - SAID.keys() - COUNTRY_KEYS)
    if unknown:
        raise ValueError(f"has {file.name} with keys that nothing says: {', '.join(unknown)}")
    for key in words.keys() & LETTERS.keys():
        try:
            read_words(words[key], key, slots_of(key))
        except InvalidConfig as error:
            raise ValueError(
                f"has {file.name}, where `{key}` cannot be filled in: {error}"
            ) from error
    return words
