"""The reference of the language, as an editor would fetch it."""

import pytest

from libs.common.flow.expression import FUNCTIONS, SCHEMA, compile_expression, parse
from libs.common.flow.expression.grammar import BINDING
from libs.common.flow.model import Json
from tests.integration.management.conftest import Api, token

REFERENCE = "/api/admin/expressions/reference"


@pytest.fixture
async def shown(api: Api) -> Json:
    reply = await api.call("GET", REFERENCE)
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"] == "application/json"
    return reply.body


async def test_the_reference_has_all_that_an_author_can_write(shown: Json) -> None:
    assert [each["name"] for each in shown["functions"]] == list(FUNCTIONS)
    assert [each["path"] for each in shown["roots"]] == list(SCHEMA)
    spellings = " ".join(text for each in shown["operators"] for text in each["spellings"])
    assert set(BINDING) < set(spellings.split())
    assert shown["bounds"] == {"characters": 2000, "nodes": 200, "depth": 24}


async def test_each_example_that_is_answered_comes_to_what_it_says(shown: Json) -> None:
    told = [*shown["operators"], *shown["functions"], *shown["missing"]]
    examples = [example for each in told for example in each["examples"]]
    values = [each for each in examples if each["comes_to"] == "value"]
    assert 0 < len(values) < len(examples)
    for each in values:
        found = compile_expression(parse(each["expression"]))(shown["sample"])
        assert (list(found) if isinstance(found, tuple) else found) == each["value"], each


async def test_the_reference_is_the_same_for_each_tenant(api: Api, shown: Json) -> None:
    reply = await api.call("GET", f"/t/acme{REFERENCE}", bearer=token("read:flows", tenant="acme"))
    assert (reply.status, reply.body) == (200, shown)


@pytest.mark.parametrize(
    ("path", "bearer", "status"),
    [
        (REFERENCE, "", 401),
        (REFERENCE, token("update:flows"), 403),
        (f"/t/acme{REFERENCE}", token("read:flows", tenant="globex"), 403),
    ],
)
async def test_whoever_may_not_read_flows_may_not_read_it(
    api: Api, path: str, bearer: str, status: int
) -> None:
    assert (await api.call("GET", path, bearer=bearer)).status == status
