"""The database, from outside: open it, borrow a connection, tell and hear, lock by name."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from buttress.kernel.clock import Clock
from buttress.storage.advisory import AdvisoryLock, advisory_lock
from buttress.storage.connecting import Connection, Connector
from buttress.storage.embedded import EmbeddedServer, attach_server
from buttress.storage.listening import Notice, listen
from buttress.storage.migrations import migrate, shipped_migrations
from buttress.storage.pool import Pool
from buttress.storage.settings import StorageSettings


class Database:
    """One PostgreSQL database. Everything here may be used by many tasks of one event loop at once."""

    def __init__(self, connector: Connector, pool: Pool) -> None:
        self._connector = connector
        self._pool = pool

    @property
    def conninfo(self) -> str:
        """What another library needs to connect on its own. It may hold a password: never show it."""
        return self._connector.conninfo

    def connection(self, *, autocommit: bool = False) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection for the block: one transaction, committed at its end, undone by an error.

        With `autocommit` every statement is a transaction of its own, and two round trips are saved.

        Raises:
            StorageBusy: none was free within `pool_timeout_s`.
            StorageUnavailable: the database cannot be reached, or the connection broke in the block.
            DiskFull, StorageTimeout, StorageConflict, DataRefused: as their names say.
            psycopg.Error: a constraint was hit, or a statement is wrong.
        """
        return self._pool.connection(autocommit=autocommit)

    async def notify(self, channel: str, payload: str = "") -> None:
        """Tell everybody who listens on `channel`, in any process; at most 7,999 bytes of `payload`.

        Raises:
            DataRefused: the payload or the channel's name is too long.
            StorageUnavailable, StorageBusy: as for `connection`.
        """
        async with self.connection(autocommit=True) as connection:
            await connection.execute("select pg_notify(%s, %s)", (channel, payload))

    def listen(self, channels: Sequence[str]) -> AsyncGenerator[Notice, None]:
        """Yield what is said on `channels`, for ever, across lost connections and restarts of the server.

        A notice with `missed` (the first one, and one after every loss) says: read everything again.
        Who leaves the loop early closes the iterator (`contextlib.aclosing`).
        """
        return listen(self._connector, channels)

    def advisory_lock(
        self, name: str, *, timeout_s: float | None = None
    ) -> AbstractAsyncContextManager[AdvisoryLock]:
        """Hold the lock `name` for the block, alone among all processes; wait for it up to `timeout_s`.

        None waits for ever, 0 not at all. It has a connection of its own, outside the pool. When that breaks
        the lock is gone: `check()` of what is yielded says so, and so does the end of the block.

        Raises:
            LockBusy: somebody else held it all the time; the message names the lock and the holder.
            LockLost: it did not hold to the end of the block.
            StorageUnavailable: the database cannot be reached.
        """
        return advisory_lock(self._connector, name, timeout_s)


OpenDatabase = Callable[[], Awaitable[Database]]
"""Gives the database, opened when first asked for; raises what opening it does."""


@asynccontextmanager
async def open_database(
    settings: StorageSettings, project_dir: Path, clock: Clock
) -> AsyncIterator[Database]:
    """Open the database of a project for the block: start our own server if need be, apply the migrations.

    `settings.database_url` is the real URL, not a reference to it; empty for our own server.

    Raises:
        StorageUnavailable, UrlInvalid: the database of the URL.
        BinariesMissing, SetprivMissing, FolderUnusable, DiskFull, VersionMismatch, StartFailed: our own.
        MigrationChanged, MigrationMissing, MigrationFailed, DatabaseNewer: the tables.
    """
    if settings.database_url:
        async with _opened(Connector(settings, clock, None), settings, clock) as database:
            yield database
        return
    async with (
        _embedded(settings, project_dir, clock) as server,
        _opened(Connector(settings, clock, server), settings, clock) as database,
    ):
        yield database


@asynccontextmanager
async def _opened(connector: Connector, settings: StorageSettings, clock: Clock) -> AsyncIterator[Database]:
    await migrate(connector, shipped_migrations(), clock)
    pool = Pool(connector, settings, clock)
    try:
        yield Database(connector, pool)
    finally:
        await pool.close()


@asynccontextmanager
async def _embedded(
    settings: StorageSettings, project_dir: Path, clock: Clock
) -> AsyncIterator[EmbeddedServer]:
    """Hold our own server for the block. A thread cannot be cancelled: who is cancelled waits for it."""
    loop = asyncio.get_running_loop()
    starting = loop.run_in_executor(None, attach_server, project_dir, settings, clock)
    try:
        server = await asyncio.shield(starting)
    except asyncio.CancelledError:
        (await starting).detach()
        raise
    try:
        yield server
    finally:
        await asyncio.shield(loop.run_in_executor(None, server.detach))
