from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.questions import MayLeadTo
from libs.common.flow.turn import Leave, Stay
from libs.common.nodes.redirect import NO_VIEW, NODE, Config, run
from tests.playbook import Playbook, lowered, visit

THERE = "https://app.example/terms"
STEP = lowered(NODE, {"url": THERE})


def test_it_leads_where_the_deployment_lets_it() -> None:
    dialogue = Playbook(run(STEP, visit()))
    dialogue.asks(MayLeadTo(THERE), answered=True).ends(Stay(NO_VIEW, url=THERE))


def test_it_leads_nowhere_else() -> None:
    dialogue = Playbook(run(STEP, visit()))
    dialogue.asks(MayLeadTo(THERE), answered=False).ends(Leave("failure"))


def test_it_goes_on_when_the_client_comes_back_and_learns_nothing() -> None:
    back = visit(submitted={"code": "4/0AfJohX", "state": "g5kZMl"}, action="button-a2f1")
    Playbook(run(STEP, back)).ends(Leave("success"))


@pytest.mark.parametrize(
    "url", ["", "terms", "//evil.example", "/\\evil.example", "http://app.example/", "javascript:0"]
)
def test_what_is_no_path_and_no_https_url_is_refused(url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": url}, Config)
