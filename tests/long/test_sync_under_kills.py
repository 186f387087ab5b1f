"""The background process is killed in the middle of a sync that nobody asked for: the next one mends it."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.storage import project_database
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.knowledge.syncing.schedule import SOON_S, LastSync
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.settings.loading import load_settings
from buttress.storage.database import Database
from tests.flows.running import Served, buttress, end_all, kill, say, serve
from tests.long.changing import Documents, Shown, check_each, make_project, versions_in_ledger, whole
from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SEED: int | None = None
READY_WITHIN_S, WITHIN_S = 120.0, 240.0
EDITED = """
    select count(*) from documents where knowledge = 'base' and body not like '%v1p0%'
"""


async def test_a_sync_by_itself_may_be_killed_in_the_middle(tmp_path: Path) -> None:
    """What is found is a version of each document, whole; a minute later another process does it again."""
    seed = SeededChance().bits(32) if SEED is None else SEED
    say(f"seed {seed}")
    project = make_project(tmp_path / "synced", "sync: {every: 10s}\n")
    documents = Documents(project, SeededChance(seed))
    try:
        assert buttress(project, "ingest", within_s=240).returncode == 0
        before = {name: whole(version) for name, version in documents.versions.items()}
        documents.change(edits=400)  # most of them
        with serve(project, within_s=READY_WITHIN_S) as served:
            killed = await _killed(project, served)
            await _check_found(project, documents, before)
            await _check_mended(project, documents, killed)
    finally:
        end_all(project)


async def _killed(project: Path, served: Served) -> LastSync:
    """Kill the background process when it has taken some of the edited documents in; return its sync."""
    async with project_database(load_settings(project), SystemClock()) as database:
        await until(lambda: _edited(database), WITHIN_S, "a first part is taken in")
        assert kill(served.pid_of("background"))
        last = (await SyncLog(database).all())["base"]
    assert (last.ended_at, last.failures) == (None, 1), "it had ended before it was killed"
    return last


async def _edited(database: Database) -> int:
    async with database.connection(autocommit=True) as connection:
        row = await (await connection.execute(EDITED)).fetchone()
    return int(row[0]) if row else 0


async def _check_found(project: Path, documents: Documents, before: Mapping[str, Shown]) -> None:
    """Before anybody mends it, each document is found as it was, or as it is in the folder now."""
    async with Buttress.open(project) as searching:
        seen = await check_each(searching, documents, before, {*before, *documents.versions})
    found = Counter(one.version for one in seen.values())
    say(f"found in between: {found}")
    assert found.keys() >= {1, 2}


async def _check_mended(project: Path, documents: Documents, killed: LastSync) -> None:
    """The next sync begins soon, and not at once; it leaves nothing to do, and nothing behind."""
    async with project_database(load_settings(project), SystemClock()) as database:

        async def is_mended() -> bool:
            last = (await SyncLog(database).all())["base"]
            return last.failures == 0

        await until(is_mended, WITHIN_S, "it was synced again")
        mended = (await SyncLog(database).all())["base"]
    assert (mended.began_at - killed.began_at).total_seconds() >= SOON_S
    assert await versions_in_ledger(project) == documents.versions
    async with Buttress.open(project) as searching:
        seen = await check_each(searching, documents, {}, set(documents.versions))
    assert {name: one.version for name, one in seen.items()} == documents.versions
    checked = buttress(project, "knowledge", "check", within_s=120)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (report,) = json.loads(buttress(project, "ingest", "--json", within_s=120).stdout)
    assert [report[one] for one in ("added", "changed", "removed")] == [0, 0, 0]
