from __future__ import annotations

from pathlib import Path

import pytest

from services.executor.texts.catalogue import read_texts
from services.executor.texts.countries import COUNTRY_KEYS, country_words


@pytest.mark.parametrize(
    ("tag", "name"),
    [("en", "Sweden"), ("de", "Schweden"), ("pt-BR", "Suécia"), ("ja", "スウェーデン")],
)
def test_every_country_has_a_name_in_each_language(tag: str, name: str) -> None:
    words = country_words(tag)
    assert words.keys() == COUNTRY_KEYS
    assert words["country.SE"] == name


@pytest.mark.parametrize("tag", ["xx", "x-private", "aa-bbb-cccccccc"])
def test_a_language_that_nobody_knows_has_none(tag: str) -> None:
    assert country_words(tag) == {}


def test_the_names_are_among_the_words_and_an_operator_may_say_others(tmp_path: Path) -> None:
    (tmp_path / "fr.json").write_text('{"country.SE": "Royaume de Suède"}')
    texts = read_texts(str(tmp_path))
    assert texts.of("de-AT").say("country.AT") == "Österreich"
    assert texts.of("it").say("country.AT") == "Austria"
    french = texts.of("fr")
    assert (french.say("country.SE"), french.say("country.NO")) == ("Royaume de Suède", "Norvège")
