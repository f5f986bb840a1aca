import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from libs.common.chassis.problems import Refusal
from libs.common.errors import Problem
from libs.common.flow.model import Json
from services.management.routes.v3.errors import refuse, status_of


def told(refusal: Refusal) -> Json:
    answer = refuse(make_mocked_request("GET", "/"), refusal)
    assert answer.status == refusal.status
    assert isinstance(answer.body, bytes)
    return msgspec.json.decode(answer.body)


def wrong(*problems: Problem) -> Json:
    return told(Refusal(400, "invalid", "the body is wrong", "t", problems))


def test_what_is_wrong_with_a_field_is_listed_under_it() -> None:
    assert wrong(
        Problem("missing_field", "it is required", path="slug"),
        Problem("invalid", "too long", path="name"),
        Problem("invalid", "not nice", path="name"),
    ) == {
        "non_field_errors": [],
        "slug": ["it is required"],
        "name": ["too long", "not nice"],
        "code": "invalid",
    }


def test_what_is_wrong_with_a_header_is_listed_under_its_whole_name() -> None:
    assert wrong(Problem("invalid", "no", path="Idempotency-Key"))["Idempotency-Key"] == ["no"]


def test_what_is_wrong_inside_a_field_says_where() -> None:
    assert wrong(Problem("invalid", "no", path="graph.nodes[2].id"))["graph"] == ["nodes[2].id: no"]


@pytest.mark.parametrize("path", [None, "", "code", "[0].name"])
def test_what_no_field_is_to_blame_for_is_listed_apart(path: str | None) -> None:
    assert wrong(Problem("invalid", "no", path=path)) == {
        "non_field_errors": ["no"],
        "code": "invalid",
    }


def test_a_refusal_without_problems_says_its_message() -> None:
    assert wrong()["non_field_errors"] == ["the body is wrong"]


def test_who_is_unknown_gets_a_403_as_the_page_has_no_401() -> None:
    answer = refuse(make_mocked_request("GET", "/"), Refusal(401, "unauthenticated", "no", "t"))
    assert answer.status == status_of(401) == 403
    assert answer.body == b'{"detail":"no","code":"not_authenticated"}'


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(404, "not_found", "not_found"), (403, "denied", "permission_denied")],
)
def test_all_else_has_a_detail_and_a_code_of_djangos(status: int, code: str, said: str) -> None:
    assert told(Refusal(status, code, "no", "t")) == {"detail": "no", "code": said}
