"""Auth0's own Python client, unmodified, at `/api/v2`. It speaks TLS alone, so there is some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from auth0.management import AsyncManagementClient, ManagementClient
from auth0.management.core.api_error import ApiError
from auth0.management.core.request_options import RequestOptions
from auth0.management.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
)
from auth0.management.types import (
    FlowActionEmail,
    FlowActionEmailVerifyEmail,
    FlowActionEmailVerifyEmailParams,
)

from libs.common.flow.model import Json
from libs.common.secret import Secret
from tests.clients.tls import Secured, secured
from tests.integration.management.conftest import Api, Start, token

T = TypeVar("T")

MFA: Json = {"id": "ask", "type": "mfa", "options": {"methods": ["totp"]}}
CALL: Json = {"id": "score", "type": "action", "options": {"action_id": "action_123"}}
ONCE: RequestOptions = {"max_retries": 0}


def sending(**fields: Json) -> RequestOptions:
    """What the page has and the client has no argument for, in the way that the client offers."""
    return {"additional_body_parameters": fields, "max_retries": 0}


Client = Callable[..., ManagementClient]


@pytest.fixture
async def server(api: Api, tmp_path: Path) -> AsyncIterator[Secured]:
    async with secured(port_of(api), tmp_path) as server:
        yield server


def port_of(api: Api) -> int:
    base = api.session._base_url
    assert base is not None
    assert base.port is not None
    return base.port


@pytest.fixture
def client(server: Secured) -> Iterator[Client]:
    with httpx.Client(verify=server.trusting()) as http:

        def of(bearer: str | None = None) -> ManagementClient:
            bearer = token() if bearer is None else bearer
            return ManagementClient(domain=server.domain, token=bearer, httpx_client=http)

        yield of


async def called(call: Callable[[], T]) -> T:
    """Call a client that blocks."""
    return await asyncio.to_thread(call)


async def test_a_flow_is_created_read_changed_and_deleted(client: Client) -> None:
    flows = client().flows
    created = await called(lambda: flows.create(name="Second factor"))
    assert created.id == "flow_second_factor"
    assert created.created_at == created.updated_at
    options = sending(steps=[MFA, CALL], status="active")
    changed = await called(lambda: flows.update(created.id, name="MFA", request_options=options))
    assert changed.name == "MFA"
    read = await called(lambda: flows.get(created.id))
    assert read.model_extra == {
        "trigger": {"id": "post-login", "version": "v2"},
        "status": "active",
        "steps": [MFA, CALL],
    }
    await called(lambda: flows.delete(created.id))
    with pytest.raises(NotFoundError):
        await called(lambda: flows.get(created.id, request_options=ONCE))


async def test_all_flows_are_listed_page_by_page(client: Client) -> None:
    flows = client().flows

    def walk() -> tuple[list[str], int]:
        for number in range(5):
            flows.create(name=f"Flow {number}")
        pages = list(flows.list(per_page=2).iter_pages())
        # The client asks until a page is empty, and does not show that one.
        return [flow.name for page in pages for flow in page.items or []], len(pages)

    assert await called(walk) == ([f"Flow {number}" for number in range(5)], 3)


async def test_totals_may_be_left_out(client: Client) -> None:
    """The client says that it gets an array then, and can read only the object."""
    flows = client().flows
    await called(lambda: flows.create(name="Flow"))
    page = await called(lambda: flows.list(include_totals=False))
    assert [flow.id for flow in page.items or []] == ["flow_flow"]
    assert page.response is not None
    assert (page.response.total, page.response.start, page.response.limit) == (None, 0, 50)


async def test_what_the_client_filters_by_and_the_page_has_not_is_passed_over(
    client: Client,
) -> None:
    flows = client().flows
    await called(lambda: flows.create(name="Flow"))
    page = await called(lambda: flows.list(hydrate=["form_count"], synchronous=True))
    assert len(page.items or []) == 1
    assert (await called(lambda: flows.get("flow_flow", hydrate=["form_count"]))).name == "Flow"


async def test_auth0_s_own_actions_are_refused_where_they_stand(client: Client) -> None:
    params = FlowActionEmailVerifyEmailParams(email="a@example.com")
    written: list[FlowActionEmail] = [
        FlowActionEmailVerifyEmail(id="a", type="EMAIL", action="VERIFY_EMAIL", params=params)
    ]
    with pytest.raises(BadRequestError) as refused:
        await called(lambda: client().flows.create(name="Flow", actions=written))
    assert refused.value.body["error"] == "bad_request"
    assert [problem["path"] for problem in refused.value.body["problems"]] == ["actions"]


async def test_refusals_are_the_client_s_own_errors(client: Client) -> None:
    with pytest.raises(UnauthorizedError) as unknown:
        await called(lambda: client("x.y.z").flows.get("flow_x", request_options=ONCE))
    assert unknown.value.body["message"] == "Access token is invalid"
    reader = client(token("read:flows"))
    with pytest.raises(ForbiddenError) as forbidden:
        await called(lambda: reader.flows.create(name="Flow", request_options=ONCE))
    assert forbidden.value.body["message"] == "Insufficient permissions"
    with pytest.raises(BadRequestError) as wrong:
        await called(lambda: client().flows.create(name="", request_options=ONCE))
    assert wrong.value.body["problems"][0]["path"] == "name"


async def test_a_conflict_is_told_and_makes_nobody_sleep(api: Api, client: Client) -> None:
    id = await api.create()
    options = sending(steps=[MFA])
    with pytest.raises(ApiError) as conflict:
        await called(lambda: client().flows.update(id, request_options=options))
    assert conflict.value.status_code == 409
    assert conflict.value.body["errorCode"] == "steps_unavailable"


async def test_who_calls_too_often_is_told_so_and_gets_through_by_waiting_as_told(
    start: Start, redis_url: str, tmp_path: Path
) -> None:
    api = await start(redis_url=Secret(redis_url), v2_per_minute=30)
    async with secured(port_of(api), tmp_path) as server:

        def walk() -> tuple[TooManyRequestsError, int]:
            with httpx.Client(verify=server.trusting()) as http:
                flows = ManagementClient(
                    domain=server.domain, token=token(), httpx_client=http
                ).flows

                def use_up() -> None:
                    # Until it is refused: requests come back while it asks.
                    for _ in range(1000):
                        flows.list(request_options=ONCE)

                with pytest.raises(TooManyRequestsError) as refused:
                    use_up()
                # It sleeps for `Retry-After`, and tries again by itself.
                return refused.value, len(list(flows.list(per_page=1)))

        refused, found = await called(walk)
        assert refused.body["message"] == "Rate limit exceeded"
        assert refused.headers is not None
        assert refused.headers["x-ratelimit-limit"] == "30"
        assert found == 0


async def test_the_client_that_waits_for_nobody_works_as_well(server: Secured) -> None:
    async with httpx.AsyncClient(verify=server.trusting()) as http:
        flows = AsyncManagementClient(domain=server.domain, token=token(), httpx_client=http).flows
        created = await flows.create(name="Flow")
        listed = await flows.list()
        assert [flow.id async for flow in listed] == [created.id]
        assert (await flows.update(created.id, name="Other")).name == "Other"
        await flows.delete(created.id)
