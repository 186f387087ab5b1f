"""Keys that a process answers, and those that it waits for; the database is real, and goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import msgspec
import pytest

from buttress.access.errors import (
    IdempotencyInProgress,
    IdempotencyLost,
    IdempotencyMismatch,
    IdempotencyNotKept,
)
from buttress.access.idempotency import Named
from buttress.access.idempotency_claims import Claims
from buttress.access.idempotency_store import Ending, IdempotencyStore, Mine
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from tests.unit.access.requests import ANSWER, QUICK, new_request
from tests.waiting import until

_numbers = count()


class Switch:
    """A database that can be taken away: then it refuses, or says nothing at all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_away = False
        self.is_silent = False

    async def get(self) -> Database:
        """Return it, where it is there."""
        if self.is_silent:
            await asyncio.Event().wait()
        if self.is_away:
            raise StorageUnavailable("taken away by the test")
        return self._database


@pytest.fixture
def switch(database: Database) -> Switch:
    """The shared database; a test takes it away."""
    return Switch(database)


@asynccontextmanager
async def process(switch: Switch, **changes: object) -> AsyncIterator[Claims]:
    """Give what a process of its own would have."""
    settings = msgspec.structs.replace(QUICK, **changes)
    async with Claims(switch.get, settings, lambda: f"claim {next(_numbers)}") as claims:
        yield claims


async def mine(claims: Claims, request: Named) -> str:
    """Return the claim that is had on a request."""
    found = await claims.begin(request)
    assert isinstance(found, Mine)
    return found.claim


async def test_who_waits_gets_the_answer_of_the_first_in_another_process_too(switch: Switch) -> None:
    request = new_request()
    async with process(switch) as here, process(switch) as there, asyncio.TaskGroup() as group:
        claim = await mine(here, request)
        tasks = [group.create_task(one.begin(request)) for one in (here, there) for _ in range(20)]
        await asyncio.sleep(0)
        await here.end(Ending(claim=claim, kept=ANSWER))
    assert [task.result() for task in tasks] == [ANSWER] * 40


async def test_who_waits_for_what_failed_has_the_key_next_and_one_at_a_time(switch: Switch) -> None:
    request = new_request()
    async with process(switch) as claims:
        claim = await mine(claims, request)

        async def go_on() -> str:
            found = await claims.begin(request)
            if not isinstance(found, Mine):
                return "told"
            await claims.end(Ending(claim=found.claim, kept=ANSWER))
            return "answered"

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(go_on()) for _ in range(10)]
            await claims.end(Ending(claim=claim, is_free=True))
    assert sorted(task.result() for task in tasks) == ["answered", *["told"] * 9]


@pytest.mark.parametrize("wait_s", [0, 0.05])
async def test_who_has_waited_long_enough_is_told_to_come_back(switch: Switch, wait_s: float) -> None:
    request = new_request()
    async with process(switch, wait_s=wait_s) as claims:
        await mine(claims, request)
        for _ in range(2):
            with pytest.raises(IdempotencyInProgress) as refused:
                await claims.begin(request)
            assert refused.value.data == {"retry_after_s": 1}


async def test_another_request_with_the_key_is_refused_at_once(switch: Switch) -> None:
    request = new_request()
    other = msgspec.structs.replace(request, fingerprint="something else")
    async with process(switch) as claims:
        claim = await mine(claims, request)
        with pytest.raises(IdempotencyMismatch):
            await claims.begin(other)
        await claims.end(Ending(claim=claim, kept=ANSWER))
        with pytest.raises(IdempotencyMismatch):
            await claims.begin(other)
        assert await claims.begin(request) == ANSWER


async def test_an_answer_too_long_to_be_kept_is_not_made_again(switch: Switch) -> None:
    request = new_request()
    async with process(switch) as claims:
        await claims.end(Ending(claim=await mine(claims, request)))
        with pytest.raises(IdempotencyNotKept):
            await claims.begin(request)


async def test_who_died_is_not_waited_for(switch: Switch) -> None:
    request = new_request()
    async with process(switch, owner_timeout_s=1_000) as dead:
        await mine(dead, request)  # and it never beats
    async with process(switch, owner_timeout_s=0.2) as claims:
        with pytest.raises(IdempotencyLost):
            await claims.begin(request)


async def test_a_process_that_answers_for_long_says_that_it_lives(switch: Switch, database: Database) -> None:
    request = new_request()
    async with process(switch, owner_timeout_s=1) as claims:
        claim = await mine(claims, request)
        forgetful = IdempotencyStore(database, msgspec.structs.replace(QUICK, owner_timeout_s=0.1))

        async def is_silent() -> bool:
            return await forgetful.is_over(request.place)

        async def is_heard() -> bool:
            return not await is_silent()

        await until(is_silent)
        await until(is_heard)
        await claims.end(Ending(claim=claim, is_free=True))


@pytest.mark.parametrize("way", ["is_away", "is_silent"])
async def test_without_a_database_a_key_is_refused_in_time(switch: Switch, way: str) -> None:
    setattr(switch, way, True)
    async with process(switch, open_timeout_s=0.05) as claims:
        with pytest.raises(StorageUnavailable, match="Idempotency-Key") as refused:
            await claims.begin(new_request())
    assert refused.value.retryable
    assert "without the key" in refused.value.hint


async def test_an_answer_that_cannot_be_stored_is_stored_when_the_database_is_back(switch: Switch) -> None:
    kept, failed = new_request(), new_request()
    async with process(switch, owner_timeout_s=1) as claims, process(switch) as other:
        first, second = await mine(claims, kept), await mine(claims, failed)
        switch.is_away = True
        await claims.end(Ending(claim=first, kept=ANSWER))
        await claims.end(Ending(claim=second, is_free=True))
        switch.is_away = False
        assert await other.begin(kept) == ANSWER
        assert isinstance(await other.begin(failed), Mine)


async def test_a_database_that_hangs_holds_up_no_answer_for_long(switch: Switch) -> None:
    request = new_request()
    async with process(switch, store_timeout_s=0.05, owner_timeout_s=60) as claims:
        claim = await mine(claims, request)
        switch.is_silent = True
        async with asyncio.timeout(10):
            await claims.end(Ending(claim=claim, kept=ANSWER))


async def test_what_nobody_waits_for_any_more_is_claimed_for_nobody(switch: Switch) -> None:
    request = new_request()
    async with process(switch, owner_timeout_s=1) as claims, process(switch) as other:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(claims.begin(request))
            await asyncio.sleep(0)
            task.cancel()
        assert isinstance(await other.begin(request), Mine)


async def test_what_is_not_kept_too_long_stays(switch: Switch) -> None:
    async with process(switch) as claims:
        claim = await mine(claims, request := new_request())
        await claims.end(Ending(claim=claim, kept=ANSWER))
        await claims.forget()
        assert await claims.begin(request) == ANSWER
