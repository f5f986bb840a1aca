"""Golden tests stand between a version and the sessions that would run it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import msgspec
import pytest

from libs.common.errors import Conflict, Invalid, Problem, Unavailable
from libs.common.flow.model import FlowType, Graph, Settings, Trigger, TriggerPoint
from libs.common.flow.plan import Program
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire import inspect
from libs.common.wire.events import Answer, CompileWanted, Missing, PublishWanted
from libs.common.wire.rollouts import Share
from services.management import running
from services.management.author import Author
from services.management.flows import Edit, Flows, NewFlow
from services.management.records import GoldenTest, Status
from services.management.rollouts import NewRollout, Rollouts
from services.management.running import Running
from services.management.store import Store
from services.management.verdicts import Judgement
from services.management.versions import Versions
from tests.integration.management.conftest import GRAPH, Api, refused
from tests.integration.management.graphs import EDITED, FLOWS
from tests.integration.management.rolling import entries

WELL, EDITED_GRAPH = (msgspec.convert(graph, Graph) for graph in (GRAPH, EDITED))
HOOK = msgspec.convert(
    {
        "nodes": [{"id": "start", "type": "start"}, {"id": "success", "type": "success"}],
        "edges": [{"source": "start", "target": "success"}],
    },
    Graph,
)
ANN = Author("ann")
TEST = GoldenTest("signs in", '{"inputs":[]}')


class Idle:
    """A compiler that nobody has to wait for."""

    async def compile(self, _wanted: CompileWanted) -> Answer:
        return Missing()

    async def publish(self, _wanted: PublishWanted) -> None:
        return None


class Deaf:
    """Executors that nobody reaches."""

    async def ask(self, _wanted: inspect.Wanted, /) -> inspect.Answer:
        raise Unavailable("executor")


class Judge:
    """Fails each test of the versions in `bad`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.bad: set[int] = set()
        self.asked: list[tuple[int, Sequence[GoldenTest]]] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """What somebody else does while tests are run."""

    async def __call__(
        self, program: Program, tests: Sequence[GoldenTest], _spent: float, /
    ) -> Judgement:
        self.asked.append((program.version, tests))
        if self.meanwhile is not None:
            await self.meanwhile()
        failed = (Problem("golden_failed", "went elsewhere", path=each.name) for each in tests)
        return Judgement(tuple(failed) if program.version in self.bad else (), 1.0)


