"""How syncs went, in PostgreSQL."""

from datetime import timedelta

from buttress.knowledge.errors import SourceMissing
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.storage.database import Database
from buttress.testing.clock import NOON

LATER = NOON + timedelta(minutes=1)


async def test_failures_count_until_one_ends_well(database: Database) -> None:
    """One that runs, or was killed, counts as one until then."""
    log = SyncLog(database)
    assert await log.all() == {}
    await log.began("garden", NOON)
    assert (await log.all())["garden"].failures == 1
    await log.failed("garden", LATER, SourceMissing("the folder docs\0 is away"))
    failed = (await log.all())["garden"]
    assert (failed.ended_at, failed.succeeded_at, failed.failures) == (LATER, None, 1)
    assert (failed.error_code, failed.error) == ("knowledge.source_missing", "the folder docs is away")
    await log.began("garden", LATER)
    killed = (await log.all())["garden"]
    assert (killed.began_at, killed.ended_at, killed.failures) == (LATER, None, 2)
    await log.began("garden", LATER)
    await log.ended("garden", LATER, 7)
    done = (await log.all())["garden"]
    assert (done.failures, done.left_out, done.error, done.succeeded_at) == (0, 7, None, LATER)


async def test_each_knowledge_base_has_its_own(database: Database) -> None:
    log = SyncLog(database)
    await log.began("garden", NOON)
    await log.began("other", LATER)
    await log.ended("other", LATER, 0)
    assert {name: one.failures for name, one in (await log.all()).items()} == {"garden": 1, "other": 0}
