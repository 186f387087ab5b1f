"""The ledger in PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.ids import DocumentId
from buttress.knowledge.ingest_types import ListedFile, PreparedDocument
from buttress.knowledge.ledger import Ledger, knowledge_in
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.sources.folder import SourceFile
from buttress.knowledge.types import Block, FolderSource
from buttress.storage.database import Database

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def prepared(
    path: str, text: str = "# Title\n\nSome text.", readers: tuple[str, ...] = ("*",)
) -> PreparedDocument:
    """Return a document as it is stored."""
    file = SourceFile(source="docs", path=Path(path), relative=path, size_bytes=1)
    source = FolderSource(folder="docs", readers=readers)
    listed = ListedFile(document_id=DocumentId(path), file=file, source=source, digest="d")
    parsed = parse_bytes(text.encode(), path, ParseLimits())
    return PreparedDocument(listed=listed, digest="d", state="s", parsed=parsed, chunks=())


async def put(ledger: Ledger, *documents: PreparedDocument, tenant: str = "t") -> None:
    """Store documents."""
    async with ledger.changing() as change:
        await change.put(documents, tenant, "f", NOW)


async def stored(database: Database, knowledge: str) -> list[object]:
    """Return what is stored of the only document of a knowledge base."""
    query = "select body, blocks, path, format, pages, ingested_at from documents where knowledge = %s"
    async with database.connection() as connection:
        (row,) = await (await connection.execute(query, (knowledge,))).fetchall()
    return list(row)


async def test_a_document_is_kept_with_its_text_and_its_blocks(database: Database) -> None:
    """Citations point into this text."""
    ledger, document = Ledger(database, "garden"), prepared("a.md")
    await put(ledger, document)
    body, blocks, *others = await stored(database, "garden")
    assert (body, msgspec.convert(blocks, tuple[Block, ...])) == (
        document.parsed.text,
        document.parsed.blocks,
    )
    assert others == ["a.md", "markdown", None, NOW]


async def test_a_document_is_put_in_place_of_its_old_version(database: Database) -> None:
    """And another knowledge base may hold one of the same id."""
    ledger, other = Ledger(database, "garden"), Ledger(database, "other")
    await put(ledger, prepared("a.md", "# Old"))
    await put(other, prepared("a.md", "# Other"))
    await put(ledger, prepared("a.md", "# New"))
    assert (await stored(database, "garden"))[0] == "New"
    assert len(await ledger.rows()) == len(await other.rows()) == 1


async def test_a_change_that_fails_changes_nothing(database: Database) -> None:
    """Neither what was put nor what was removed in it."""
    ledger = Ledger(database, "garden")
    await put(ledger, prepared("a.md"))
    with pytest.raises(KeyError):
        await failing_change(ledger)
    assert set(await ledger.rows()) == {"a.md"}


async def failing_change(ledger: Ledger) -> None:
    """Begin a change that ends in an error."""
    async with ledger.changing() as change:
        await change.remove([DocumentId("a.md")])
        await change.put([prepared("b.md")], "t", "f", NOW)
        raise KeyError


async def test_rows_tell_what_a_document_was_made_of(database: Database) -> None:
    """Whatever its path holds."""
    ledger = Ledger(database, "garden")
    odd = prepared("sub/o'brien %s \\ ünïcode 日本.md", readers=("hr", "it's"))
    await put(ledger, odd, prepared("b.md"))
    rows = await ledger.rows()
    row = rows[odd.listed.document_id]
    assert (row.path, row.readers, row.tenant) == (odd.listed.file.relative, ("hr", "it's"), "t")
    assert (row.content_sha256, row.ingest_fingerprint, row.source) == ("d", "f", "docs")
    async with ledger.changing() as change:
        await change.remove(rows)
    assert await ledger.rows() == {}
    assert msgspec.structs.asdict(row)


async def test_a_whole_knowledge_base_can_be_forgotten(database: Database) -> None:
    """It, and no other; a second time there is nothing to do."""
    ledger, other = Ledger(database, "garden"), Ledger(database, "other")
    await put(ledger, prepared("a.md"), prepared("b.md"))
    await put(other, prepared("a.md"))
    assert await knowledge_in(database) == {"garden", "other"}
    for removed in (2, 0):
        async with ledger.changing() as change:
            assert await change.remove_all() == removed
    assert await knowledge_in(database) == {"other"}
