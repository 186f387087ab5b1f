"""Claims and answers in a real PostgreSQL."""

import asyncio

import msgspec
import pytest

from buttress.access.idempotency import Named
from buttress.access.idempotency_store import Answered, Ending, IdempotencyStore, Mine, UnderWay
from buttress.storage.database import Database
from tests.unit.access.requests import ANSWER, QUICK, new_request
from tests.waiting import until


def store_of(database: Database, **changes: object) -> IdempotencyStore:
    """Return the store with settings of its own."""
    return IdempotencyStore(database, msgspec.structs.replace(QUICK, **changes))


async def lost(store: IdempotencyStore, request: Named) -> None:
    """Wait until nothing was heard of who answers `request` for too long."""

    async def is_lost() -> bool:
        return await store.is_over(request.place)

    await until(is_lost)


async def test_of_many_who_claim_at_once_one_wins(database: Database) -> None:
    store, request = store_of(database), new_request()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.claim(request, f"ic {number}")) for number in range(40)]
    found = [task.result() for task in tasks]
    assert sum(isinstance(one, Mine) for one in found) == 1
    assert found.count(UnderWay("what is asked", is_lost=False)) == 39


async def test_an_answer_comes_back_byte_for_byte(database: Database) -> None:
    store, request = store_of(database), new_request()
    await store.claim(request, "first")
    assert not await store.is_over(request.place)
    assert await store.end(Ending(claim="first", kept=ANSWER))
    assert await store.is_over(request.place)
    assert await store.claim(request, "second") == Answered("what is asked", ANSWER)


async def test_of_an_answer_that_was_too_long_it_is_known_that_it_was(database: Database) -> None:
    store, request = store_of(database), new_request()
    await store.claim(request, "long")
    await store.end(Ending(claim="long"))
    assert await store.claim(request, "again") == Answered("what is asked", None)


async def test_what_was_freed_can_be_claimed(database: Database) -> None:
    store, request = store_of(database), new_request()
    await store.claim(request, "freed")
    assert await store.end(Ending(claim="freed", is_free=True))
    assert await store.is_over(request.place)
    assert await store.claim(request, "next") == Mine("next")


@pytest.mark.parametrize("after_crash", ["refuse", "repeat"])
async def test_what_is_lost_is_claimed_anew_only_where_that_is_wanted(
    database: Database, after_crash: str
) -> None:
    store, request = store_of(database, owner_timeout_s=0.01, after_crash=after_crash), new_request()
    first, second = f"{request.place} first", f"{request.place} second"
    await store.claim(request, first)
    await lost(store, request)
    found = await store.claim(request, second)
    assert found == (UnderWay("what is asked", is_lost=True) if after_crash == "refuse" else Mine(second))
    # Who was only slow, and still ends: its answer counts where nobody has taken its place.
    assert await store.end(Ending(claim=first, kept=ANSWER)) is (after_crash == "refuse")


async def test_a_lost_claim_is_not_repeated_for_another_request(database: Database) -> None:
    store, request = store_of(database, owner_timeout_s=0.01, after_crash="repeat"), new_request()
    await store.claim(request, request.place)
    await lost(store, request)
    other = msgspec.structs.replace(request, fingerprint="something else")
    assert await store.claim(other, "other") == UnderWay("what is asked", is_lost=True)


async def test_who_beats_is_not_lost(database: Database) -> None:
    slow, quick, request = store_of(database), store_of(database, owner_timeout_s=0.01), new_request()
    await slow.claim(request, request.place)
    await lost(quick, request)
    await slow.beat([request.place, "of nobody"])
    assert await slow.claim(request, "another") == UnderWay("what is asked", is_lost=False)


async def test_what_has_expired_is_forgotten_unless_it_is_under_way(database: Database) -> None:
    store = store_of(database, keep_s=-1)
    answered, under_way = new_request(), new_request()
    for request in (answered, under_way):
        await store.claim(request, request.place)
    await store.end(Ending(claim=answered.place, kept=ANSWER))
    assert await store.claim(answered, "anew") == Mine("anew")
    assert await store.claim(under_way, "anew, too") == UnderWay("what is asked", is_lost=False)
    await store.end(Ending(claim="anew", kept=ANSWER))
    await store.forget()
    assert await store_of(database).claim(answered, "once more") == Mine("once more")
    assert await store.claim(under_way, "anew, still") == UnderWay("what is asked", is_lost=False)


async def test_beyond_so_many_bytes_of_a_tenant_the_oldest_are_only_known_to_have_been(
    database: Database,
) -> None:
    large = msgspec.structs.replace(ANSWER, body=b"x" * 1_000)
    store, tenants = store_of(database, max_tenant_bytes=2_500), ("one with much", "one with little")
    asked = [msgspec.structs.replace(new_request(), tenant=tenants[number == 3]) for number in range(4)]
    for request in asked:
        await store.claim(request, request.place)
        await store.end(Ending(claim=request.place, kept=large))
    await store.trim()
    found = [await store.claim(request, "again") for request in asked]
    assert found == [Answered("what is asked", one) for one in (None, large, large, large)]
    assert await store.trim() == 0
