from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from libs.common.chassis.config import read
from libs.common.chassis.startup import StartupFailure
from services.executor.texts.catalogue import SAID, SHIPPED, Texts, read_texts


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.json")), ids=lambda file: file.stem)
def test_every_language_that_ships_has_every_key_in_order(file: Path) -> None:
    assert list(msgspec.json.decode(file.read_bytes())) == list(SAID)


def test_german_ships() -> None:
    assert read_texts(None).of("de-CH").say("button.continue") == "Weiter"


def test_whoever_asks_for_nothing_that_there_is_is_told_in_english() -> None:
    for header in ("", "fr", "*", "no header at all"):
        said = read_texts(None).of(header)
        assert said.tag == "en"
        assert said.words.items() >= SAID.items()


def test_what_a_language_lacks_is_said_in_the_broader_one_or_in_english() -> None:
    english = {"a": "A", "b": "B", "c": "C"}
    texts = Texts(english, {"de": {"a": "a-de", "b": "b-de"}, "de-AT": {"a": "a-at"}})
    assert texts.of("de-at").words == {"a": "a-at", "b": "b-de", "c": "C"}
    assert texts.of("de-at").tag == "de-AT"


def test_a_folder_adds_languages_and_changes_words(tmp_path: Path) -> None:
    (tmp_path / "fr.json").write_text('{"button.continue": "Continuer"}')
    (tmp_path / "DE.json").write_text('{"button.continue": "Fortfahren"}')
    (tmp_path / "en.json").write_text('{"button.continue": "Next"}')
    (tmp_path / "README.md").write_text("Not a language.")
    texts = read_texts(str(tmp_path))
    said = [texts.of(header).say("button.continue") for header in ("fr", "de", "en", "it")]
    assert said == ["Continuer", "Fortfahren", "Next", "Next"]
    assert texts.of("fr").say("label.email") == "Email"
    assert texts.of("de").say("label.email") == "E-Mail-Adresse"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("fr.json", '{"buton.continue": "x", "z": "x"}', "keys that nothing says: buton.continue"),
        ("fr.json", '{"button.continue": ""}', "fr.json"),
        ("fr.json", '{"button.continue": 1}', "fr.json"),
        ("fr.json", '{"mail.code_text": "{{ cod }}"}', "`mail.code_text` cannot be filled in"),
        ("fr.json", '{"mail.welcome_text": "{{ code }}"}', "`mail.welcome_text` cannot be"),
        ("fr.json", "[]", "fr.json"),
        ("fr.json", "{", "fr.json"),
        ("fr.json", '{"button.continue": "' + "x" * 300_000 + '"}', "fr.json, which is larger"),
        ("french!.json", "{}", "french!.json, which is not called after a language"),
    ],
)
def test_a_file_that_is_wrong_keeps_the_service_from_starting(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(StartupFailure) as refused:
        read("texts_folder", read_texts, str(tmp_path))
    assert "GATEHOUSE_TEXTS_FOLDER" in str(refused.value)
    assert complaint in str(refused.value)


def test_a_folder_that_is_not_there_or_too_full_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder that can be read"):
        read_texts(str(tmp_path / "none"))
    for number in range(101):
        (tmp_path / f"aa-{number}.json").write_text("{}")
    with pytest.raises(ValueError, match="at most 100"):
        read_texts(str(tmp_path))
