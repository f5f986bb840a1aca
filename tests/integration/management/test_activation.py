"""What runs, since when and in which order, and who is told."""

import asyncio

import asyncpg

from libs.common.wire.events import COMPILE, PUBLISH
from services.management.records import Status
from tests.integration.management.conftest import GRAPH, Api, CompilerStandIn, Start
from tests.integration.management.graphs import ASIDE, active

FLOWS = "/api/admin/flows"
EDITED = {**GRAPH, "nodes": [*GRAPH["nodes"], {"id": "failure", "type": "failure"}]}


async def candidates(rows: asyncpg.Connection) -> list[tuple[str, int]]:
    """Return the active login flows with the version that runs, as the compiler reads them."""
    found = await rows.fetch(
        "SELECT id, active_version FROM flows"
        " WHERE tenant = 'default' AND type = 'login' AND status = 'active' ORDER BY position"
    )
    return [(row["id"], row["active_version"]) for row in found]


async def generation(rows: asyncpg.Connection) -> int | None:
    found: int | None = await rows.fetchval(
        "SELECT generation FROM active_pointers WHERE tenant = 'default' AND type = 'login'"
    )
    return found


async def test_what_is_edited_runs_only_when_it_is_activated_again(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    await api.call("POST", f"{FLOWS}/{id}/activate")
    await api.call("PUT", f"{FLOWS}/{id}", {"graph": EDITED})
    assert await candidates(rows) == [(id, 1)]
    assert (await api.call("GET", f"{FLOWS}/{id}")).body["status"] == Status.ACTIVE
    await api.call("POST", f"{FLOWS}/{id}/activate")
    assert await candidates(rows) == [(id, 2)]


async def test_the_flow_activated_last_comes_first_and_one_that_is_active_keeps_its_place(
    api: Api, rows: asyncpg.Connection
) -> None:
    old, new = await api.create(name="old"), await api.create(name="new")
    for id in (old, new):
        await api.call("POST", f"{FLOWS}/{id}/activate")
    assert await candidates(rows) == [(new, 1), (old, 1)]
    await api.call("PUT", f"{FLOWS}/{old}", {"graph": EDITED})
    await api.call("POST", f"{FLOWS}/{old}/activate")
    assert await candidates(rows) == [(new, 1), (old, 2)]
    for verb in ("deactivate", "activate"):
        await api.call("POST", f"{FLOWS}/{old}/{verb}")
    assert await candidates(rows) == [(old, 2), (new, 1)]


async def test_activating_what_runs_already_changes_nothing(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    first = await api.call("POST", f"{FLOWS}/{id}/activate")
    again = await api.call("POST", f"{FLOWS}/{id}/activate")
    assert again.body == first.body
    assert await generation(rows) == 1


async def test_the_generation_grows_with_every_change_of_what_is_active_and_no_other(
    api: Api, rows: asyncpg.Connection
) -> None:
    id, other = await api.create(), await api.create(name="other")
    assert await generation(rows) is None
    grown = []
    for method, path, body in (
        ("POST", f"/{id}/activate", None),
        ("PUT", f"/{id}", {"graph": EDITED}),
        ("POST", f"/{id}/activate", None),
        ("PUT", f"/{id}", {"display_name": "Other words"}),
        ("PUT", f"/{id}", {"name": "other-name"}),
        ("POST", f"/{id}/deactivate", None),
        ("PUT", f"/{id}", {"name": "another-name"}),
        ("POST", f"/{id}/activate", None),
        ("DELETE", f"/{id}", None),
        ("DELETE", f"/{other}", None),
    ):
        assert (await api.call(method, FLOWS + path, body)).status < 300
        grown.append(await generation(rows))
    assert grown == [1, 1, 2, 2, 3, 4, 4, 5, 6, 6]


async def test_steps_of_a_trigger_are_called_by_its_name_in_all_that_it_runs_in(
    api: Api, rows: asyncpg.Connection
) -> None:
    await active(api, "a")
    hook = await active(api, "hook", type="trigger", trigger={"id": "post-login"}, graph=ASIDE)
    before = await generation(rows)
    assert before is not None
    await api.done("PUT", f"{FLOWS}/{hook}", {"name": "other"})
    assert await generation(rows) == before + 1


async def test_ten_flows_activated_at_once_have_ten_places(
    start: Start, rows: asyncpg.Connection
) -> None:
    replicas = [await start(), await start()]
    ids = [await replicas[0].create(name=f"flow-{number}") for number in range(10)]
    replies = await asyncio.gather(
        *(
            replicas[number % 2].call("POST", f"{FLOWS}/{id}/activate")
            for number, id in enumerate(ids)
        )
    )
    assert [reply.status for reply in replies] == [200] * 10
    assert sorted(await candidates(rows)) == [(id, 1) for id in sorted(ids)]
    assert await generation(rows) == 10


async def test_an_active_flow_that_is_deleted_runs_no_more(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    await api.call("POST", f"{FLOWS}/{id}/activate")
    compiler.asked.clear()
    assert (await api.call("DELETE", f"{FLOWS}/{id}")).status == 204
    assert await candidates(rows) == []
    assert compiler.asked == [(PUBLISH, {"tenant": "default", "type": "login"})]


async def test_the_compiler_is_asked_at_once_for_what_changes_what_runs(
    api: Api, compiler: CompilerStandIn
) -> None:
    id = await api.create("/t/acme/api/admin/flows")
    path = f"/t/acme{FLOWS}/{id}"
    await api.call("PUT", path, {"graph": EDITED})
    assert compiler.asked == []
    await api.call("POST", f"{path}/compile")
    await api.call("POST", f"{path}/activate")
    await api.call("PUT", path, {"name": "renamed"})
    await api.call("POST", f"{path}/deactivate")
    publish = (PUBLISH, {"tenant": "acme", "type": "login"})
    wanted = {"tenant": "acme", "flow": id, "version": 2}
    assert compiler.asked == [(COMPILE, wanted), publish, publish, publish]


async def test_what_compile_made_is_told_with_the_details(
    api: Api, compiler: CompilerStandIn
) -> None:
    id = await api.create()
    await api.call("POST", f"{FLOWS}/{id}/compile")
    body = (await api.call("GET", f"{FLOWS}/{id}")).body
    assert (body["compiled"], body["compiled_at"]) == (True, 1_800_000_000)
    body = (await api.call("PUT", f"{FLOWS}/{id}", {"graph": EDITED})).body
    assert body["compiled"] is False
    assert "compiled_at" not in body


async def test_a_flow_is_activated_and_deactivated_without_a_compiler(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    assert (await api.call("POST", f"{FLOWS}/{id}/activate")).status == 200
    assert await candidates(rows) == [(id, 1)]
    assert (await api.call("POST", f"{FLOWS}/{id}/deactivate")).status == 200
    assert await candidates(rows) == []
