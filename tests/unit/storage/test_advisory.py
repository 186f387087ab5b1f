"""Locks by name, between tasks and processes."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from buttress.storage.database import Database
from buttress.storage.embedded import EmbeddedServer
from buttress.storage.errors import LockBusy, LockLost

HOLD = """
import asyncio, sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
async def main():
    async with open_database(StorageSettings(), Path(sys.argv[1]), SystemClock()) as database:
        async with database.advisory_lock(sys.argv[2]):
            print("held", flush=True)
            await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@pytest.mark.parametrize("timeout_s", [0, 0.1])
async def test_a_lock_is_held_by_one_and_who_waits_in_vain_hears_by_whom(
    database: Database, timeout_s: float
) -> None:
    """The message names the lock and the holder."""
    async with database.advisory_lock("ingest:docs") as held:
        await held.check()
        with pytest.raises(LockBusy, match=r"`ingest:docs` was not free within 0.* held by buttress \d+"):
            async with database.advisory_lock("ingest:docs", timeout_s=timeout_s):
                pytest.fail("it was held")
        async with database.advisory_lock("ingest:other", timeout_s=0):
            pass
    async with database.advisory_lock("ingest:docs", timeout_s=0):
        pass


async def test_a_block_that_fails_leaves_the_lock_at_once(database: Database) -> None:
    """Whoever tries again finds it free; the error of the block goes on."""
    for _ in range(20):
        with pytest.raises(KeyError):
            async with database.advisory_lock("fails", timeout_s=0):
                raise KeyError


async def test_whoever_waits_gets_it_when_it_is_free(database: Database) -> None:
    """One at a time, whatever the order."""
    inside: list[int] = []

    async def work(number: int) -> None:
        async with database.advisory_lock("turns", timeout_s=10):
            inside.append(number)
            assert len(inside) == 1
            await asyncio.sleep(0.01)
            inside.remove(number)

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(work(number))


async def test_an_error_in_the_block_frees_the_lock_and_goes_on(database: Database) -> None:
    """It is not hidden by anything about the lock."""
    with pytest.raises(KeyError):
        async with database.advisory_lock("fragile"):
            raise KeyError
    async with database.advisory_lock("fragile", timeout_s=5):
        pass


async def test_a_killed_process_frees_its_lock(
    database: Database,
    shared_server: tuple[Path, EmbeddedServer],
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    """The server notices that the connection is gone."""
    holder = spawn(HOLD, str(shared_server[0]), "of a process")
    assert holder.stdout is not None
    assert await asyncio.to_thread(holder.stdout.readline) == "held\n"
    with pytest.raises(LockBusy, match=f"held by buttress {holder.pid}"):
        async with database.advisory_lock("of a process", timeout_s=0):
            pytest.fail("it was held")
    holder.kill()
    async with database.advisory_lock("of a process", timeout_s=10):
        pass


async def test_a_lock_whose_connection_broke_is_reported_lost(database: Database) -> None:
    """By `check`, and by the end of the block at the latest."""

    async def work() -> None:
        async with database.advisory_lock("docs") as held:
            async with database.connection() as connection:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                )
            with pytest.raises(LockLost):
                await held.check()

    with pytest.raises(LockLost, match="`docs` was lost"):
        await work()


async def test_a_waiter_can_be_cancelled(database: Database) -> None:
    """And does not get the lock later on."""
    async with database.advisory_lock("held"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), database.advisory_lock("held"):
                pytest.fail("it was held")
    async with database.advisory_lock("held", timeout_s=0):
        pass
