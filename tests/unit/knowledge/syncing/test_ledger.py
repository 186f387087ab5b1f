"""The ledger in PostgreSQL."""

from datetime import UTC, datetime

import msgspec
import pytest

from buttress.kernel.ids import DocumentId
from buttress.kernel.scope import Scope
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.sources.types import Entry
from buttress.knowledge.syncing.ledger import Ledger, knowledge_in
from buttress.knowledge.syncing.types import Listed, PreparedDocument
from buttress.knowledge.types import Block, FolderSource
from buttress.storage.database import Database

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def prepared(
    path: str, text: str = "# Title\n\nSome text.", readers: tuple[str, ...] = ("*",)
) -> PreparedDocument:
    """Return a document as it is stored."""
    source = FolderSource(folder="docs", readers=readers)
    listed = Listed(document_id=DocumentId(path), entry=Entry(path=path), source=source, digest="d")
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
    assert (row.path, row.readers, row.tenant) == (odd.listed.path, ("hr", "it's"), "t")
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


@pytest.mark.parametrize(
    ("scope", "is_seen"),
    [
        pytest.param(Scope("t", frozenset({"group:staff"})), True, id="a reader"),
        pytest.param(Scope("t"), False, id="somebody else of the tenant"),
        pytest.param(Scope("u", frozenset({"group:staff"})), False, id="the same group of another tenant"),
        pytest.param(Scope("t", frozenset({"\x00"})), False, id="a name that cannot be stored"),
    ],
)
async def test_an_excerpt_is_for_readers_only(database: Database, scope: Scope, *, is_seen: bool) -> None:
    ledger = Ledger(database, "excerpts")
    await put(ledger, prepared("a.md", readers=("group:staff",)))
    found = await ledger.excerpt(DocumentId("a.md"), scope, (0, 5), ["docs"])
    assert (found is not None) == is_seen
    assert await Ledger(database, "others").excerpt(DocumentId("a.md"), scope, (0, 5), ["docs"]) is None


async def test_an_excerpt_has_its_characters_and_the_blocks_that_touch_them(database: Database) -> None:
    """Characters, not bytes: the text before them may be in any script."""
    ledger = Ledger(database, "excerpts")
    document = prepared("a.md", "# 🙂 Title\n\nSome text.\n\nMore of it.")
    await put(ledger, document)
    start = document.parsed.text.index("text")
    found = await ledger.excerpt(DocumentId("a.md"), Scope("t"), (start, start + 6), ["docs"])
    assert found is not None
    assert found.text == document.parsed.text[start : start + 6]
    assert found.blocks == (document.parsed.blocks[1],)
    assert (found.path, found.pages, found.characters) == ("a.md", None, len(document.parsed.text))


async def test_an_excerpt_behind_the_end_is_empty(database: Database) -> None:
    ledger = Ledger(database, "excerpts")
    await put(ledger, prepared("a.md"))
    found = await ledger.excerpt(DocumentId("a.md"), Scope("t"), (1 << 29, (1 << 29) + 9), ["docs"])
    assert found is not None
    assert (found.text, found.blocks) == ("", ())
