"""The names of countries, by key, in whatever language: as Unicode keeps them (CLDR).

An operator's file may say others, as it may of any key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from babel import Locale, UnknownLocaleError

from libs.common.nodes.countries import COUNTRIES, KEY

COUNTRY_KEYS: Final = frozenset(f"{KEY}{code}" for code in COUNTRIES)


def country_words(tag: str) -> Mapping[str, str]:
    """Return the names in the language `tag` (BCP 47), by key; nothing where nobody knows them."""
    try:
        names = Locale.parse(tag, sep="-").territories
    except (UnknownLocaleError, ValueError):
        return {}
    return {f"{KEY}{code}": names[code] for code in sorted(COUNTRIES) if code in names}
