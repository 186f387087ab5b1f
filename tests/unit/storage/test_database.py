"""The database from outside: opening it, losing it, and having it back."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from buttress.kernel.clock import Clock
from buttress.storage.database import Database, open_database
from buttress.storage.embedded import EmbeddedServer
from buttress.storage.errors import DataRefused, DiskFull, StorageUnavailable, UrlInvalid
from buttress.storage.filelocks import try_lock
from buttress.storage.settings import StorageSettings


def postmaster(project: Path) -> int:
    """Return the pid of the server."""
    return int((project / ".buttress" / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


async def ask(database: Database, question: bytes) -> object:
    """Return the first value of the first row."""
    async with database.connection() as connection:
        row = await (await connection.execute(question)).fetchone()
        return row[0] if row else None


async def test_an_opened_database_has_its_tables(database: Database) -> None:
    """Ready for the rooms."""
    for table in ("documents", "releases", "traces", "schema_migrations"):
        assert await ask(database, f"select to_regclass('{table}') is not null".encode())


async def test_a_database_can_be_given_by_url(fresh_url: str, tmp_path: Path, clock: Clock) -> None:
    """Nothing is kept in the project then."""
    async with open_database(StorageSettings(database_url=fresh_url), tmp_path, clock) as database:
        assert await ask(database, b"select count(*) from traces") == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - an empty folder is quick to list


async def test_a_url_that_is_none_is_refused(tmp_path: Path, clock: Clock) -> None:
    """Before anything is tried."""
    with pytest.raises(UrlInvalid):
        async with open_database(StorageSettings(database_url="localhost"), tmp_path, clock):
            pytest.fail("it is no URL")


async def test_text_that_cannot_be_stored_is_refused(database: Database) -> None:
    """A NUL in a text, and inside JSON."""
    for question in (b"select %s::text", b"select %s::jsonb"):
        with pytest.raises(DataRefused):
            async with database.connection() as connection:
                await connection.execute(question, ['"a\\u0000b"' if b"json" in question else "a\0b"])


async def ask_again(database: Database, question: bytes) -> object:
    """Ask, and again while the error says that this may help: a dying server still holds connections."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await ask(database, question)
            except StorageUnavailable:
                await asyncio.sleep(0)


@pytest.mark.slow
async def test_a_killed_server_is_back_for_whoever_tries_again(tmp_path: Path, clock: Clock) -> None:
    """With all that was committed; a block it was killed in hears `storage.unavailable`."""

    async def kill_in_the_middle(database: Database) -> None:
        async with database.connection() as connection:
            await connection.execute("insert into t values (43)")
            os.kill(postmaster(tmp_path), signal.SIGKILL)
            while True:
                await connection.execute("select 1")

    async with open_database(StorageSettings(), tmp_path, clock) as database:
        async with database.connection() as connection:
            await connection.execute("create table t as select 42 as n")
        for _ in range(2):
            os.kill(postmaster(tmp_path), signal.SIGKILL)
            assert await ask_again(database, b"select n from t") == 42
        with pytest.raises(StorageUnavailable):
            await kill_in_the_middle(database)
        assert await ask_again(database, b"select count(*) from t") == 1


@pytest.mark.slow
async def test_many_who_lose_the_server_at_once_bring_it_back_once(tmp_path: Path, clock: Clock) -> None:
    """From two openings, as from two processes."""
    async with (
        open_database(StorageSettings(), tmp_path, clock) as one,
        open_database(StorageSettings(), tmp_path, clock) as two,
    ):
        os.kill(postmaster(tmp_path), signal.SIGKILL)
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(ask_again(one if n % 2 else two, b"select 1")) for n in range(12)]
        assert [answer.result() for answer in answers] == [1] * 12


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3, 0.5])
async def test_whoever_is_cancelled_while_opening_leaves_no_server(
    tmp_path: Path, clock: Clock, after_s: float
) -> None:
    """The start cannot be broken off, so it is waited for and undone."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(after_s), open_database(StorageSettings(), tmp_path, clock):
            await asyncio.Event().wait()
    lock = try_lock(tmp_path / ".buttress" / "postgres" / "server.lock")
    assert lock
    lock.release()


async def test_a_closed_database_says_so(shared_server: tuple[Path, EmbeddedServer], clock: Clock) -> None:
    """And an error in the block goes through."""
    kept: list[Database] = []

    async def fail() -> None:
        async with open_database(StorageSettings(), shared_server[0], clock) as database:
            kept.append(database)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    with pytest.raises(StorageUnavailable, match="closed"):
        await ask(kept[0], b"select 1")


@pytest.mark.slow
async def test_a_disk_that_fills_up_is_told_as_such(small_disk: Path, clock: Clock) -> None:
    """What was committed before stays; with space again, writing goes on."""
    ballast = small_disk / "ballast"
    async with open_database(StorageSettings(), small_disk, clock) as database:
        async with database.connection() as connection:
            await connection.execute("create table t as select 42 as n")
        ballast.write_bytes(bytes(40_000_000))
        with pytest.raises((DiskFull, StorageUnavailable)):
            await ask(database, b"insert into t select generate_series(1, 3000000) returning 1")
        ballast.unlink()
        await ask_again(database, b"insert into t values (43) returning n")
        assert await ask(database, b"select count(*) from t") == 2
