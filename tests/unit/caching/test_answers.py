"""Both levels: what is in memory is there at once, and for the database nobody waits long."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from buttress.caching.answers import MAX_READS, Answers
from buttress.caching.errors import LookupFailed, LookupLate
from buttress.caching.settings import CachingSettings
from buttress.caching.store import AnswerStore
from buttress.caching.types import Entry, Meaning
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from buttress.testing.clock import NOON, ManualClock
from tests.unit.caching.entries import PROCESS, SHARED, a_key, an_entry
from tests.waiting import until

PATIENT = CachingSettings(read_timeout_s=1, semantic_timeout_s=5)
HASTY = CachingSettings(read_timeout_s=0.01, queue_length=2, flush_s=0.01)
Opening = Callable[[], Awaitable[Database]]


async def away() -> Database:
    """Open a database that is not there."""
    raise StorageUnavailable("nobody listens")


async def silent() -> Database:
    """Open a database that says nothing."""
    await asyncio.Event().wait()
    raise AssertionError


def counted(opening: Opening) -> tuple[Opening, list[int]]:
    """Return `opening`, and how often it was asked."""
    asked = [0]

    async def opened() -> Database:
        asked[0] += 1
        return await opening()

    return opened, asked


@pytest.fixture
async def opening(database: Database) -> Opening:
    """The shared database, without answers."""
    await AnswerStore(database).forget(None, None)

    async def opened() -> Database:
        return database

    return opened


async def test_another_process_finds_it_in_the_database(opening: Opening, database: Database) -> None:
    entry = an_entry(b"said")
    async with Answers(opening, PATIENT, ManualClock()) as here:
        here.put(a_key(), entry, SHARED)
        assert await here.get(a_key(), SHARED) == entry  # before it is written
    assert await AnswerStore(database).get(a_key(), NOON) == entry
    async with Answers(opening, PATIENT, ManualClock()) as there:
        assert await there.get(a_key(), SHARED) == entry
        await AnswerStore(database).forget(None, None)
        assert await there.get(a_key(), SHARED) == entry  # in its memory by now


async def test_what_is_for_one_process_touches_no_database() -> None:
    opening, asked = counted(away)
    async with Answers(opening, PATIENT, ManualClock()) as answers:
        assert await answers.get(a_key(), PROCESS) is None
        answers.put(a_key(), an_entry(), PROCESS)
        assert await answers.get(a_key(), PROCESS)
    assert asked == [0]


async def test_a_silent_database_is_waited_for_no_longer_than_set() -> None:
    async with Answers(silent, HASTY, ManualClock()) as answers:
        with pytest.raises(LookupLate, match="10 ms"):
            await answers.get(a_key(), SHARED)
        with pytest.raises(LookupLate):
            await asyncio.gather(*(answers.get(a_key(str(n)), SHARED) for n in range(MAX_READS)))
        with pytest.raises(LookupLate, match=f"{MAX_READS} answers"):
            await answers.get(a_key("one more"), SHARED)


async def test_one_that_is_away_is_left_alone_for_a_while() -> None:
    clock = ManualClock()
    opening, asked = counted(away)
    async with Answers(opening, PATIENT, clock) as answers:
        for _ in range(5):
            with pytest.raises(LookupFailed):
                await answers.get(a_key(), SHARED)
        assert asked == [1]
        clock.advance(1.1)
        with pytest.raises(LookupFailed):
            await answers.get(a_key(), SHARED)
        assert asked == [2]


async def test_what_waits_to_be_written_is_bounded_and_what_is_lost_is_counted() -> None:
    async with Answers(silent, HASTY, ManualClock()) as answers:
        for number in range(5):
            answers.put(a_key(str(number)), an_entry(), SHARED)
        assert answers.lost == 3
        assert await answers.get(a_key("4"), SHARED)  # in memory all the same
    async with Answers(away, PATIENT, ManualClock()) as answers:
        answers.put(a_key(), an_entry(), SHARED)
        await until(lambda: _is_true(answers, 1))


async def _is_true(answers: Answers, lost: int) -> bool:
    return answers.lost == lost


async def test_a_long_answer_is_not_kept() -> None:
    settings = msgspec.structs.replace(HASTY, max_entry_bytes=10)
    async with Answers(away, settings, ManualClock()) as answers:
        answers.put(a_key(), an_entry(b"x" * 11), PROCESS)
        assert await answers.get(a_key(), PROCESS) is None


@pytest.mark.parametrize(
    ("documents", "is_left"),
    [
        pytest.param(["d9"], True, id="others"),
        pytest.param(["d1"], False, id="one that it cites"),
        pytest.param(None, False, id="everything"),
    ],
)
async def test_memory_forgets(documents: list[str] | None, *, is_left: bool) -> None:
    async with Answers(away, HASTY, ManualClock()) as answers:
        answers.put(a_key(), an_entry(cited=("d1",)), PROCESS)
        answers.forget_here(documents)
        found: Entry | None = await answers.get(a_key(), PROCESS)
        assert (found is not None) is is_left


async def test_what_waits_to_be_stored_is_forgotten_and_what_was_stored_lately_is_told_of_once(
    opening: Opening, database: Database
) -> None:
    is_open = asyncio.Event()

    async def opened() -> Database:
        await is_open.wait()
        return await opening()

    async with Answers(opened, PATIENT, ManualClock()) as answers:
        for number in range(3):
            answers.put(a_key(str(number)), an_entry(cited=(f"d{number}",)), SHARED)
        assert not answers.forget_here(["d9"])
        assert not answers.forget_here(["d1"])
        is_open.set()
    held = [await AnswerStore(database).get(a_key(str(number)), NOON) for number in range(3)]
    assert [bool(one) for one in held] == [True, False, True]
    assert answers.lost == 0
    assert answers.forget_here(["d0", "d9"])
    assert not answers.forget_here(["d0", "d9"])
    assert answers.forget_here(["d2"])


async def test_what_is_forgotten_while_it_is_looked_for_is_not_given(opening: Opening) -> None:
    is_open = asyncio.Event()

    async def opened() -> Database:
        await is_open.wait()
        return await opening()

    async with Answers(opening, PATIENT, ManualClock()) as answers:
        answers.put(a_key(), an_entry(cited=("d1",)), SHARED)
    async with Answers(opened, PATIENT, ManualClock()) as answers, asyncio.TaskGroup() as group:
        looking = group.create_task(answers.get(a_key(), SHARED))
        await asyncio.sleep(0)
        answers.forget_here(["d1"])
        is_open.set()
        assert await looking is None
        assert await answers.get(a_key(), SHARED)  # it is in the database: that is for who forgets it there


@pytest.mark.parametrize(
    "tenant", [pytest.param("\ud800", id="half a character"), pytest.param("a\0b", id="NUL")]
)
async def test_what_the_database_cannot_hold_costs_no_call(opening: Opening, tenant: str) -> None:
    async with Answers(opening, PATIENT, ManualClock()) as answers:
        with pytest.raises(LookupFailed):
            await answers.get(a_key(tenant=tenant), SHARED)
        answers.put(a_key(tenant=tenant), an_entry(), SHARED)
        await until(lambda: _is_true(answers, 1))
        assert await answers.get(a_key(tenant=tenant), SHARED)


async def test_what_means_the_same_is_found(opening: Opening) -> None:
    meaning = Meaning(partition="p", question="Why?", vector=(1.0, 0.0))
    async with Answers(opening, PATIENT, ManualClock()) as answers:
        answers.put(a_key(), an_entry(), SHARED, meaning)
    async with Answers(opening, PATIENT, ManualClock()) as answers:
        (found,) = await answers.similar(a_key("other"), meaning, 0.9)
        assert (found.question, found.entry) == ("Why?", an_entry())


async def test_without_pgvector_nothing_means_the_same(opening: Opening, database: Database) -> None:
    """As on a server that lacks the extension: the type is not known there."""
    meaning = Meaning(partition="p", question="Why?", vector=(1.0, 0.0))
    async with database.connection() as connection:
        await connection.execute("DROP EXTENSION vector")
    try:
        async with Answers(opening, PATIENT, ManualClock()) as answers:
            with pytest.raises(LookupFailed, match="vector"):
                await answers.similar(a_key(), meaning, 0.9)
            answers.put(a_key(), an_entry(), SHARED, meaning)
            assert await answers.get(a_key(), SHARED)
    finally:
        async with database.connection() as connection:
            await connection.execute("CREATE EXTENSION vector")
