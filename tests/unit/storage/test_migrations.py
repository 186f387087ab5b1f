"""Migrations: which are outstanding, and that each is applied wholly and once."""

import asyncio
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.clock import Clock
from buttress.storage.connecting import Connector
from buttress.storage.errors import DatabaseNewer, MigrationChanged, MigrationFailed, MigrationMissing
from buttress.storage.migrations import (
    Applied,
    Migration,
    migrate,
    outstanding,
    read_migrations,
    shipped_migrations,
)
from buttress.storage.settings import StorageSettings

FILES = [Migration(number=n, name=f"step{n}", sql=f"create table t{n} (x integer)") for n in range(1, 6)]

OPEN = """
import asyncio, sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
async def main():
    async with open_database(StorageSettings(database_url=sys.argv[1]), Path(), SystemClock()):
        print("open", flush=True)
asyncio.run(main())
"""


def applied(migration: Migration) -> Applied:
    """Return the row of a migration that was applied."""
    return Applied(number=migration.number, name=migration.name, sha256=migration.sha256)


@given(st.integers(0, 5))
def test_what_is_not_applied_yet_is_outstanding_in_order(done: int) -> None:
    """Together with what is applied it is all there is."""
    assert outstanding([applied(one) for one in FILES[:done]], FILES) == FILES[done:]


@given(st.integers(0, 5), st.sets(st.integers(0, 4), min_size=1))
def test_a_changed_file_is_found_wherever_it_is(done: int, changed: set[int]) -> None:
    """But one that was not applied may still change."""
    now = [
        Migration(number=f.number, name=f.name, sql=f.sql + " ") if i in changed else f
        for i, f in enumerate(FILES)
    ]
    before = [applied(one) for one in FILES[:done]]
    if any(i < done for i in changed):
        with pytest.raises(MigrationChanged, match=f"{min(changed) + 1:04}_step"):
            outstanding(before, now)
    else:
        assert outstanding(before, now) == now[done:]


def test_a_database_newer_than_the_code_is_refused() -> None:
    """With both numbers."""
    with pytest.raises(DatabaseNewer, match="at migration 5, this release knows 3"):
        outstanding([applied(one) for one in FILES], FILES[:3])


def test_a_row_that_is_missing_is_found() -> None:
    """Somebody deleted it, or restored a part."""
    with pytest.raises(MigrationMissing, match=r"0002_step2\.sql"):
        outstanding([applied(FILES[0]), applied(FILES[2])], FILES)


def test_how_lines_end_does_not_count() -> None:
    """A checkout on another system has other line ends."""
    unix, windows = (
        Migration(number=1, name="a", sql=f"select 1;{end}select 2;{end}") for end in ("\n", "\r\n")
    )
    assert unix.sha256 == windows.sha256


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        pytest.param(["0001_a.sql", "0003_b.sql"], "0003_b.sql", id="a gap"),
        pytest.param(["0002_a.sql"], "0002_a.sql", id="no first one"),
        pytest.param(["0001_a.sql", "0001_b.sql"], "0001_b.sql", id="a number twice"),
        pytest.param(["1_a.sql"], "1_a.sql", id="a short number"),
        pytest.param(["0001 a.sql"], "0001 a.sql", id="a blank"),
        pytest.param(["0001_A.SQL.sql"], "0001_A.SQL.sql", id="capitals"),
    ],
)
def test_a_folder_with_wrong_names_is_refused(tmp_path: Path, names: list[str], wrong: str) -> None:
    """The file is named."""
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationMissing, match=re.escape(wrong)):
        read_migrations(tmp_path)


def test_the_shipped_migrations_are_whole() -> None:
    """Other files beside them do not count."""
    assert shipped_migrations()[0].number == 1


async def tables(connector: Connector) -> set[str]:
    """Return the names of all tables."""
    connection = await connector.connect()
    cursor = await connection.execute("select tablename from pg_tables where schemaname = 'public'")
    found = {str(row[0]) for row in await cursor.fetchall()}
    await connection.close()
    return found


@pytest.fixture
def connector(fresh_url: str, clock: Clock) -> Connector:
    """Connects to an empty database."""
    return Connector(StorageSettings(database_url=fresh_url), clock, None)


async def test_migrations_are_applied_once(connector: Connector, clock: Clock) -> None:
    """A second time, and a later release, apply what is left."""
    assert await migrate(connector, FILES[:2], clock) == FILES[:2]
    assert await migrate(connector, FILES[:2], clock) == []
    assert await migrate(connector, FILES, clock) == FILES[2:]
    assert await tables(connector) == {"schema_migrations", "t1", "t2", "t3", "t4", "t5"}


async def test_many_at_once_apply_each_once(connector: Connector, clock: Clock) -> None:
    """They wait for each other."""
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(migrate(connector, FILES, clock)) for _ in range(5)]
    assert sorted(len(run.result()) for run in runs) == [0, 0, 0, 0, 5]


async def test_a_migration_that_fails_leaves_nothing_of_itself(connector: Connector, clock: Clock) -> None:
    """The ones before it stay; mended, it goes on from there."""
    bad = Migration(number=2, name="bad", sql="create table half (x integer); select nonsense")
    with pytest.raises(MigrationFailed, match=r"0002_bad\.sql was refused: .*nonsense"):
        await migrate(connector, [FILES[0], bad], clock)
    assert await tables(connector) == {"schema_migrations", "t1"}
    assert await migrate(connector, FILES[:2], clock) == FILES[1:2]


async def test_a_changed_file_stops_before_anything_is_applied(connector: Connector, clock: Clock) -> None:
    """The database stays as it is."""
    await migrate(connector, FILES[:1], clock)
    with pytest.raises(MigrationChanged):
        await migrate(connector, [Migration(number=1, name="step1", sql="select 1"), *FILES[1:]], clock)
    assert await tables(connector) == {"schema_migrations", "t1"}


@pytest.mark.slow
async def test_two_processes_that_open_a_new_database_at_once_both_get_it(
    connector: Connector, fresh_url: str, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    """With all tables, each applied once."""
    processes = [spawn(OPEN, fresh_url) for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == ["open\n"] * 3
    assert {"documents", "releases", "traces", "schema_migrations"} <= await tables(connector)
