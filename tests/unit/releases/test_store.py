"""Releases in PostgreSQL: kept once, never changed, found again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from buttress.kernel.clock import SystemClock
from buttress.releases.errors import ReleaseUnknown, ReleaseUnreadable
from buttress.releases.store import ReleaseStore
from buttress.storage.database import Database, open_database
from buttress.storage.embedded import attach_server
from buttress.storage.settings import StorageSettings
from tests.unit.releases.releasing import a_release

pytestmark = pytest.mark.slow  # they start a server


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose server runs for all tests of this file."""
    folder = tmp_path_factory.mktemp("project")
    server = attach_server(folder, StorageSettings(), SystemClock())
    yield folder
    server.detach()


@pytest.fixture
async def database(project: Path) -> AsyncIterator[Database]:
    """The project's database, without releases."""
    async with open_database(StorageSettings(pool_size=4), project, SystemClock()) as opened:
        async with opened.connection() as connection:
            await connection.execute("TRUNCATE releases")
        yield opened


@pytest.fixture
def store(database: Database) -> ReleaseStore:
    """A store without releases."""
    return ReleaseStore(database, SystemClock())


async def test_a_release_is_found_again_as_it_was_kept(store: ReleaseStore) -> None:
    release = a_release(description="Größe ≥ 5 'quoted' \\u0041")
    assert await store.keep(release)
    assert await store.get(release.release_id) == release


async def test_keeping_it_again_changes_nothing(store: ReleaseStore) -> None:
    release = a_release()
    assert await store.keep(release)
    first = await store.latest()
    assert not await store.keep(release)
    assert await store.latest() == first


async def test_of_many_that_keep_it_at_once_one_does(store: ReleaseStore) -> None:
    release = a_release()
    assert sorted(await asyncio.gather(*(store.keep(release) for _ in range(8)))) == [False] * 7 + [True]


async def test_the_latest_come_first_and_by_feature(store: ReleaseStore) -> None:
    kept = [a_release("a"), a_release("b"), a_release("a", "Another.")]
    for release in kept:
        await store.keep(release)
    assert [one.release_id for one in await store.latest()] == [one.release_id for one in kept[::-1]]
    assert [one.release_id for one in await store.latest(feature="b")] == [kept[1].release_id]
    assert len(await store.latest(limit=2)) == 2
    assert await store.latest(feature="c") == []


@pytest.mark.parametrize("release_id", ["rel_0000000000000000", "", "%", "\0", "' OR true --"])
async def test_an_id_that_is_none_is_unknown(store: ReleaseStore, release_id: str) -> None:
    await store.keep(a_release())
    with pytest.raises(ReleaseUnknown):
        await store.get(release_id)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("""jsonb_set(body, '{description}', '"another"')""", id="its content has another id"),
        pytest.param("body - 'stages'", id="a part is missing"),
        pytest.param("'[]'::jsonb", id="something else altogether"),
    ],
)
async def test_a_release_that_was_changed_is_not_used(
    store: ReleaseStore, database: Database, change: str
) -> None:
    release = a_release()
    await store.keep(release)
    async with database.connection() as connection:
        await connection.execute(f"UPDATE releases SET body = {change}".encode())  # noqa: S608 - our own
    with pytest.raises(ReleaseUnreadable):
        await store.get(release.release_id)
