"""What a sync works with, and what it finds; test_ingest.py does what is to be done."""

from pathlib import Path

import msgspec
import pytest

from buttress.kernel.ids import DocumentId
from buttress.knowledge.embedding.generations import generation_of
from buttress.knowledge.errors import ChunksTooLong, IngestRunning, SourceEmptied
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.ports import Embedder
from buttress.knowledge.settings import EmbedderSettings
from buttress.knowledge.syncing.intake import opened_sources
from buttress.knowledge.syncing.prospect import (
    IngestParts,
    Prospect,
    look,
    sole_writer,
    source_parts,
    states_of,
    wanted_generation,
)
from buttress.knowledge.types import ChunkSettings, KnowledgeBase
from buttress.storage.database import Database
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.syncing.test_ingest import BASE, Garden


@pytest.fixture
def garden(tmp_path: Path, database: Database) -> Garden:
    """Return a garden with two documents."""
    one = Garden(tmp_path, database)
    one.write(roses="Roses want sun.", moss="Moss wants shade.")
    return one


async def looked(parts: IngestParts, base: KnowledgeBase = BASE) -> Prospect:
    """Look at what is there."""
    async with opened_sources(base, source_parts(base, parts)) as opened:
        return await look(base, parts, opened, await open_index(parts.index_folder))


async def test_before_the_first_sync_everything_is_new(garden: Garden) -> None:
    found = await looked(garden.parts())
    assert (found.active, found.is_rebuild, found.present.rows) == (None, False, {})
    assert found.shown.new == ("moss.md", "roses.md")
    assert found.wanted == generation_of(garden.embedder, EmbedderSettings())


async def test_another_model_is_a_rebuild(garden: Garden) -> None:
    """What the old one holds is told from what the new one does."""
    await garden.ingest()
    garden.embedder = HashedWords(version="2")
    found = await looked(garden.parts())
    assert found.is_rebuild
    assert (len(found.present.former), found.present.states) == (2, {})
    assert found.shown.again == ("moss.md", "roses.md")
    index = await open_index(garden.project / "index")
    assert found.active is not None
    assert set(await states_of(index, "garden", found.active)) == found.present.former
    assert await states_of(index, "garden", found.wanted) == {}


async def test_a_model_in_another_place_is_the_same_model(garden: Garden) -> None:
    """It is not loaded to know that."""
    settings = EmbedderSettings(folder="elsewhere", max_tokens=256)

    async def fingerprint() -> str:
        return garden.embedder.fingerprint

    async def not_loaded() -> Embedder:
        raise AssertionError

    known = generation_of(garden.embedder, EmbedderSettings())
    parts = msgspec.structs.replace(
        garden.parts(), embedder=not_loaded, fingerprint=fingerprint, model=settings
    )
    wanted = await wanted_generation(parts, known)
    assert (wanted.fingerprint, wanted.folder, wanted.max_tokens) == (known.fingerprint, "elsewhere", 256)
    with pytest.raises(AssertionError):
        await wanted_generation(parts, None)


async def test_what_cannot_be_is_said_before_anything_is_done(garden: Garden) -> None:
    base = msgspec.structs.replace(BASE, chunks=ChunkSettings(max_tokens=511))
    with pytest.raises(ChunksTooLong, match="511"):
        await looked(garden.parts(), base)
    await garden.ingest()
    for path in garden.docs.iterdir():
        path.unlink()
    with pytest.raises(SourceEmptied, match="documents that would be removed: 2") as emptied:
        await looked(garden.parts())
    assert "buttress sync garden --allow-empty" in emptied.value.hint
    meant = await looked(msgspec.structs.replace(garden.parts(), allow_empty=True))
    removed: tuple[DocumentId, ...] = meant.plan.removed
    assert len(removed) == 2


async def test_one_writes_at_a_time(garden: Garden) -> None:
    """Of one knowledge base; another one is not concerned."""
    async with sole_writer("garden", garden.parts()), sole_writer("other", garden.parts()):
        with pytest.raises(IngestRunning, match="garden") as running:
            async with sole_writer("garden", garden.parts()):
                pass
    assert running.value.retryable
    async with sole_writer("garden", garden.parts()) as lock:
        await lock.check()
