"""The node types as data: an editor can be built of them alone."""

import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.nodes.catalogue import CATALOGUE
from tests.integration.management.conftest import Api, refused, token

NODE_TYPES = "/api/admin/node-types"


@pytest.fixture
async def shown(api: Api) -> Json:
    return (await api.done("GET", NODE_TYPES))["items"]


async def test_there_are_all_types_that_a_flow_can_be_drawn_with(api: Api, shown: Json) -> None:
    assert [each["name"] for each in shown] == [node.name for node in CATALOGUE]
    for each in shown:
        assert await api.done("GET", f"{NODE_TYPES}/{each['name']}") == each


async def test_a_type_says_what_may_be_written_of_it_and_where_it_leads(api: Api) -> None:
    mfa = await api.done("GET", f"{NODE_TYPES}/mfa_verification")
    assert mfa["outcomes"] == ["success", "failure", "not_enrolled"]
    assert mfa["default_outcome"] == "success"
    assert mfa["fallbacks"] == ["failure", "not_enrolled"]
    assert mfa["waits"] == ["failure", "success"]
    assert mfa["named_outcomes"] is None
    [config] = mfa["config"]["$defs"].values()
    assert config["additionalProperties"] is False
    assert config["properties"]["attempts"]["maximum"] > 1


async def test_a_type_says_where_its_config_names_outcomes(api: Api) -> None:
    switch = await api.done("GET", f"{NODE_TYPES}/switch")
    assert switch["outcomes"] == ["default", "error"]
    assert switch["named_outcomes"] == "cases[].outcome"
    config = switch["config"]["$defs"]
    assert "outcome" in config["Case"]["properties"]
    assert config["Config"]["properties"]["cases"]["type"] == "array"


async def test_each_field_of_each_config_says_what_it_means(shown: Json) -> None:
    kinds = [kind for each in shown for kind in each["config"]["$defs"].values()]
    fields = [field for kind in kinds for field in kind.get("properties", {}).values()]
    assert len(fields) > len(CATALOGUE)
    assert all(field["description"] for field in fields)


async def test_what_the_least_config_leaves_by_is_what_is_told(shown: Json) -> None:
    told = {each["name"]: each for each in shown}
    for node in CATALOGUE:
        try:
            config = msgspec.convert({}, node.config)
        except msgspec.ValidationError:
            continue
        assert tuple(told[node.name]["outcomes"]) == node.outcomes(config)


async def test_an_end_leads_nowhere(api: Api) -> None:
    success = await api.done("GET", f"{NODE_TYPES}/success")
    assert (success["outcomes"], success["default_outcome"]) == ([], None)


async def test_what_is_no_type_is_not_found(api: Api) -> None:
    for name in ("teleport", "%00", "Start"):
        refused(await api.call("GET", f"{NODE_TYPES}/{name}"), 404, "not_found")


async def test_who_may_not_read_flows_may_not_read_them(api: Api) -> None:
    bearer = token("update:flows")
    refused(await api.call("GET", NODE_TYPES, bearer=bearer), 403, "denied")
    refused(await api.call("GET", f"{NODE_TYPES}/start", bearer=bearer), 403, "denied")
