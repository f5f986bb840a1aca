from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from libs.common.flow.identifier import KINDS
from libs.common.nodes.form import Characters
from libs.common.nodes.messages import MESSAGES

COMMON = Path(__file__).parents[5] / "libs/common"
KEY = re.compile(
    r'"((?:button|captcha|code|field|flow|form|invitation|label|link|passkey|password|provider|text|title)\.[a-z_]+)"'
)


def test_every_key_that_is_said_has_words_and_no_others_have() -> None:
    sources = [*COMMON.glob("nodes/*.py"), COMMON / "flow/turn.py"]
    said = {
        key
        for source in sources
        if source.stem != "messages"
        for key in KEY.findall(source.read_text())
    }
    # Made of the kind's name, where an identifier is read.
    said |= {f"field.{kind}" for kind in KINDS}
    # And of what a text may be made of.
    said |= {f"field.{characters}" for characters in get_args(Characters)}
    assert said == set(MESSAGES)


def test_the_catalogue_reads_in_order() -> None:
    assert list(MESSAGES) == sorted(MESSAGES)
