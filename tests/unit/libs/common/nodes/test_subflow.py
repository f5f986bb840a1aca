from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.turn import Enter
from libs.common.nodes.subflow import NODE, Config, run
from tests.playbook import Playbook, lowered, visit


def test_it_enters_the_flow_that_it_names_and_asks_nothing() -> None:
    Playbook(run(lowered(NODE, {"flow": "step-up"}), visit())).ends(Enter())
    assert NODE.calls(Config("step-up")) == "step-up"
    assert NODE.calls(lowered(NODE, {"flow": "step_up"})) == "step_up"


def test_how_that_ends_are_its_outcomes_and_a_failure_need_not_be_drawn() -> None:
    assert NODE.outcomes(Config("step-up")) == ("success", "failure")
    assert NODE.fallbacks == {"failure"}


@pytest.mark.parametrize("slug", ["", "a b", "a/b", "a_b\n", "cache_info", None])
def test_what_is_no_slug_names_no_flow(slug: str | None) -> None:
    with pytest.raises(msgspec.ValidationError):
        lowered(NODE, {"flow": slug})
