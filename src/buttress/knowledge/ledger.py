"""The ledger: which documents were taken in, with their text, in PostgreSQL. This room's SQL lives here."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from buttress.kernel.ids import DocumentId, content_hash
from buttress.kernel.scope import Scope
from buttress.knowledge.ingest_types import LedgerRow, PreparedDocument, StoredExcerpt
from buttress.storage.connecting import Connection
from buttress.storage.database import Database
from buttress.storage.errors import DataRefused

_ROWS = """
    select document_id, source, path, tenant, readers, content_sha256, ingest_fingerprint
    from documents where knowledge = %s
"""
_PUT = """
    insert into documents (knowledge, tenant, document_id, path, title, source, content_sha256, text_sha256,
        format, pages, characters, readers, blocks, body, ingest_fingerprint, ingested_at)
    values (%(knowledge)s, %(tenant)s, %(document_id)s, %(path)s, %(title)s, %(source)s, %(content_sha256)s,
        %(text_sha256)s, %(format)s, %(pages)s, %(characters)s, %(readers)s, %(blocks)s::jsonb, %(body)s,
        %(ingest_fingerprint)s, %(ingested_at)s)
    on conflict (knowledge, document_id) do update set
        tenant = excluded.tenant, path = excluded.path, title = excluded.title, source = excluded.source,
        content_sha256 = excluded.content_sha256, text_sha256 = excluded.text_sha256,
        format = excluded.format, pages = excluded.pages, characters = excluded.characters,
        readers = excluded.readers, blocks = excluded.blocks, body = excluded.body,
        ingest_fingerprint = excluded.ingest_fingerprint, ingested_at = excluded.ingested_at
"""
_REMOVE = "delete from documents where knowledge = %s and document_id = any(%s)"
_FORGET = "delete from documents where knowledge = %s"
_EXCERPT = """
    select path, title, pages, characters, %(start)s::bigint,
        substring(body from %(start)s::int + 1 for %(length)s::int),
        jsonb_path_query_array(blocks, '$[*] ? (@.end > $from && @.start < $to)',
            jsonb_build_object('from', %(start)s::bigint, 'to', %(start)s::bigint + %(length)s::bigint))
    from documents
    where knowledge = %(knowledge)s and document_id = %(document_id)s
        and tenant = %(tenant)s and readers && %(visible_to)s::text[]
"""
_STATE = """
    select count(*), coalesce(extract(epoch from max(ingested_at)), 0),
        coalesce(sum(hashtextextended(document_id || ' ' || ingested_at::text, 0)), 0),
        (select coalesce(array_agg(distinct reader), '{}') from documents, unnest(readers) as reader
            where knowledge = %(knowledge)s)
    from documents where knowledge = %(knowledge)s
"""
_KNOWLEDGE = "select distinct knowledge from documents"


async def knowledge_in(database: Database) -> set[str]:
    """Return the names of all knowledge bases that documents were taken in for."""
    async with database.connection() as connection:
        return {name for (name,) in await (await connection.execute(_KNOWLEDGE)).fetchall()}


async def state_of_knowledge(database: Database, knowledge: str) -> tuple[str, frozenset[str]]:
    """Return a name for what the documents of a knowledge base are now, and all readers that they name.

    Every change gives another name, also one that brings an earlier state back.
    """
    async with database.connection(autocommit=True) as connection:
        row = await (await connection.execute(_STATE, {"knowledge": knowledge})).fetchone()
    count, latest, mixed, readers = row or (0, None, 0, [])
    return f"{count}.{latest}.{mixed}", frozenset(readers)


class Ledger:
    """The rows of one knowledge base."""

    def __init__(self, database: Database, knowledge: str) -> None:
        self._database = database
        self._knowledge = knowledge

    async def rows(self) -> dict[DocumentId, LedgerRow]:
        """Return what is known of every document, without the texts."""
        async with self._database.connection() as connection:
            found = await (await connection.execute(_ROWS, (self._knowledge,))).fetchall()
        names = LedgerRow.__struct_fields__
        rows = [msgspec.convert(dict(zip(names, row, strict=True)), LedgerRow) for row in found]
        return {row.document_id: row for row in rows}

    async def excerpt(self, document: DocumentId, scope: Scope, start: int, end: int) -> StoredExcerpt | None:
        """Return characters `start` to `end` of a document; None when there is none that `scope` may see.

        Names that PostgreSQL cannot hold are those of no document.
        """
        asked = {
            "knowledge": self._knowledge,
            "document_id": document,
            "tenant": scope.tenant,
            "visible_to": scope.visible_to,
            "start": start,
            "length": end - start,
        }
        try:
            async with self._database.connection() as connection:
                row = await (await connection.execute(_EXCERPT, asked)).fetchone()
        except DataRefused:
            return None
        names = StoredExcerpt.__struct_fields__
        return msgspec.convert(dict(zip(names, row, strict=True)), StoredExcerpt) if row else None

    @asynccontextmanager
    async def changing(self) -> AsyncIterator["LedgerChange"]:
        """Change the ledger in the block: all of it is seen at its end, nothing of it if the block fails."""
        async with self._database.connection() as connection:
            yield LedgerChange(connection, self._knowledge)


class LedgerChange:
    """A change under way: one transaction."""

    def __init__(self, connection: Connection, knowledge: str) -> None:
        self._connection = connection
        self._knowledge = knowledge

    async def put(
        self, documents: Sequence[PreparedDocument], tenant: str, fingerprint: str, now: datetime
    ) -> None:
        """Write `documents`, in place of what was known of them."""
        shared = {
            "knowledge": self._knowledge,
            "tenant": tenant,
            "ingest_fingerprint": fingerprint,
            "ingested_at": now,
        }
        async with self._connection.cursor() as cursor:
            await cursor.executemany(_PUT, [shared | _columns(one) for one in documents])

    async def remove(self, documents: Iterable[DocumentId]) -> None:
        """Forget `documents`."""
        await self._connection.execute(_REMOVE, (self._knowledge, list(documents)))

    async def tell(self, channel: str) -> None:
        """Tell who listens on `channel` the name of the knowledge base, if and when this is committed."""
        await self._connection.execute("select pg_notify(%s, %s)", (channel, self._knowledge))

    async def remove_all(self) -> int:
        """Forget every document of the knowledge base; return how many there were."""
        return (await self._connection.execute(_FORGET, (self._knowledge,))).rowcount


def _columns(document: PreparedDocument) -> dict[str, object]:
    parsed, listed = document.parsed, document.listed
    return {
        "document_id": listed.document_id,
        "path": listed.file.relative,
        "title": parsed.title,
        "source": listed.source.label,
        "content_sha256": document.digest,
        "text_sha256": content_hash(parsed.text),
        "format": parsed.format,
        "pages": len(parsed.page_spans) or None,
        "characters": len(parsed.text),
        "readers": list(listed.source.readers),
        "blocks": msgspec.json.encode(parsed.blocks).decode(),
        "body": parsed.text,
    }
