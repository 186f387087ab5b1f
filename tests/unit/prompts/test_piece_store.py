"""Answers to pieces in PostgreSQL: each tenant's own, and gone with the document that they are about."""

from datetime import timedelta
from itertools import count

import msgspec
import pytest

from buttress.kernel.ids import DocumentId
from buttress.prompts.piece_store import PieceStore
from buttress.prompts.reading_types import PieceAnswer
from buttress.storage.database import Database
from buttress.testing.clock import NOON

_numbers = count()

A_DOCUMENT = """
    INSERT INTO documents (knowledge, tenant, document_id, path, title, source, content_sha256, text_sha256,
        format, characters, readers, blocks, body, ingest_fingerprint, ingested_at)
    VALUES ('pieces', 'acme', %s, 'a.md', 'A', 'docs', '', '', 'text', 1, '{*}', '[]', 'A', '', now())
"""


def an_answer(**changes: object) -> PieceAnswer:
    """Return an answer under a digest of its own."""
    made = PieceAnswer(
        tenant="acme",
        digest=f"digest {next(_numbers)}",
        feature="read",
        answer="Basil.",
        model="writer",
        tokens=7,
        cost_nanodollars=None,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def store(database: Database) -> PieceStore:
    """The store."""
    return PieceStore(database)


async def test_what_is_kept_is_found_by_its_tenant_and_digest(store: PieceStore) -> None:
    one, other = an_answer(), an_answer(cost_nanodollars=9, answer="NUL \0 and half \ud800")
    assert await store.keep(one, NOON)
    assert await store.keep(other, NOON)
    found = await store.kept("acme", [one.digest, other.digest, "none"])
    assert found[one.digest] == one
    assert found[other.digest].answer == "NUL \ufffd and half ?"
    assert await store.kept("other", [one.digest]) == {}
    assert await store.kept("acme", []) == {}


async def test_the_first_answer_stays(store: PieceStore) -> None:
    one = an_answer()
    await store.keep(one, NOON)
    assert await store.keep(msgspec.structs.replace(one, answer="Another."), NOON)
    assert (await store.kept("acme", [one.digest]))[one.digest].answer == "Basil."


async def test_they_go_with_their_document_and_none_is_kept_of_one_that_has_gone(
    store: PieceStore, database: Database
) -> None:
    document = DocumentId(f"document {next(_numbers)}")
    about = an_answer(knowledge="pieces", document_id=document)
    assert not await store.keep(about, NOON)
    async with database.connection() as connection:
        await connection.execute(A_DOCUMENT, (document,))
    assert await store.keep(about, NOON)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM documents WHERE document_id = %s", (document,))
    assert await store.kept("acme", [about.digest]) == {}


async def test_old_ones_are_forgotten(store: PieceStore) -> None:
    old, new = an_answer(), an_answer()
    await store.keep(old, NOON - timedelta(days=400))
    await store.keep(new, NOON)
    assert await store.forget_before(NOON - timedelta(days=399)) == 1
    assert set(await store.kept("acme", [old.digest, new.digest])) == {new.digest}
