import asyncio

from libs.common.chassis.health import Health, Readiness
from tests.patience import PATIENCE_SECONDS


async def fine() -> None:
    return None


async def broken() -> None:
    raise ConnectionRefusedError("postgres://u:hunter2@h")


async def stuck() -> None:
    await asyncio.Event().wait()


async def test_ready_means_that_every_dependency_answers() -> None:
    assert await Health({"redis": fine, "nats": fine}).readiness() == Readiness(
        "ready", {"redis": "ok", "nats": "ok"}
    )


async def test_nothing_to_depend_on_is_ready() -> None:
    assert (await Health({}).readiness()).status == "ready"


async def test_a_dependency_that_fails_is_named_without_its_reason() -> None:
    assert await Health({"redis": fine, "postgres": broken}).readiness() == Readiness(
        "not_ready", {"redis": "ok", "postgres": "failed"}
    )


async def test_a_dependency_that_hangs_has_failed() -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        readiness = await Health({"redis": stuck}, timeout=0.01).readiness()
    assert readiness == Readiness("not_ready", {"redis": "failed"})


async def test_checks_run_beside_each_other() -> None:
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    assert (await Health({"redis": meet, "nats": meet}).readiness()).status == "ready"


async def test_a_dependency_that_is_back_is_ready_again() -> None:
    answers = iter((broken, fine))

    async def check() -> None:
        await next(answers)()

    health = Health({"redis": check})
    assert (await health.readiness()).status == "not_ready"
    assert (await health.readiness()).status == "ready"


async def test_a_stopping_service_is_not_ready_and_asks_nobody() -> None:
    health = Health({"redis": broken})
    health.stopping = True
    assert await health.readiness() == Readiness("stopping", {})
