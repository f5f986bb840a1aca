"""Tokens are only as good as their clients, within seconds."""

from __future__ import annotations

from services.management.standing import KEPT_SECONDS, Standing, Standings, proof_of

SECRET, OTHER = b"one", b"other"


class Desk:
    """Clients, and a clock that stands still."""

    def __init__(self) -> None:
        self.clients = {"a": Standing(SECRET, ("read:flows",))}
        self.asked = 0
        self.now = 0.0
        self.standings = Standings(self.find, lambda: self.now)

    async def find(self, id: str) -> Standing | None:
        self.asked += 1
        return self.clients.get(id)

    async def scopes(self, secret: bytes = SECRET, id: str = "a") -> frozenset[str] | None:
        return await self.standings.scopes(id, proof_of(secret))


async def test_a_client_may_do_what_it_has_today_and_is_asked_for_once() -> None:
    desk = Desk()
    assert await desk.scopes() == await desk.scopes() == frozenset({"read:flows"})
    assert desk.asked == 1
    desk.clients["a"] = Standing(SECRET, ())
    desk.now += KEPT_SECONDS
    assert await desk.scopes() == frozenset()


async def test_a_token_for_a_secret_of_before_is_none() -> None:
    desk = Desk()
    assert await desk.scopes(OTHER) is None
    desk.clients["a"] = Standing(OTHER, ())
    desk.now += KEPT_SECONDS
    assert await desk.scopes() is None
    assert await desk.scopes(OTHER) == frozenset()


async def test_who_is_none_is_remembered_nowhere() -> None:
    desk = Desk()
    assert await desk.scopes(id="b") is None
    desk.clients["b"] = Standing(SECRET, ())
    assert await desk.scopes(id="b") == frozenset()
    del desk.clients["a"]
    assert await desk.scopes() is None


def test_a_proof_tells_nothing_of_what_is_kept() -> None:
    assert SECRET.hex() not in proof_of(SECRET)
    assert proof_of(SECRET) != proof_of(OTHER)
