"""How knowledge bases stand, for people and for monitors."""

from datetime import timedelta
from pathlib import Path

import pytest

from buttress.app.standings import (
    DOCUMENTS,
    FAILURES,
    LEFT_OUT,
    SYNCED,
    KnowledgeStanding,
    as_metrics,
    counted,
    standings,
)
from buttress.knowledge.syncing.schedule import LastSync
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.knowledge.types import FolderSource, KnowledgeBase
from buttress.storage.database import Database
from buttress.testing.clock import NOON

SOURCES = (FolderSource(folder="docs", readers=("*",)),)
BASES = {
    "by-hand": KnowledgeBase(name="by-hand", sources=SOURCES),
    "often": KnowledgeBase(name="often", sources=SOURCES, sync_every_s=900),
    "never": KnowledgeBase(name="never", sources=SOURCES, sync_every_s=900),
}
LATER = NOON + timedelta(seconds=5)


async def test_of_each_that_is_declared(database: Database, tmp_path: Path) -> None:
    """What nobody declares is not told; what was never taken in has no chunks, and no model."""
    async with database.connection() as connection:
        await connection.execute("truncate documents, generations, syncs cascade")
    log = SyncLog(database)
    for name in ("by-hand", "often", "undeclared"):
        await log.began(name, NOON)
        await log.ended(name, LATER, 2)
    found = await standings(database, BASES)
    assert [one.knowledge for one in found] == ["by-hand", "never", "often"]
    by_hand, never, often = found
    assert (by_hand.next_at, by_hand.every_s) == (None, None)
    assert (never.last, never.next_at) == (None, None)
    assert often.next_at == NOON + timedelta(seconds=900)
    assert often.last is not None
    assert often.last.left_out == 2
    looked = await counted(found, database, tmp_path)
    assert [(one.chunks, one.model, one.documents) for one in looked] == [(None, None, 0)] * 3


def last(failures: int, *, is_over: bool) -> LastSync:
    """Return how a sync went."""
    return LastSync(
        knowledge="a",
        began_at=NOON,
        ended_at=LATER if is_over else None,
        succeeded_at=NOON if failures else LATER,
        failures=failures,
        left_out=3,
    )


@pytest.mark.parametrize(
    ("sync", "failures"),
    [
        pytest.param(last(0, is_over=True), 0, id="a good one"),
        pytest.param(last(2, is_over=True), 2, id="the second failure"),
        pytest.param(last(1, is_over=False), 0, id="one that runs"),
        pytest.param(last(3, is_over=False), 2, id="one that runs after two failures"),
    ],
)
def test_what_monitors_look_at(sync: LastSync, failures: int) -> None:
    """One that runs is no failure yet: else each sync would look like one."""
    metrics = as_metrics([KnowledgeStanding(knowledge="a", documents=7, last=sync)])
    assert metrics[DOCUMENTS] == {("a",): 7}
    assert metrics[FAILURES] == {("a",): failures}
    assert metrics[LEFT_OUT] == {("a",): 3}
    assert set(metrics[SYNCED]) == {("a",)}


def test_what_was_never_synced_has_no_time() -> None:
    metrics = as_metrics([KnowledgeStanding(knowledge="a", documents=0)])
    assert (metrics[SYNCED], metrics[FAILURES], metrics[DOCUMENTS]) == ({}, {}, {("a",): 0})
