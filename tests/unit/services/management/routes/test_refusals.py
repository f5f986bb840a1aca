import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from libs.common.chassis.problems import Refusal
from libs.common.errors import Problem
from libs.common.flow.model import Json
from services.management.routes.faces import Face, face_of
from services.management.routes.refusals import SHAPES, refuse

WRONG = Refusal(400, "invalid", "the body is wrong", "t", (Problem("invalid", "no", path="name"),))


def told(path: str, refusal: Refusal) -> Json:
    answer = refuse(make_mocked_request("POST", path), refusal)
    assert answer.status == refusal.status
    assert isinstance(answer.body, bytes)
    return msgspec.json.decode(answer.body)


@pytest.mark.parametrize(
    ("path", "face"),
    [
        ("/api/admin/flows", Face.ADMIN),
        ("/api/v2/flows", Face.V2),
        ("/api/v2", Face.V2),
        ("/api/v3/flows/instances/", Face.V3),
        ("/oauth/token", Face.OAUTH),
        ("/t/acme/api/v2/flows", Face.V2),
        ("/t/acme/api/v3/flows/instances/x/", Face.V3),
        ("/t/a/b/api/v2/flows", Face.ADMIN),
        ("/t/api/v2/flows", Face.ADMIN),
        ("/api/v20/flows", Face.ADMIN),
        ("/openapi.json", Face.ADMIN),
        ("/", Face.ADMIN),
    ],
)
def test_a_path_is_of_one_face_whosever_it_is(path: str, face: Face) -> None:
    assert face_of(path) is face


def test_each_face_has_a_shape() -> None:
    assert set(SHAPES) == set(Face)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/admin/flows", "problems"),
        ("/t/acme/api/v2/flows", "statusCode"),
        ("/api/v3/flows/instances/", "non_field_errors"),
        ("/oauth/token", "error_description"),
    ],
)
def test_a_refusal_has_the_shape_of_the_face_that_was_called(path: str, field: str) -> None:
    assert field in told(path, WRONG)


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("face", list(Face))
def test_what_a_face_says_is_of_the_type_that_it_is_said_to_be(face: Face, status: int) -> None:
    refusal = msgspec.structs.replace(WRONG, status=status)
    request = make_mocked_request("POST", "/")
    answer = SHAPES[face].refuse(request, refusal)
    assert isinstance(answer.body, bytes)
    msgspec.json.decode(answer.body, type=SHAPES[face].body_of(status))


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(401, "unauthenticated", "x", "t"), "invalid_client"),
        (Refusal(503, "unavailable", "x", "t"), "temporarily_unavailable"),
        (Refusal(405, "method_not_allowed", "x", "t"), "method_not_allowed"),
        (WRONG, "invalid_request"),
        (
            Refusal(400, "invalid", "x", "t", (Problem("invalid_scope", "none of yours"),)),
            "invalid_scope",
        ),
    ],
)
def test_oauth_has_the_words_of_its_rfc(refusal: Refusal, error: str) -> None:
    assert told("/oauth/token", refusal) == {"error": error, "error_description": refusal.message}
