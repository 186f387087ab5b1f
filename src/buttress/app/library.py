"""The port by which `map` stages read documents and keep what was said of their pieces, filled."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg

from buttress.caching.flights import Flights, Follower, Leader
from buttress.caching.types import Key
from buttress.gateway.errors import DocumentAmbiguous, DocumentUnknown
from buttress.kernel.clock import Clock
from buttress.kernel.scope import Scope
from buttress.knowledge.syncing.ledger import Ledger
from buttress.knowledge.syncing.types import StoredDocument
from buttress.prompts.errors import PiecesAway
from buttress.prompts.piece_store import PieceStore
from buttress.prompts.reading_types import Part, PieceAnswer, Reading
from buttress.prompts.settings import MapSettings, MemorySettings
from buttress.prompts.store import ConversationStore
from buttress.storage.database import Database, OpenDatabase
from buttress.storage.translation import one_line

SHOWN = 200
"""Characters of a name that an error repeats."""

MAX_FLIGHTS = 10_000
"""Pieces that are asked about in a process at a time, and that others may wait for."""


class ProjectLibrary:
    """A `gateway.ports.Library` of the project's database.

    `open_sources` gives the sources of a knowledge base that are open to a scope now; None for all.
    """

    def __init__(
        self,
        database: OpenDatabase,
        settings: MapSettings,
        clock: Clock,
        open_sources: Callable[[str, Scope], Sequence[str]] | None = None,
    ) -> None:
        self._database = database
        self._open_sources = open_sources
        self._settings = settings
        self._clock = clock
        self._flights = Flights[None, str](MAX_FLIGHTS)

    async def reading(self, knowledge: str, named: str, scope: Scope) -> Reading:
        """See `Library.reading`."""
        sources = self._open_sources(knowledge, scope) if self._open_sources else None
        found = await Ledger(await self._database(), knowledge).named(named, scope, sources)
        if not found:
            raise DocumentUnknown(f"{knowledge} has no document {named[:SHOWN]!r} for who asks")
        if len(found) > 1 and found[0].document_id != named:
            ids = ", ".join(one.document_id for one in found)
            raise DocumentAmbiguous(f"{knowledge} has several documents {named[:SHOWN]!r}: {ids}")
        return reading_of(knowledge, found[0])

    async def kept(self, tenant: str, digests: Sequence[str]) -> Mapping[str, PieceAnswer]:
        """See `Library.kept`."""
        store = PieceStore(await self._database())
        async with self._bounded():
            return await store.kept(tenant, digests)

    def join(self, tenant: str, digest: str) -> Leader[None, str] | Follower[None, str] | None:
        """See `Library.join`."""
        return self._flights.join(Key(tenant, "", digest))

    async def keep(self, answer: PieceAnswer) -> bool:
        """See `Library.keep`."""
        store = PieceStore(await self._database())
        async with self._bounded():
            return await store.keep(answer, self._clock.now())

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._settings.store_timeout_s):
                yield
        except TimeoutError as error:
            within_s = self._settings.store_timeout_s
            raise PiecesAway(f"answers to pieces were not there within {within_s:g} s") from error
        except (psycopg.Error, OSError) as error:
            raise PiecesAway(f"answers to pieces are not to be had: {one_line(error)}") from error


def reading_of(knowledge: str, document: StoredDocument) -> Reading:
    """Return a document as it is read in pieces."""
    return Reading(
        text=document.body,
        parts=tuple(
            Part(
                start=block.start,
                end=block.end,
                section=block.section,
                page=block.page,
                is_heading=block.kind == "heading",
            )
            for block in document.blocks
        ),
        title=document.title,
        knowledge=knowledge,
        document=document.path,
        document_id=document.document_id,
        readers=document.readers,
    )


async def forget_pieces(database: Database, settings: MapSettings, clock: Clock) -> int:
    """Delete the answers to pieces that were kept for long enough; return how many there were.

    Raises:
        StorageUnavailable: the database is away.
    """
    return await PieceStore(database).forget_before(clock.now() - timedelta(days=settings.keep_days))


async def forget_old(database: OpenDatabase, settings: MemorySettings, clock: Clock) -> int:
    """Delete the conversations older than `keep_days`, with all that was made of them; return how many.

    Raises:
        StorageUnavailable: the database is away.
    """
    if not settings.keep_days:
        return 0
    store = ConversationStore(await database())
    return await store.forget_before(clock.now() - timedelta(days=settings.keep_days))
