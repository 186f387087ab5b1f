"""Whether index, ledger and sources hold the same."""

from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.ids import DocumentId
from buttress.knowledge.errors import IngestRunning
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.syncing.auditing import Audit, audit
from buttress.knowledge.syncing.prospect import sole_writer
from buttress.knowledge.types import document_id
from buttress.storage.database import Database
from buttress.testing.documents import Written, rows_of
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.syncing.test_ingest import BASE, Garden


@pytest.fixture
async def garden(tmp_path: Path, database: Database) -> Garden:
    """Return a garden with three documents, synced."""
    one = Garden(tmp_path, database)
    one.write(roses="Roses want sun.", moss="Moss wants shade.", tools="A spade and a rake.")
    await one.ingest()
    return one


def told(found: Audit) -> list[tuple[str, str, str]]:
    """Return what was found, without its reasons."""
    return [(one.kind, one.where, one.what) for one in found.findings]


async def test_after_a_sync_nothing_is_wrong(garden: Garden) -> None:
    assert await audit(BASE, garden.parts()) == Audit(knowledge="garden", findings=())


async def test_ghosts_and_orphans_are_told_apart_and_removed(garden: Garden) -> None:
    """One of each kind; removed once, and then nothing is wrong any more."""
    index = await open_index(garden.project / "index")
    table = await index.make("garden", garden.embedder.fingerprint, garden.embedder.dimensions)
    await table.replace(
        [rows_of(Written(path="ghost.md", texts=("Boo.",), tenant="default"), garden.embedder)]
    )
    await index.make("garden", HashedWords(version="9").fingerprint, 64)
    (garden.docs / "moss.md").unlink()
    roses = document_id("garden", "docs", "roses.md")
    await table.remove([roses])
    found = await audit(BASE, garden.parts())
    ghost = next(what for kind, where, what in told(found) if (kind, where) == ("ghost", "index"))
    assert told(found)[1:3] == [("ghost", "sources", "moss.md"), ("orphan", "ledger", "roses.md")]
    assert told(found)[3][:2] == ("orphan", "table")
    forgotten: set[DocumentId] = set()

    async def changed(documents: Collection[DocumentId]) -> None:
        forgotten.update(documents)

    parts = msgspec.structs.replace(garden.parts(), changed=changed)
    assert told(await audit(BASE, parts, repair=True)) == told(found)
    assert {ghost, roses} <= forgotten
    assert len(forgotten) == 3
    assert told(await audit(BASE, garden.parts())) == []
    assert await garden.search("moss boo") == ["tools.md"]
    assert (await garden.ingest()).added == 1  # what was only missing
    assert set(await garden.search("roses sun")) == {"roses.md", "tools.md"}


async def test_a_source_that_is_away_makes_no_ghosts(garden: Garden) -> None:
    """Nor does one that became empty: it may be away, too."""
    garden.docs.rename(garden.project / "away")
    found = await audit(BASE, garden.parts(), repair=True)
    assert (found.findings, len(found.unknown)) == ((), 1)
    garden.docs.mkdir()
    found = await audit(BASE, garden.parts(), repair=True)
    assert found.findings == ()
    assert "is it only away?" in found.unknown[0]
    assert len((await garden.stored())[1]) == 3


async def test_while_it_is_synced_nothing_is_looked_at(garden: Garden) -> None:
    async with sole_writer("garden", garden.parts()):
        with pytest.raises(IngestRunning, match="garden"):
            await audit(BASE, garden.parts())
