"""Locks between processes, by name, in the database: they go with the connection that holds them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg

from buttress.storage.connecting import Connection, Connector
from buttress.storage.errors import LockBusy, LockLost
from buttress.storage.translation import one_line, translated

_KEY = "hashtextextended(%s, 0)"
_TRY = f"select pg_try_advisory_lock({_KEY})"
_WAIT = f"select pg_advisory_lock({_KEY})"
_UNLOCK = f"select pg_advisory_unlock({_KEY})"
_PATIENCE = "select set_config('lock_timeout', %s, false)"
_HOLDER = f"""
    select coalesce(nullif(activity.application_name, ''), 'backend ' || activity.pid)
    from pg_locks as locks join pg_stat_activity as activity using (pid)
    where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 1
      and (locks.classid::bigint << 32) | locks.objid::bigint = {_KEY}
"""  # noqa: S608 - put together from constants


class AdvisoryLock:
    """A lock that is held."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self._connection = connection

    async def check(self) -> None:
        """Make sure that it is still ours.

        Raises:
            LockLost: its connection broke.
        """
        await self._ask("select true", ())

    async def unlock(self) -> None:
        """Give it up.

        Raises:
            LockLost: it was not ours any more.
        """
        if not await self._ask(_UNLOCK, (self.name,)):
            raise LockLost(f"the lock `{self.name}` was lost while it was in use")

    async def _ask(self, question: str, values: tuple[str, ...]) -> bool:
        try:
            row = await (await self._connection.execute(question.encode(), values)).fetchone()
        except psycopg.Error as error:
            raise LockLost(
                f"the lock `{self.name}` was lost while it was in use: {one_line(error)}"
            ) from error
        return bool(row and row[0])


@asynccontextmanager
async def advisory_lock(
    connector: Connector, name: str, timeout_s: float | None
) -> AsyncIterator[AdvisoryLock]:
    """Hold the lock `name` for the block; see `Database.advisory_lock`."""
    connection = await connector.connect(autocommit=True, patient=True)
    try:
        with translated():
            await _acquire(connection, name, timeout_s)
        lock = AdvisoryLock(name, connection)
        try:
            yield lock
        except BaseException:
            # The server notices later that a connection ended: who tries again at once would find it held.
            with suppress(LockLost):
                await lock.unlock()
            raise
        await lock.unlock()
    finally:
        await connection.close()


async def _acquire(connection: Connection, name: str, timeout_s: float | None) -> None:
    if timeout_s is not None and timeout_s <= 0:
        row = await (await connection.execute(_TRY, (name,))).fetchone()
        if not (row and row[0]):
            raise await _busy(connection, name, 0)
        return
    if timeout_s is not None:
        await connection.execute(_PATIENCE, (str(max(1, round(timeout_s * 1000))),))
    try:
        await connection.execute(_WAIT, (name,))
    except psycopg.errors.LockNotAvailable:
        raise await _busy(connection, name, timeout_s or 0) from None


async def _busy(connection: Connection, name: str, waited_s: float) -> LockBusy:
    row = await (await connection.execute(_HOLDER, (name,))).fetchone()
    holder = f", held by {row[0]}" if row else ""
    return LockBusy(f"the lock `{name}` was not free within {waited_s:g} s{holder}", data={"lock": name})