class Desk:
    """The use cases on a database, with a judge that can be told how to judge."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.judge = Judge()
        store = Store(pool)
        runs = Running(store, Idle(), NODE_TYPES, self.judge)
        self.flows = Flows(store, Idle(), runs)
        self.rollouts = Rollouts(store, runs, Deaf())
        self.versions = Versions(store, runs, NODE_TYPES)

    async def create(self, *tests: GoldenTest) -> str:
        """Return a flow with two versions, the first of which runs."""
        new = NewFlow(
            name="a",
            display_name="A",
            description=None,
            type=FlowType.LOGIN,
            graph=WELL,
            golden_tests=tests,
        )
        id = (await self.flows.create("default", new, ANN)).flow.id
        await self.flows.activate("default", id, ANN)
        await self.flows.update("default", id, Edit(graph=EDITED_GRAPH), ANN)
        self.judge.asked.clear()
        return id


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    async with asyncpg.create_pool(database, min_size=1) as pool:
        await Store(pool).add_tenants(("default",))
        yield Desk(pool)


async def test_a_version_that_fails_a_test_is_not_activated(
    desk: Desk, rows: asyncpg.Connection
) -> None:
    id = await desk.create(TEST)
    desk.judge.bad = {2}
    with pytest.raises(Invalid) as refused_:
        await desk.flows.activate("default", id, ANN)
    assert [problem.path for problem in refused_.value.problems] == ["signs in"]
    assert (await desk.flows.get("default", id)).flow.active_version == 1
    assert await entries(rows, "override") == []


async def test_a_version_is_tested_once(desk: Desk) -> None:
    id = await desk.create(TEST)
    await desk.flows.activate("default", id, ANN)
    assert desk.judge.asked == [(2, (TEST,))]


async def test_a_version_is_tested_with_what_would_run_inside_it(desk: Desk) -> None:
    trigger = NewFlow(
        name="hook",
        display_name="Hook",
        description=None,
        type=FlowType.TRIGGER,
        graph=HOOK,
        settings=Settings(trigger=Trigger(TriggerPoint.POST_LOGIN)),
    )
    hook = (await desk.flows.create("default", trigger, ANN)).flow.id
    id = await desk.create(TEST)

    async def hang_it_in() -> None:
        desk.judge.meanwhile = None
        await desk.flows.activate("default", hook, ANN)

    desk.judge.meanwhile = hang_it_in
    await desk.flows.activate("default", id, ANN)
    # The same version, but another plan: what was tested first would not have been what runs.
    assert desk.judge.asked == [(2, (TEST,)), (2, (TEST,))]


async def test_nothing_of_the_tenant_is_held_while_tests_are_run(desk: Desk) -> None:
    id = await desk.create(TEST)
    other = NewFlow(name="b", display_name="B", description=None, type=FlowType.LOGIN, graph=WELL)
    free = (await desk.flows.create("default", other, ANN)).flow.id
    edit = Edit(display_name="Still changed by others")

    async def work_on() -> None:
        await desk.flows.activate("default", free, ANN)
        await desk.flows.update("default", id, edit, ANN)

    desk.judge.meanwhile = work_on
    await desk.flows.activate("default", id, ANN)
    # What changed has no part in the plan, so the verdict stands.
    assert [version for version, _ in desk.judge.asked] == [2]
    flow = (await desk.flows.get("default", id)).flow
    assert (flow.active_version, flow.display_name) == (2, "Still changed by others")


async def test_a_version_that_is_saved_while_tests_are_run_is_tested_as_well(desk: Desk) -> None:
    id = await desk.create(TEST)
    desk.judge.bad = {3}

    async def save() -> None:
        desk.judge.meanwhile = None
        await desk.flows.update("default", id, Edit(graph=WELL), ANN)

    desk.judge.meanwhile = save
    with pytest.raises(Invalid):
        await desk.flows.activate("default", id, ANN)
    assert [version for version, _ in desk.judge.asked] == [2, 3]


async def test_a_flow_that_is_another_one_each_time_is_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST_TRIES", 4)
    id = await desk.create(TEST)

    async def save() -> None:
        graph = WELL if len(desk.judge.asked) % 2 else EDITED_GRAPH
        await desk.flows.update("default", id, Edit(graph=graph), ANN)

    desk.judge.meanwhile = save
    with pytest.raises(Conflict) as refused_:
        await desk.flows.activate("default", id, ANN)
    assert refused_.value.retry_after is not None
    assert len(desk.judge.asked) == 4
    assert (await desk.flows.get("default", id)).flow.active_version == 1


async def test_a_flow_without_tests_is_not_asked_about(desk: Desk) -> None:
    id = await desk.create()
    await desk.flows.activate("default", id, ANN)
    assert desk.judge.asked == []


async def test_a_reason_lets_it_run_and_is_kept(desk: Desk, rows: asyncpg.Connection) -> None:
    id = await desk.create(TEST)
    desk.judge.bad = {2}
    done = await desk.flows.activate("default", id, ANN, "the test is older than the law")
    assert done.status is Status.ACTIVE
    [(_, actor, details)] = await entries(rows, "override")
    assert (actor, details) == (
        "ann",
        {"version": 2, "reason": "the test is older than the law", "failed": ["signs in"]},
    )


async def test_a_reason_that_was_not_needed_overrides_nothing(
    desk: Desk, rows: asyncpg.Connection
) -> None:
    id = await desk.create(TEST)
    await desk.flows.activate("default", id, ANN, "to be safe")
    assert await entries(rows, "override") == []


async def test_each_version_of_a_rollout_has_to_pass(desk: Desk, rows: asyncpg.Connection) -> None:
    id = await desk.create(TEST)
    await desk.flows.update("default", id, Edit(graph=WELL), ANN)
    desk.judge.bad = {2}
    shares = (Share(1, 90), Share(2, 5), Share(3, 5))
    with pytest.raises(Invalid):
        await desk.rollouts.start("default", id, NewRollout(shares, None), ANN)
    # The first runs already.
    assert [version for version, _ in desk.judge.asked] == [2, 3]
    await desk.rollouts.start("default", id, NewRollout(shares, None, "on purpose"), ANN)
    [(_, _, details)] = await entries(rows, "override")
    assert details["version"] == 2


async def test_no_test_keeps_a_rollout_from_being_taken_back(desk: Desk) -> None:
    id = await desk.create(TEST)
    await desk.rollouts.start("default", id, NewRollout((Share(1, 9), Share(2, 1)), None), ANN)
    desk.judge.asked.clear()
    desk.judge.bad = {1, 2}
    after = await desk.rollouts.start("default", id, NewRollout((Share(1, 1),), None), ANN)
    assert (after.flow.active_version, after.flow.rollout) == (1, None)
    assert desk.judge.asked == []


async def test_no_test_holds_up_going_back(desk: Desk) -> None:
    id = await desk.create(TEST)
    await desk.flows.activate("default", id, ANN)
    desk.judge.asked.clear()
    desk.judge.bad = {1, 2, 3}
    await desk.versions.rollback("default", id, None, None, ANN)
    assert desk.judge.asked == []


async def test_tests_are_changed_without_a_version(desk: Desk) -> None:
    id = await desk.create(TEST)
    other = GoldenTest("signs out", "{}")
    for tests in ((other,), (TEST, other), ()):
        after = await desk.flows.update("default", id, Edit(golden_tests=tests), ANN)
        assert after.flow.version == 2


@pytest.mark.parametrize(
    "body", [{"override_reason": ""}, {"override_reason": "x" * 501}, {"reason": "x"}, []]
)
async def test_a_reason_that_is_none_is_refused(api: Api, body: object) -> None:
    id = await api.create()
    refused(await api.call("POST", f"{FLOWS}/{id}/activate", body), 400, "invalid")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_a_client_that_knows_of_no_reason_sends_nothing(api: Api, kind: str) -> None:
    id = await api.create()
    reply = await api.call(
        "POST", f"{FLOWS}/{id}/activate", data=b"", headers={"Content-Type": kind}
    )
    assert reply.status == 200
