"""Syncs that are due, in the background."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from buttress.app.project import knowledge_bases
from buttress.app.schedule import Schedule, ScheduleParts, is_due, scheduled
from buttress.app.standings import DOCUMENTS, FAILURES, SYNCED
from buttress.kernel.clock import SystemClock
from buttress.knowledge.syncing.schedule import LastSync
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.knowledge.types import KnowledgeBase
from buttress.settings.loading import load_settings
from buttress.storage.database import Database
from buttress.testing.clock import ManualClock
from tests.projects import write_document
from tests.waiting import until

EVERY_S = 900.0
AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
async def empty(database: Database) -> Database:
    """The shared database, which knows of no document."""
    async with database.connection() as connection:
        await connection.execute("truncate documents, generations, syncs cascade")
    return database


def declared(project: Path, every_s: float | None = EVERY_S) -> dict[str, KnowledgeBase]:
    """Return the knowledge bases of `project`; `docs` is synced every so often, the other never."""
    found = knowledge_bases(project)
    return {**found, "docs": msgspec.structs.replace(found["docs"], sync_every_s=every_s)}


def parts_of(project: Path, database: Database, clock: ManualClock | SystemClock) -> ScheduleParts:
    """Return what syncs by themselves need."""

    async def opened() -> Database:
        return database

    return ScheduleParts(
        loaded=load_settings(project), knowledge=lambda: declared(project), database=opened, clock=clock
    )


@asynccontextmanager
async def looked(schedule: Schedule, database: Database) -> AsyncIterator[dict[str, LastSync]]:
    """Look once, and give what was synced."""
    await schedule.look()
    yield await SyncLog(database).all()


@pytest.mark.slow
async def test_what_is_due_is_synced_and_no_more(project: Path, empty: Database) -> None:
    clock = ManualClock(SystemClock().now() + timedelta(hours=1))
    schedule = Schedule(parts_of(project, empty, clock))
    async with looked(schedule, empty) as first:
        assert set(first) == {"docs"}  # the other one is synced by hand
        assert first["docs"].failures == 0
    assert schedule.present[DOCUMENTS]["docs",] == 2
    assert schedule.present[DOCUMENTS]["acme",] == 0
    clock.advance(EVERY_S - 1)
    async with looked(schedule, empty) as early:
        assert early == first
    write_document(project / "documents" / "pets.md", "# Pets\n\nAn otter may be brought to work.\n")
    clock.advance(1)
    async with looked(schedule, empty) as second:
        assert second["docs"].began_at > first["docs"].began_at
    assert schedule.present[DOCUMENTS]["docs",] == 3
    assert schedule.present[SYNCED]["docs",] == clock.now().timestamp()


@pytest.mark.slow
async def test_what_is_taken_out_while_another_is_synced_is_synced_no_more(
    project: Path, empty: Database
) -> None:
    """What was forgotten would be kept again."""
    both = {name: msgspec.structs.replace(one, sync_every_s=60) for name, one in declared(project).items()}
    (first, one), _ = both.items()
    told: list[Mapping[str, KnowledgeBase]] = [both, both, {first: one}]
    parts = msgspec.structs.replace(
        parts_of(project, empty, SystemClock()),
        knowledge=lambda: told.pop(0) if len(told) > 1 else told[0],
    )
    async with looked(Schedule(parts), empty) as synced:
        assert set(synced) == {first}


@pytest.mark.slow
async def test_failures_put_the_next_one_off_and_are_counted(project: Path, empty: Database) -> None:
    clock = ManualClock(SystemClock().now())
    schedule = Schedule(parts_of(project, empty, clock))
    for folder in ("documents", "staff"):
        (project / folder).rename(project / f"{folder} away")
    async with looked(schedule, empty) as failed:
        assert (failed["docs"].failures, failed["docs"].error_code) == (1, "knowledge.source_missing")
    assert schedule.present[FAILURES]["docs",] == 1
    clock.advance(EVERY_S)
    async with looked(schedule, empty) as waiting:
        assert waiting == failed
    for folder in ("documents", "staff"):
        (project / f"{folder} away").rename(project / folder)
    clock.advance(EVERY_S)
    async with looked(schedule, empty) as mended:
        assert mended["docs"].failures == 0
    assert schedule.present[FAILURES]["docs",] == 0


@pytest.mark.slow
async def test_one_that_runs_elsewhere_is_left_alone(project: Path, empty: Database) -> None:
    """It is looked at again in a minute; nothing counts as failed."""
    clock = ManualClock(SystemClock().now())
    schedule = Schedule(parts_of(project, empty, clock))
    async with empty.advisory_lock("knowledge:docs"), looked(schedule, empty) as held:
        assert held == {}
    async with looked(schedule, empty) as soon:
        assert soon == {}
    clock.advance(60)
    async with looked(schedule, empty) as later:
        assert later["docs"].failures == 0


@pytest.mark.slow
async def test_one_that_was_killed_is_gone_on_with_soon(project: Path, empty: Database) -> None:
    """A minute later, not at the end of `every`."""
    clock = ManualClock(SystemClock().now())
    schedule = Schedule(parts_of(project, empty, clock))
    await SyncLog(empty).began("docs", clock.now())
    clock.advance(59)
    async with looked(schedule, empty) as waiting:
        assert waiting["docs"].ended_at is None
    clock.advance(1)
    async with looked(schedule, empty) as done:
        assert (done["docs"].failures, done["docs"].succeeded_at) == (0, clock.now())


@pytest.mark.slow
async def test_settings_that_are_wrong_just_now_stop_nothing(project: Path, empty: Database) -> None:
    """They are read again for each sync: another model may be named in them."""
    clock = ManualClock(SystemClock().now())
    schedule = Schedule(parts_of(project, empty, clock))
    text = (project / "buttress.yaml").read_text()
    (project / "buttress.yaml").write_text("nonsense: 1\n")
    async with looked(schedule, empty) as wrong:
        assert wrong == {}
    (project / "buttress.yaml").write_text(text)
    clock.advance(60)
    async with looked(schedule, empty) as right:
        assert right["docs"].failures == 0


@pytest.mark.slow
async def test_it_runs_beside_the_block_and_ends_with_it(project: Path, empty: Database) -> None:
    async def is_synced() -> bool:
        last = (await SyncLog(empty).all()).get("docs")
        return last is not None and last.succeeded_at is not None

    async with scheduled(parts_of(project, empty, SystemClock())):
        await until(is_synced, 60)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        pytest.param(None, True, id="never"),
        pytest.param(LastSync(knowledge="a", began_at=AT, ended_at=AT), True, id="long ago"),
        pytest.param(
            LastSync(knowledge="a", began_at=AT + timedelta(seconds=1), ended_at=AT), False, id="just now"
        ),
        pytest.param(
            LastSync(knowledge="a", began_at=AT + timedelta(days=900), ended_at=AT, failures=3),
            True,
            id="in time to come, by a clock that was wrong",
        ),
        pytest.param(
            LastSync(knowledge="a", began_at=AT + timedelta(minutes=5), ended_at=AT),
            False,
            id="just now, by the clock of another machine",
        ),
    ],
)
def test_due(last: LastSync | None, due: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_due(60, last, AT + timedelta(seconds=60)) == due
