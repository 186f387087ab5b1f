"""The memory of a process: what was appended is there, and a database that is away costs a bounded time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import TraceId, new_id
from buttress.kernel.messages import Message
from buttress.prompts.errors import MemoryLate, MemoryRefused
from buttress.prompts.memory import MAX_BATCHES, MAX_READS, ChatMemory
from buttress.prompts.settings import MemorySettings
from buttress.prompts.types import Exchange, Turns, Whose
from buttress.storage.database import Database
from buttress.storage.errors import DataRefused, StorageUnavailable
from buttress.testing.clock import NOON

PATIENT = MemorySettings(timeout_s=10, open_timeout_s=30, flush_s=30)
HASTY = MemorySettings(timeout_s=0.01, open_timeout_s=0.01, flush_s=0.01, queue_length=3)
BRIEF = msgspec.structs.replace(PATIENT, flush_s=0.01)
_numbers = count()
_RUN = new_id("run", SystemClock(), SeededChance())


def whose() -> Whose:
    """Return a conversation that nobody has."""
    return Whose("memory", "ada", f"{_RUN}-{next(_numbers)}")


def exchange(question: str, answer: str = "Yes.") -> Exchange:
    """Return an exchange in a call of its own."""
    trace_id = TraceId(f"tr_{_RUN}_{next(_numbers)}")
    return Exchange(question=question, answer=answer, trace_id=trace_id, said_at=NOON)


def said(turns: Turns) -> list[str]:
    """Return what was asked."""
    return [one.content for one in turns.messages if one.role == "user"]


def always(database: Database) -> Callable[[], Awaitable[Database]]:
    """Return an opening that is done."""

    async def opened() -> Database:
        return database

    return opened


async def away() -> Database:
    """Open a database that is not there."""
    raise StorageUnavailable("nobody listens")


async def silent() -> Database:
    """Open a database that says nothing."""
    await asyncio.Event().wait()
    raise AssertionError


async def test_what_was_appended_is_there_at_once_and_later(database: Database) -> None:
    mine = whose()
    async with ChatMemory(always(database), PATIENT) as memory:
        assert await memory.turns(mine) == Turns()
        for number in range(5):
            memory.append(mine, exchange(f"q{number}"))
            assert said(await memory.turns(mine)) == [f"q{one}" for one in range(number + 1)]
    async with ChatMemory(always(database), PATIENT) as later:
        assert len(said(await later.turns(mine))) == 5


async def test_what_waits_is_stored_at_the_end(database: Database) -> None:
    mine = whose()
    async with ChatMemory(always(database), PATIENT) as memory:
        for number in range(50):
            memory.append(mine, exchange(f"q{number}"))
    async with ChatMemory(always(database), PATIENT) as later:
        assert said(await later.turns(mine)) == [f"q{number}" for number in range(50)]
    assert memory.lost == 0


async def test_a_database_that_is_away_is_told() -> None:
    async with ChatMemory(away, BRIEF) as memory:
        with pytest.raises(StorageUnavailable):
            await memory.turns(whose())


async def test_a_database_that_says_nothing_is_waited_for_as_long_as_a_call_may() -> None:
    settings = msgspec.structs.replace(HASTY, open_timeout_s=0.2)
    clock = SystemClock()
    async with ChatMemory(silent, settings) as memory:
        begun = clock.monotonic()
        with pytest.raises(MemoryLate):
            await memory.turns(whose())
        assert 0.2 <= clock.monotonic() - begun < 5


async def test_reads_that_nobody_waits_for_are_bounded() -> None:
    async with ChatMemory(silent, HASTY) as memory:
        for _ in range(MAX_READS):
            with pytest.raises(MemoryLate, match="within"):
                await memory.turns(whose())
        with pytest.raises(MemoryLate, match="already"):
            await memory.turns(whose())


async def test_a_turn_is_tried_again_until_the_database_is_back(database: Database) -> None:
    mine, answers = whose(), iter([False, True])

    async def comes_back() -> Database:
        if next(answers, True):
            return database
        raise StorageUnavailable("not yet")

    async with ChatMemory(comes_back, PATIENT) as memory:
        memory.append(mine, exchange("Still there?"))
        assert said(await memory.turns(mine)) == ["Still there?"]
    assert memory.lost == 0


async def test_what_can_not_be_kept_is_counted() -> None:
    async with ChatMemory(away, HASTY) as memory:
        for number in range(5):
            memory.append(whose(), exchange(f"q{number}"))
        assert memory.lost == 2  # three may wait
    assert memory.lost == 5


async def test_what_is_refused_keeps_nobody_else_waiting(database: Database) -> None:
    mine, answers = whose(), iter([True])

    async def refuses_one() -> Database:
        if next(answers, False):
            raise DataRefused("not this one")
        return database

    async with ChatMemory(refuses_one, PATIENT) as memory:
        memory.append(mine, exchange("Refused?"))
        memory.append(mine, exchange("Kept?"))
        assert said(await memory.turns(mine)) == ["Kept?"]
    assert memory.lost == 1


async def test_a_database_without_the_tables_is_an_error_that_is_named(database: Database) -> None:
    mine = whose()
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE conversation_turns RENAME TO gone")
    try:
        async with ChatMemory(always(database), PATIENT) as memory:
            memory.append(mine, exchange("Where?"))
            with pytest.raises(MemoryRefused):
                await memory.turns(mine)
        assert memory.lost == 1
    finally:
        async with database.connection() as connection:
            await connection.execute("ALTER TABLE gone RENAME TO conversation_turns")


async def test_a_database_that_cannot_be_opened_at_all_is_an_error_that_is_named() -> None:
    async def broken() -> Database:
        raise PermissionError("not yours")

    async with ChatMemory(broken, PATIENT) as memory:
        memory.append(whose(), exchange("Why?"))
        with pytest.raises(MemoryRefused, match="not yours"):
            await memory.turns(whose())
    assert memory.lost == 1


async def test_an_error_of_the_block_comes_bare(database: Database) -> None:
    async def fails() -> None:
        async with ChatMemory(always(database), PATIENT) as memory:
            memory.append(whose(), exchange("Why?"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()


SUMMING = msgspec.structs.replace(PATIENT, summarise_messages=4, verbatim_messages=4, recollect=2)


class Summing:
    """Summarises by naming how often it was asked, and what; or fails."""

    def __init__(self, error: ButtressError | None = None) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.error = error

    async def __call__(self, before: str, turns: Sequence[Message]) -> str:
        self.asked.append((before, [one.content for one in turns if one.role == "user"]))
        if self.error:
            raise self.error
        return f"summary {len(self.asked)}"


async def test_older_turns_are_summarised_each_once_behind_the_call(database: Database) -> None:
    mine, summing = whose(), Summing()
    for number in range(8):
        async with ChatMemory(always(database), SUMMING) as memory:
            memory.append(mine, exchange(f"q{number}"), summing)
    async with ChatMemory(always(database), SUMMING) as memory:
        found = await memory.turns(mine)
    assert summing.asked == [("", ["q0", "q1"]), ("summary 1", ["q2", "q3"]), ("summary 2", ["q4", "q5"])]
    assert (found.summary, found.summarised) == ("summary 3", 12)


async def test_much_that_was_said_before_is_caught_up_with_a_bit_at_a_time(database: Database) -> None:
    mine, summing = whose(), Summing()
    async with ChatMemory(always(database), SUMMING) as memory:
        for number in range(20):
            memory.append(mine, exchange(f"q{number}"))
    async with ChatMemory(always(database), SUMMING) as memory:
        memory.append(mine, exchange("then"), summing)
    assert len(summing.asked) == MAX_BATCHES


async def test_a_summary_that_fails_costs_nobody_a_turn_and_is_left_alone(database: Database) -> None:
    mine, failing = whose(), Summing(MemoryRefused("no"))
    async with ChatMemory(always(database), SUMMING) as memory:
        for number in range(8):
            memory.append(mine, exchange(f"q{number}"), failing)
    async with ChatMemory(always(database), SUMMING) as memory:
        found = await memory.turns(mine)
    assert len(failing.asked) == 1
    assert (len(found.messages), found.summary, found.summarised) == (16, "", 0)


async def test_summaries_can_be_turned_off(database: Database) -> None:
    mine, summing = whose(), Summing()
    none = msgspec.structs.replace(SUMMING, summarise_messages=0, recollect=0)
    async with ChatMemory(always(database), none) as memory:
        for number in range(8):
            memory.append(mine, exchange(f"q{number}"), summing)
    async with ChatMemory(always(database), none) as memory:
        assert (await memory.turns(mine, "q1")).recollected == ()
    assert summing.asked == []


async def test_a_process_that_ends_does_not_wait_for_a_summary(database: Database) -> None:
    begun = asyncio.Event()

    async def never(before: str, turns: Sequence[Message]) -> str:
        del before, turns
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    brief = msgspec.structs.replace(SUMMING, flush_s=0.05)
    async with asyncio.timeout(30), ChatMemory(always(database), brief) as memory:
        mine = whose()
        for number in range(4):
            memory.append(mine, exchange(f"q{number}"), never)
        await begun.wait()
    assert memory.lost == 0


async def test_what_was_said_long_ago_is_recollected(database: Database) -> None:
    mine = whose()
    async with ChatMemory(always(database), SUMMING) as memory:
        memory.append(mine, exchange("Where does the oleander stand?", "On the balcony."))
        for number in range(8):
            memory.append(mine, exchange(f"q{number}"))
        found = await memory.turns(mine, "Is the oleander still there?")
    assert [one.answer for one in found.recollected] == ["On the balcony."]
