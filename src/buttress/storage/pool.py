"""Connections that are lent out and come back.

Our own, and not psycopg_pool: its clients wait out their whole timeout while the database is down, and its
reconnecting backs off to minutes. Here nothing runs in the background: a broken connection is noticed when
it is asked for, a new one is made at once, and when that fails the caller hears it at once.
"""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg.pq import TransactionStatus

from buttress.kernel.clock import Clock
from buttress.storage.connecting import Connection, Connector
from buttress.storage.errors import StorageBusy, StorageUnavailable
from buttress.storage.settings import StorageSettings
from buttress.storage.translation import translated


class Pool:
    """At most `pool_size` connections, made when needed; of the free ones the last used is lent first."""

    def __init__(self, connector: Connector, settings: StorageSettings, clock: Clock) -> None:
        self._connector = connector
        self._settings = settings
        self._clock = clock
        self._seats = asyncio.Semaphore(settings.pool_size)
        self._idle: list[tuple[Connection, float]] = []
        self._closed = False

    @asynccontextmanager
    async def connection(self, *, autocommit: bool = False) -> AsyncIterator[Connection]:
        """Lend a connection for the block: one transaction, committed at its end, undone by an error.

        With `autocommit` every statement is a transaction of its own, and two round trips are saved.

        Raises:
            StorageBusy: none was free within `pool_timeout_s`.
            StorageUnavailable: the database cannot be reached, or the connection broke in the block.
        """
        async with self._seat():
            connection = await self._take()
            try:
                with translated():
                    await connection.set_autocommit(autocommit)
                    yield connection
                    await connection.commit()
            finally:
                await self._give_back(connection)

    async def close(self) -> None:
        """Close the free connections now, and the lent ones when they come back."""
        self._closed = True
        while self._idle:
            await self._idle.pop()[0].close()

    @asynccontextmanager
    async def _seat(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._settings.pool_timeout_s):
                await self._seats.acquire()
        except TimeoutError:
            raise StorageBusy(
                f"all {self._settings.pool_size} database connections were in use for "
                f"{self._settings.pool_timeout_s:g} s"
            ) from None
        try:
            yield
        finally:
            self._seats.release()

    async def _take(self) -> Connection:
        if self._closed:
            raise StorageUnavailable("the database was closed by this process", hint="Open it again.")
        while self._idle:
            connection, since = self._idle.pop()
            fresh = self._clock.monotonic() - since <= self._settings.idle_timeout_s
            if fresh and is_quiet(connection):
                return connection
            await connection.close()
        return await self._connector.connect()

    async def _give_back(self, connection: Connection) -> None:
        try:
            if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                await connection.rollback()
        except psycopg.Error:
            await connection.close()
        finally:
            if self._closed or connection.info.transaction_status != TransactionStatus.IDLE:
                await connection.close()
            else:
                self._idle.append((connection, self._clock.monotonic()))


def is_quiet(connection: Connection) -> bool:
    """Say whether an unused connection is still there: a server that goes says so, or closes the socket."""
    if connection.closed:
        return False
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return not poller.poll(0)
