from __future__ import annotations

from babel.core import get_global

from libs.common.nodes.countries import COUNTRIES

# What CLDR knows of beside the countries: parts and groups of some, nowhere, and Kosovo, whose code
# ISO 3166-1 leaves to whoever uses it.
NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XK", "ZZ"}


def test_the_countries_are_those_that_unicode_knows_of() -> None:
    zones = {code for code in get_global("territory_languages") if len(code) == 2}
    assert zones - COUNTRIES <= NO_COUNTRIES
    assert len(COUNTRIES) == 249
