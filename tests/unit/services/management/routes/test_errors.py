import msgspec
from aiohttp.test_utils import make_mocked_request

from libs.common.chassis.problems import Refusal
from libs.common.errors import EdgeRef, Problem
from services.management.routes.errors import refuse

REQUEST = make_mocked_request("GET", "/")


def test_a_refusal_has_a_word_for_programs_and_a_sentence_for_people() -> None:
    answer = refuse(REQUEST, Refusal(409, "conflict", "the flow is not active", "t"))
    assert answer.status == 409
    assert answer.content_type == "application/json"
    assert answer.text == '{"error":"conflict","message":"the flow is not active"}'


def test_problems_are_told_as_validate_tells_them() -> None:
    problem = Problem("invalid_edge", "mend it", edge=EdgeRef("a", "b"))
    answer = refuse(REQUEST, Refusal(400, "invalid", "no", "t", (problem,)))
    assert msgspec.json.decode(answer.text or "") == {
        "error": "invalid",
        "message": "no",
        "problems": [
            {
                "code": "invalid_edge",
                "message": "mend it",
                "edge": {"source": "a", "target": "b"},
            }
        ],
    }
