"""The library: documents in the scope of who asks and no others, and answers within a bounded time."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from buttress.app.library import ProjectLibrary, forget_old, forget_pieces
from buttress.gateway.errors import DocumentAmbiguous, DocumentUnknown
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.prompts.errors import PiecesAway
from buttress.prompts.reading_types import Part, PieceAnswer
from buttress.prompts.settings import MapSettings, MemorySettings
from buttress.storage.database import Database

DOCUMENT = """
    INSERT INTO documents (knowledge, tenant, document_id, path, title, source, content_sha256, text_sha256,
        format, characters, readers, blocks, body, ingest_fingerprint, ingested_at)
    VALUES ('library', %s, %s, %s, 'A title', 'docs', '', '', 'text', 1, %s, %s, 'Title and words', '', now())
    ON CONFLICT DO NOTHING
"""
BLOCKS = msgspec.json.encode(
    [
        {"kind": "heading", "start": 0, "end": 5, "section": ["Title"], "page": 3, "level": 1},
        {"kind": "paragraph", "start": 6, "end": 15, "section": ["Title"], "page": 4},
    ]
).decode()
EVERYBODY = Scope("acme")


@pytest.fixture
async def library(database: Database) -> ProjectLibrary:
    """A library with documents of two tenants, one of them for staff only, two at one path."""
    documents = [
        ("acme", "id-1", "open.md", ["*"]),
        ("acme", "id-2", "staff.md", ["group:staff"]),
        ("other", "id-3", "other.md", ["*"]),
        ("acme", "id-4", "twice.md", ["*"]),
        ("acme", "id-5", "twice.md", ["*"]),
    ]
    async with database.connection() as connection:
        for tenant, identity, path, readers in documents:
            await connection.execute(DOCUMENT, (tenant, identity, path, readers, BLOCKS))
    return ProjectLibrary(opened(database), MapSettings(), SystemClock())


def opened(database: Database) -> Callable[[], Awaitable[Database]]:
    """Return an opening that is done."""

    async def of() -> Database:
        return database

    return of


@pytest.mark.parametrize("name", ["open.md", "id-1"], ids=["by its path", "by its id"])
async def test_a_document_is_read_with_its_structure(library: ProjectLibrary, name: str) -> None:
    found = await library.reading("library", name, EVERYBODY)
    assert (found.text, found.document, found.document_id) == ("Title and words", "open.md", "id-1")
    assert (found.title, found.knowledge, found.readers) == ("A title", "library", ("*",))
    assert found.parts == (
        Part(start=0, end=5, section=("Title",), page=3, is_heading=True),
        Part(start=6, end=15, section=("Title",), page=4),
    )


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        pytest.param("staff.md", EVERYBODY, id="one for others, by its path"),
        pytest.param("id-2", EVERYBODY, id="one for others, by its id"),
        pytest.param("other.md", EVERYBODY, id="another tenant's, by its path"),
        pytest.param(
            "id-3", Scope("acme", frozenset({"*", "tenant:other"})), id="another tenant's, by its id"
        ),
        pytest.param("open.md", Scope("acme' OR '1'='1"), id="a tenant that is a statement"),
        pytest.param("%", EVERYBODY, id="a pattern"),
        pytest.param("open.md\0", EVERYBODY, id="a name that PostgreSQL cannot hold"),
        pytest.param("", EVERYBODY, id="no name"),
    ],
)
async def test_what_the_scope_does_not_show_is_not_there(
    library: ProjectLibrary, name: str, scope: Scope
) -> None:
    with pytest.raises(DocumentUnknown):
        await library.reading("library", name, scope)


async def test_a_path_of_two_documents_is_told_with_their_ids(library: ProjectLibrary) -> None:
    with pytest.raises(DocumentAmbiguous, match="id-4, id-5"):
        await library.reading("library", "twice.md", EVERYBODY)
    assert (await library.reading("library", "id-5", EVERYBODY)).document_id == "id-5"


async def test_answers_are_kept_found_and_forgotten(library: ProjectLibrary, database: Database) -> None:
    answer = PieceAnswer(
        tenant="acme", digest="d", feature="f", answer="A.", model="m", tokens=1, cost_nanodollars=1
    )
    await forget_pieces(database, MapSettings(), SystemClock())  # what other tests kept, long ago
    assert await library.keep(answer)
    assert (await library.kept("acme", ["d"]))["d"] == answer
    assert await forget_pieces(database, MapSettings(), SystemClock()) == 0
    assert await forget_old(opened(database), MemorySettings(keep_days=0), SystemClock()) == 0


async def test_a_database_that_says_nothing_costs_a_bounded_time(database: Database) -> None:
    hasty = ProjectLibrary(opened(database), MapSettings(store_timeout_s=0.05), SystemClock())
    async with database.connection() as connection:
        await connection.execute("LOCK TABLE piece_answers IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(PiecesAway):
            async with asyncio.timeout(20):
                await hasty.kept("acme", ["d"])
