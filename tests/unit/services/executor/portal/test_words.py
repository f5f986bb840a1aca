from __future__ import annotations

import re
from pathlib import Path

from libs.common.flow.model import FlowType
from services.executor import portal
from services.executor.portal.words import WORDS

FOLDER = Path(portal.__file__).parent


def test_every_key_that_is_said_has_words_and_no_others_have() -> None:
    templates = [file.read_text() for file in (FOLDER / "templates").iterdir()]
    said = {key for text in templates for key in re.findall(r"say\('([a-z_]+)'\)", text)}
    said |= {f"title_{kind.value}" for kind in FlowType if kind.wire}
    sources = "".join(file.read_text() for file in FOLDER.glob("*.py") if file.name != "words.py")
    known = {key.removeprefix("portal.") for key in WORDS}
    assert said <= known
    assert {key for key in known - said if f'"{key}"' not in sources} == set()
