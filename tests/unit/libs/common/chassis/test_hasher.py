from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from libs.common.chassis.hasher import Hasher
from libs.common.errors import Unavailable
from libs.common.secret import Secret


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    hasher = Hasher(memory_kib=8, passes=1, threads=1, queue=1)
    yield hasher
    hasher.close()


async def test_a_hash_is_of_its_password_and_of_no_other(hasher: Hasher) -> None:
    phc = await hasher.hash(Secret("right"))
    assert phc.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await hasher.verify(phc, Secret("right"))
    assert not await hasher.verify(phc, Secret("wrong"))


async def test_a_password_is_the_same_however_a_keyboard_composes_it(hasher: Hasher) -> None:
    phc = await hasher.hash(Secret("caf\u00e9"))
    assert await hasher.verify(phc, Secret("cafe\u0301"))


@pytest.mark.parametrize("phc", ["nonsense", "$argon2id$v=19$nonsense"])
async def test_what_is_no_hash_costs_a_wrong_password(
    hasher: Hasher, monkeypatch: pytest.MonkeyPatch, phc: str
) -> None:
    mismatches = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            try:
                return super().verify(hash, password)
            except VerifyMismatchError:
                mismatches.append(hash)
                raise

    monkeypatch.setattr(hasher, "_argon2", Watched())
    assert not await hasher.verify(phc, Secret("right"))
    assert mismatches == [hasher._nobodys]


async def test_nobodys_password_is_looked_at_all_the_same(
    hasher: Hasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    check = hasher._check

    def seen(phc: str, password: Secret) -> bool:
        checked.append(phc)
        return check(phc, password)

    monkeypatch.setattr(hasher, "_check", seen)
    assert not await hasher.verify(None, Secret("right"))
    (phc,) = checked
    assert phc.startswith("$argon2id$v=19$m=8,t=1,p=1$")


async def test_beyond_the_queue_nobody_waits(hasher: Hasher) -> None:
    go = threading.Event()
    waiting = [asyncio.create_task(hasher._run(go.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await hasher.hash(Secret("one too many"))
    go.set()
    await asyncio.gather(*waiting)
    assert await hasher.hash(Secret("there is room again"))
