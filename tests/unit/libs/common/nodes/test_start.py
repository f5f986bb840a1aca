from __future__ import annotations

from libs.common.flow.turn import Leave
from libs.common.nodes.start import NODE, run
from tests.playbook import Playbook, lowered, visit


def test_a_flow_goes_on_from_its_start_at_once() -> None:
    Playbook(run(lowered(NODE), visit())).ends(Leave("success"))
