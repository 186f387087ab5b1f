"""Hearing what others say, and knowing when something may have been missed."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from buttress.kernel.clock import Clock
from buttress.storage.database import Database, open_database
from buttress.storage.embedded import EmbeddedServer
from buttress.storage.errors import DataRefused
from buttress.storage.listening import Notice
from buttress.storage.settings import StorageSettings

TELL = """
import asyncio, sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
async def main():
    async with open_database(StorageSettings(), Path(sys.argv[1]), SystemClock()) as database:
        for word in sys.argv[2:]:
            await database.notify("news", word)
asyncio.run(main())
"""


async def hear(notices: AsyncGenerator[Notice, None], number: int) -> list[Notice]:
    """Return the next notices."""
    async with asyncio.timeout(10):
        return [await anext(notices) for _ in range(number)]


def news(payload: str) -> Notice:
    """Return what is heard when `payload` is said on `news`."""
    return Notice(channel="news", payload=payload)


async def test_what_another_process_says_is_heard_in_order(
    database: Database,
    shared_server: tuple[Path, EmbeddedServer],
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    """The first notice says that listening has begun."""
    async with aclosing(database.listen(["news"])) as notices:
        assert await hear(notices, 1) == [Notice(missed=True)]
        spawn(TELL, str(shared_server[0]), "one", "two", 'sch"ön; ')
        assert await hear(notices, 3) == [news("one"), news("two"), news('sch"ön; ')]


async def test_only_the_channels_asked_for_are_heard(database: Database) -> None:
    """A channel's name is a name, whatever is in it."""
    odd = 'News"; drop table documents --'
    async with aclosing(database.listen(["news", odd])) as notices:
        await hear(notices, 1)
        await database.notify("other", "x")
        await database.notify(odd, "")
        await database.notify("news", "end")
        assert await hear(notices, 2) == [Notice(channel=odd), news("end")]


async def test_a_listener_that_is_cut_off_says_so_and_goes_on(database: Database) -> None:
    """What was said meanwhile is lost, hence `missed`."""
    async with aclosing(database.listen(["news"])) as notices:
        await hear(notices, 1)
        async with database.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'"
            )
        assert await hear(notices, 1) == [Notice(missed=True)]
        await database.notify("news", "again")
        assert await hear(notices, 1) == [news("again")]


@pytest.mark.slow
async def test_a_killed_server_is_brought_back_by_who_listens(tmp_path: Path, clock: Clock) -> None:
    """Nobody else asks for a connection; still the server comes back, and everybody is heard again."""
    async with (
        open_database(StorageSettings(), tmp_path, clock) as database,
        open_database(StorageSettings(), tmp_path, clock) as other,
        aclosing(database.listen(["news"])) as notices,
    ):
        await hear(notices, 1)
        pid_file = tmp_path / ".buttress" / "postgres" / "data" / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        assert await hear(notices, 1) == [Notice(missed=True)]
        await other.notify("news", "back")
        assert await hear(notices, 1) == [news("back")]


@pytest.mark.parametrize("channel", ["", "x" * 64, "ü" * 32])
async def test_a_channel_name_that_would_be_cut_is_refused(database: Database, channel: str) -> None:
    """PostgreSQL would listen to another name, silently."""
    async with aclosing(database.listen([channel])) as notices:
        with pytest.raises(DataRefused):
            await anext(notices)


async def test_a_payload_that_is_too_long_is_refused(database: Database) -> None:
    """The limit is PostgreSQL's: 7,999 bytes."""
    await database.notify("news", "x" * 7_999)
    with pytest.raises(DataRefused):
        await database.notify("news", "x" * 8_000)


async def test_a_listener_can_be_cancelled_while_it_waits(database: Database) -> None:
    """And its connection is closed with it."""
    async with aclosing(database.listen(["news"])) as notices:
        await hear(notices, 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(notices)
    question = b"select count(*) from pg_stat_activity where query = 'listen \"news\"'"
    async with asyncio.timeout(10):
        while True:
            async with database.connection() as connection:
                row = await (await connection.execute(question)).fetchone()
            if row == (0,):
                break
