"""The ledger: which documents were taken in, with their text, in PostgreSQL. This room's SQL lives here."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from buttress.kernel.ids import DocumentId, content_hash
from buttress.kernel.scope import Scope
from buttress.knowledge.embedding.generations import Generation
from buttress.knowledge.syncing.types import (
    LedgerRow,
    Listed,
    PreparedDocument,
    StoredDocument,
    StoredExcerpt,
)
from buttress.storage.connecting import Connection
from buttress.storage.database import Database
from buttress.storage.errors import DataRefused

_ROWS = """
    select document_id, source, path, tenant, readers, content_sha256, ingest_fingerprint, revision
    from documents where knowledge = %s
"""
_PUT = """
    insert into documents (knowledge, tenant, document_id, path, title, source, content_sha256, text_sha256,
        format, pages, characters, readers, blocks, body, ingest_fingerprint, ingested_at,
        revision)
    values (%(knowledge)s, %(tenant)s, %(document_id)s, %(path)s, %(title)s, %(source)s, %(content_sha256)s,
        %(text_sha256)s, %(format)s, %(pages)s, %(characters)s, %(readers)s, %(blocks)s::jsonb, %(body)s,
        %(ingest_fingerprint)s, %(ingested_at)s, %(revision)s)
    on conflict (knowledge, document_id) do update set
        tenant = excluded.tenant, path = excluded.path, title = excluded.title, source = excluded.source,
        content_sha256 = excluded.content_sha256, text_sha256 = excluded.text_sha256,
        format = excluded.format, pages = excluded.pages, characters = excluded.characters,
        readers = excluded.readers, blocks = excluded.blocks, body = excluded.body,
        ingest_fingerprint = excluded.ingest_fingerprint, ingested_at = excluded.ingested_at,
        revision = excluded.revision
"""
_REFRESH = "update documents set revision = %s where knowledge = %s and document_id = %s"
_REMOVE = "delete from documents where knowledge = %s and document_id = any(%s)"
_FORGET = "delete from documents where knowledge = %s"
_FORGET_BESIDE = (
    "delete from generations where knowledge = %s",
    "delete from syncs where knowledge = %s",
)
_EXCERPT = """
    select path, title, pages, characters, %(start)s::bigint,
        substring(body from %(start)s::int + 1 for %(length)s::int),
        jsonb_path_query_array(blocks, '$[*] ? (@.end > $from && @.start < $to)',
            jsonb_build_object('from', %(start)s::bigint, 'to', %(start)s::bigint + %(length)s::bigint))
    from documents
    where knowledge = %(knowledge)s and document_id = %(document_id)s
        and tenant = %(tenant)s and readers && %(visible_to)s::text[] and source = any(%(sources)s::text[])
"""
_NAMED = """
    select document_id, path, title, readers, body, blocks from documents
    where knowledge = %(knowledge)s and tenant = %(tenant)s and readers && %(visible_to)s::text[]
        and (document_id = %(named)s or path = %(named)s)
        and (%(sources)s::text[] is null or source = any(%(sources)s::text[]))
    order by document_id <> %(named)s, document_id limit %(limit)s
"""
_STATE = """
    select count(*), coalesce(extract(epoch from max(ingested_at)), 0),
        coalesce(sum(hashtextextended(document_id || ' ' || ingested_at::text, 0)), 0),
        (select coalesce(array_agg(distinct reader), '{}') from documents, unnest(readers) as reader
            where knowledge = %(knowledge)s)
    from documents where knowledge = %(knowledge)s
"""
_KNOWLEDGE = """
    select knowledge from documents union select knowledge from generations union select knowledge from syncs
"""
_IDS = "select document_id from documents"
_COUNTS = "select knowledge, count(*) from documents group by knowledge"
_GENERATION = "select fingerprint, dimensions, folder, max_tokens from generations where knowledge = %s"
_SWITCH = """
    insert into generations (knowledge, fingerprint, dimensions, folder, max_tokens, switched_at)
    values (%(knowledge)s, %(fingerprint)s, %(dimensions)s, %(folder)s, %(max_tokens)s, %(switched_at)s)
    on conflict (knowledge) do update set fingerprint = excluded.fingerprint,
        dimensions = excluded.dimensions, folder = excluded.folder, max_tokens = excluded.max_tokens,
        switched_at = excluded.switched_at
