"""The ledger in PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.ids import DocumentId
from buttress.kernel.scope import Scope
from buttress.knowledge.ingest_types import ListedFile, PreparedDocument
from buttress.knowledge.ledger import Ledger
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.sources.folder import SourceFile
from buttress.knowledge.types import FolderSource
from buttress.storage.database import Database

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def prepared(
    path: str, text: str = "# Title\n\nSome text.", readers: tuple[str, ...] = ("*",)
) -> PreparedDocument:
    """Return a document as it is stored."""
    file = SourceFile(source="docs", path=Path(path), relative=path, size_bytes=1, modified_ns=1)
    source = FolderSource(folder="docs", readers=readers)
    listed = ListedFile(document_id=DocumentId(path), file=file, source=source, digest="d")
    parsed = parse_bytes(text.encode(), path, ParseLimits())
    return PreparedDocument(listed=listed, digest="d", state="s", parsed=parsed, chunks=())


async def put(ledger: Ledger, *documents: PreparedDocument, tenant: str = "t") -> None:
    """Store documents."""
    async with ledger.changing() as change:
        await change.put(documents, tenant, "f", NOW)


async def test_what_is_put_can_be_read_with_its_blocks(database: Database) -> None:
    """Citations point into this text."""
    ledger, document = Ledger(database, "garden"), prepared("a.md")
    await put(ledger, document)
    stored = await ledger.read(DocumentId("a.md"), Scope("t"))
    assert stored is not None
    assert (stored.text, stored.blocks) == (document.parsed.text, document.parsed.blocks)
    assert (stored.path, stored.format, stored.pages, stored.ingested_at) == ("a.md", "markdown", None, NOW)


async def test_a_document_is_put_in_place_of_its_old_version(database: Database) -> None:
    """And another knowledge base may hold one of the same id."""
    ledger, other = Ledger(database, "garden"), Ledger(database, "other")
    await put(ledger, prepared("a.md", "# Old"))
    await put(other, prepared("a.md", "# Other"))
    await put(ledger, prepared("a.md", "# New"))
    stored = await ledger.read(DocumentId("a.md"), Scope("t"))
    assert stored is not None
    assert "New" in stored.text
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


@pytest.mark.parametrize(
    ("scope", "sees"),
    [
        pytest.param(Scope("t", frozenset({"hr"})), True, id="a reader"),
        pytest.param(Scope("t"), False, id="no reader"),
        pytest.param(Scope("other", frozenset({"hr", "*"})), False, id="another tenant"),
        pytest.param(
            Scope("t", frozenset({"h", "r", "hr'; --", "%"})), False, id="a name that is nearly one"
        ),
    ],
)
async def test_a_document_is_read_by_those_who_may(database: Database, scope: Scope, sees: bool) -> None:  # noqa: FBT001 - a column of the table
    """The second way to a document's text has the same rule as the first."""
    ledger = Ledger(database, "garden")
    await put(ledger, prepared("a.md", readers=("hr",)))
    assert (await ledger.read(DocumentId("a.md"), scope) is not None) == sees


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
