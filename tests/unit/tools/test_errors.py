"""The page of errors has all that can be refused, be wrong with a flow, or be told to a user."""

from http import HTTPStatus

from libs.common.chassis.problems import ANSWERS, Refusal
from libs.common.flow.rules import ADVICE, RULES
from services.executor.faults import FAULTS
from services.executor.texts.catalogue import SAID
from services.management.routes.faces import Face
from tools.cases import FIXTURES
from tools.errors import errors, face_words, problem_rows, refusal_rows


def test_everything_that_is_refused_has_a_row_and_words_in_each_face() -> None:
    rows = list(refusal_rows())
    statuses = [int(status) for status, _ in ANSWERS.values()]
    assert [int(row[0]) for row in rows] == [*statuses, HTTPStatus.INTERNAL_SERVER_ERROR]
    assert {len(row) for row in rows} == {len(Face) + 2}
    assert all(all(row) for row in rows)


def test_a_face_that_answers_with_another_status_says_which() -> None:
    refusal = Refusal(HTTPStatus.UNAUTHORIZED, "unauthenticated", "", "")
    assert face_words(Face.V2, refusal) == "`unauthorized`, `invalid_token`"
    assert face_words(Face.V3, refusal) == "`not_authenticated` (403)"


def test_every_fault_and_every_message_to_users_is_on_the_page() -> None:
    page = errors()
    for fault in FAULTS.values():
        assert f"\n| `{fault.code}` | " in page
    for key in SAID:
        assert f"\n| `{key}` | " in page


def test_every_problem_that_a_flow_can_have_has_a_row_with_a_message() -> None:
    rows = [*problem_rows("error", RULES), *problem_rows("warning", ADVICE)]
    codes = {case.stem for case in FIXTURES.with_name("codes").glob("*.yaml")}
    assert {row[0].strip("`") for row in rows} == codes
    assert all(all(row) for row in rows)
