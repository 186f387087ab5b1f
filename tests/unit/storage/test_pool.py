"""Connections that are lent out and come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from buttress.kernel.clock import Clock
from buttress.storage.connecting import Connection, Connector
from buttress.storage.errors import StorageBusy, StorageTimeout, StorageUnavailable
from buttress.storage.pool import Pool
from buttress.storage.settings import StorageSettings


@pytest.fixture
async def pool(fresh_url: str, clock: Clock) -> AsyncIterator[Pool]:
    """Two connections to an empty database with one table."""
    settings = StorageSettings(
        database_url=fresh_url, pool_size=2, pool_timeout_s=0.2, statement_timeout_s=0.5, idle_timeout_s=1000
    )
    made = Pool(Connector(settings, clock, None), settings, clock)
    async with made.connection() as connection:
        await connection.execute("create table t (n integer primary key)")
    yield made
    await made.close()


async def one(connection: Connection, question: bytes) -> object:
    """Return the first value of the first row."""
    row = await (await connection.execute(question)).fetchone()
    assert row
    return row[0]


async def insert(pool: Pool, *numbers: int, error: Exception | None = None, autocommit: bool = False) -> None:
    """Insert rows in one block, then perhaps fail."""
    async with pool.connection(autocommit=autocommit) as connection:
        for number in numbers:
            await connection.execute("insert into t values (%s)", [number])
        if error:
            raise error


async def count(pool: Pool) -> object:
    """Return how many rows the table has."""
    async with pool.connection() as connection:
        return await one(connection, b"select count(*) from t")


async def test_a_block_is_one_transaction(pool: Pool) -> None:
    """Committed at its end, undone by an error, which goes on."""
    await insert(pool, 1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await insert(pool, 2, 1)
    with pytest.raises(KeyError):
        await insert(pool, 3, error=KeyError())
    assert await count(pool) == 1


async def test_with_autocommit_every_statement_counts(pool: Pool) -> None:
    """And the next borrower gets a transaction again."""
    with pytest.raises(KeyError):
        await insert(pool, 1, error=KeyError(), autocommit=True)
    assert await count(pool) == 1
    async with pool.connection() as connection:
        assert not connection.autocommit


async def test_connections_are_used_again(pool: Pool) -> None:
    """The last one that came back goes out first."""
    async with pool.connection() as first:
        pid = await one(first, b"select pg_backend_pid()")
    async with pool.connection() as second:
        assert await one(second, b"select pg_backend_pid()") == pid


async def test_whoever_waits_too_long_is_told_how_many_there_are(pool: Pool) -> None:
    """And whoever comes when one is free gets it."""
    async with AsyncExitStack() as lent:
        for _ in range(2):
            await lent.enter_async_context(pool.connection())
        with pytest.raises(StorageBusy, match="all 2 database connections"):
            await lent.enter_async_context(pool.connection())
    assert await count(pool) == 0


async def test_a_cancelled_borrower_leaves_nothing_behind(pool: Pool) -> None:
    """Neither an open transaction nor a lost seat."""

    async def run_out_of_time() -> None:
        async with asyncio.timeout(0.05), pool.connection() as connection:
            await connection.execute("insert into t values (1)")
            await connection.execute("select pg_sleep(10)")

    for _ in range(4):
        with pytest.raises(TimeoutError):
            await run_out_of_time()
    async with pool.connection() as connection, pool.connection():
        assert connection.info.transaction_status == TransactionStatus.IDLE
    assert await count(pool) == 0


async def test_a_statement_that_takes_too_long_is_ended(pool: Pool) -> None:
    """By the server, so that nothing goes on unseen."""
    with pytest.raises(StorageTimeout):
        async with pool.connection() as connection:
            await connection.execute("select pg_sleep(10)")
    assert await count(pool) == 0


async def test_broken_connections_are_replaced_unseen(pool: Pool) -> None:
    """All free ones were cut by the server: the next borrower notices nothing."""
    async with pool.connection() as one_of_two, pool.connection() as other:
        pids = [await one(connection, b"select pg_backend_pid()") for connection in (one_of_two, other)]
    async with pool.connection(autocommit=True) as connection:
        here = await one(connection, b"select pg_backend_pid()")
        other_pid = next(pid for pid in pids if pid != here)
        await connection.execute("select pg_terminate_backend(%s::int, 5000)", [other_pid])
    for _ in range(2):
        async with pool.connection(), pool.connection() as connection:
            assert await one(connection, b"select 1") == 1


async def test_a_connection_that_breaks_in_use_is_told_and_replaced(pool: Pool) -> None:
    """The borrower hears `storage.unavailable`, the next one nothing."""
    with pytest.raises(StorageUnavailable):
        async with pool.connection() as connection:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    assert await count(pool) == 0


async def test_a_closed_pool_lends_nothing_and_takes_back_what_is_out(pool: Pool) -> None:
    """Closing does not wait; a late borrower finishes."""
    async with pool.connection() as connection:
        await pool.close()
        assert await one(connection, b"select 1") == 1
    assert connection.closed
    with pytest.raises(StorageUnavailable, match="was closed"):
        await count(pool)


async def test_a_connection_unused_for_long_is_not_used_again(fresh_url: str, clock: Clock) -> None:
    """Something between us and the server may have forgotten it."""
    settings = StorageSettings(database_url=fresh_url, idle_timeout_s=0.001)
    pool = Pool(Connector(settings, clock, None), settings, clock)
    async with pool.connection() as first:
        pass
    await asyncio.sleep(0.01)
    async with pool.connection() as second:
        assert first.closed
        assert first is not second
    await pool.close()


async def test_many_tasks_share_few_connections(pool: Pool) -> None:
    """Every one gets its turn."""
    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(insert(pool, number))
    assert await count(pool) == 40
