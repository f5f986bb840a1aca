import msgspec

from libs.common.flow.expression.functions import FUNCTIONS
from libs.common.flow.expression.reference import reference
from libs.common.flow.expression.schema import SCHEMA

SHOWN = msgspec.json.decode(msgspec.json.encode(reference()))


def test_all_that_can_be_called_and_read_is_shown() -> None:
    assert [each["name"] for each in SHOWN["functions"]] == list(FUNCTIONS)
    assert [each["path"] for each in SHOWN["roots"]] == list(SCHEMA)
    assert SHOWN["kinds"] == ["null", "boolean", "number", "string", "list", "map"]


def test_the_bounds_are_those_of_the_design() -> None:
    assert SHOWN["bounds"] == {"characters": 2000, "nodes": 200, "depth": 24}


def test_a_function_is_shown_whole() -> None:
    by_name = {each["name"]: each for each in SHOWN["functions"]}
    assert by_name["daysSince"] == {
        "name": "daysSince",
        "signature": "daysSince(time: number)",
        "parameters": [{"name": "time", "kinds": ["number"], "path": False}],
        "result": "number",
        "summary": FUNCTIONS["daysSince"].description,
        "reads": ["request.time"],
        "examples": [
            {"expression": "daysSince(user.last_login)", "comes_to": "value", "value": 10.0},
            {"expression": "daysSince(user.created_at) > 90", "comes_to": "missing"},
        ],
    }
    assert by_name["has"]["reads"] == []
    assert by_name["has"]["parameters"] == [{"name": "path", "kinds": [], "path": True}]


def test_a_fault_is_shown_with_its_reason() -> None:
    (equality,) = (each for each in SHOWN["operators"] if "a === b" in each["spellings"])
    assert equality["examples"][-1] == {
        "expression": "user.logins_count === true",
        "comes_to": "fault",
        "reason": "`===` compares a number with a boolean",
    }
    assert equality["result"] == "boolean"


def test_an_attribute_is_shown_below_its_root() -> None:
    assert {"path": "user.email", "kind": "string", "open": False, "attributes": []} in SHOWN[
        "roots"
    ][0]["attributes"]


def test_what_may_hold_more_than_is_known_is_open() -> None:
    is_open = {each["path"]: each["open"] for each in SHOWN["roots"]}
    assert (is_open["user"], is_open["facts"], is_open["request"]) == (True, True, False)