"""


async def knowledge_in(database: Database) -> set[str]:
    """Return the names of all knowledge bases that something is known of."""
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


async def ids_of_documents(database: Database) -> set[str]:
    """Return the ids of all documents of all knowledge bases."""
    async with database.connection(autocommit=True) as connection:
        return {document for (document,) in await (await connection.execute(_IDS)).fetchall()}


async def documents_in(database: Database) -> dict[str, int]:
    """Return how many documents each knowledge base holds, of those that hold any."""
    async with database.connection(autocommit=True) as connection:
        return dict(await (await connection.execute(_COUNTS)).fetchall())


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

    async def count(self) -> int:
        """Return how many documents there are."""
        return (await documents_in(self._database)).get(self._knowledge, 0)

    async def generation(self) -> Generation | None:
        """Return what the knowledge base is searched with; None when it never was taken in."""
        async with self._database.connection(autocommit=True) as connection:
            row = await (await connection.execute(_GENERATION, (self._knowledge,))).fetchone()
        names = Generation.__struct_fields__
        return msgspec.convert(dict(zip(names, row, strict=True)), Generation) if row else None

    async def excerpt(
        self, document: DocumentId, scope: Scope, place: tuple[int, int], sources: Sequence[str]
    ) -> StoredExcerpt | None:
        """Return the characters of a document at `place`; None when there is none that `scope` may see.

        `sources` are the labels of those that are open to the scope now. Names that PostgreSQL cannot hold
        are those of no document.
        """
        start, end = place
        asked = {
            "knowledge": self._knowledge,
            "document_id": document,
            "tenant": scope.tenant,
            "visible_to": scope.visible_to,
            "sources": list(sources),
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

    async def named(
        self, name: str, scope: Scope, sources: Sequence[str] | None = None, *, limit: int = 3
    ) -> list[StoredDocument]:
        """Return the documents whose id or path `name` is, of those that `scope` may see, at most `limit`.

        `sources` are the labels of those that are open to the scope now; None: all. One of that id comes
        first. Names that PostgreSQL cannot hold are those of no document.
        """
        asked = {
            "knowledge": self._knowledge,
            "tenant": scope.tenant,
            "visible_to": scope.visible_to,
            "named": name,
            "sources": None if sources is None else list(sources),
            "limit": limit,
        }
        try:
            async with self._database.connection() as connection:
                rows = await (await connection.execute(_NAMED, asked)).fetchall()
        except DataRefused:
            return []
        names = StoredDocument.__struct_fields__
        return [msgspec.convert(dict(zip(names, row, strict=True)), StoredDocument) for row in rows]

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

    async def refresh(self, documents: Iterable[Listed]) -> None:
        """Note the revisions of `documents`, whose bytes are as they were taken in."""
        changes = [(one.entry.revision, self._knowledge, one.document_id) for one in documents]
        async with self._connection.cursor() as cursor:
            await cursor.executemany(_REFRESH, changes)

    async def remove(self, documents: Iterable[DocumentId]) -> None:
        """Forget `documents`."""
        await self._connection.execute(_REMOVE, (self._knowledge, list(documents)))

    async def tell(self, channel: str) -> None:
        """Tell who listens on `channel` the name of the knowledge base, if and when this is committed."""
        await self._connection.execute("select pg_notify(%s, %s)", (channel, self._knowledge))

    async def switch(self, generation: Generation, now: datetime) -> None:
        """Have the knowledge base searched with `generation`."""
        values = {"knowledge": self._knowledge, "switched_at": now}
        await self._connection.execute(_SWITCH, values | msgspec.structs.asdict(generation))

    async def remove_all(self) -> int:
        """Forget everything of the knowledge base; return how many documents there were."""
        for statement in _FORGET_BESIDE:
            await self._connection.execute(statement, (self._knowledge,))
        return (await self._connection.execute(_FORGET, (self._knowledge,))).rowcount


def _columns(document: PreparedDocument) -> dict[str, object]:
    parsed, listed = document.parsed, document.listed
    return {
        "document_id": listed.document_id,
        "path": listed.path,
        "title": parsed.title,
        "source": listed.source.label,
        "content_sha256": document.digest,
        "revision": document.revision,
        "text_sha256": content_hash(parsed.text),
        "format": parsed.format,
        "pages": len(parsed.page_spans) or None,
        "characters": len(parsed.text),
        "readers": list(listed.source.readers),
        "blocks": msgspec.json.encode(parsed.blocks).decode(),
        "body": parsed.text,
    }
