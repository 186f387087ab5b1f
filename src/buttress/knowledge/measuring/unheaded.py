"""A small index of its own, whose chunks do not hold their headings: for queries that are headings.

In the index of the knowledge base every chunk holds the headings above it, in its text and in its context:
there any recipe would find them all.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from buttress.kernel.chance import Chance
from buttress.kernel.ids import ChunkId
from buttress.kernel.passages import Passage
from buttress.kernel.scope import EVERYBODY, Scope
from buttress.knowledge.index.rows import DocumentRows
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.measuring.headings import without_headings
from buttress.knowledge.ports import Embedder
from buttress.knowledge.search_types import Hit, Placed
from buttress.knowledge.types import Chunk

MOST_CHUNKS = 2_000
"""Chunks that are taken in: to embed them takes a minute on two idle cores."""

_AT_ONCE = 64

Told = Callable[[int, int], None]
"""Is told how many chunks of how many are done."""


class Sample(msgspec.Struct, frozen=True):
    """Rows of a version of a knowledge base's `table`, as `scope` sees it."""

    table: Table
    scope: Scope
    places: Sequence[Placed]


def sampled(places: Iterable[Placed], chance: Chance) -> Sequence[Placed]:
    """Return the rows of documents drawn by `chance`, whole ones but the last: at most `MOST_CHUNKS`."""
    by_document: dict[str, list[Placed]] = {}
    for one in sorted(places, key=lambda one: one.row_id):
        by_document.setdefault(one.document, []).append(one)
    drawn = sorted(sorted(by_document), key=lambda _: chance.fraction())
    return [one for document in drawn for one in by_document[document]][:MOST_CHUNKS]


@asynccontextmanager
async def unheaded_index(name: str, sample: Sample, embedder: Embedder, told: Told) -> AsyncIterator[Index]:
    """Have, for the block, an index of `sample` without the headings, under `name`; others do not see it.

    Raises:
        EmbedderBroken, IndexFailed: it could not be made.
    """
    with TemporaryDirectory(prefix="buttress-tune-") as folder:
        index = await open_index(Path(folder))
        table = await index.make(name, embedder.fingerprint, embedder.dimensions)
        for first in range(0, len(sample.places), _AT_ONCE):
            some = sample.places[first : first + _AT_ONCE]
            if rows := await _rows(sample, some, embedder):
                await table.replace(rows)
            told(first + len(some), len(sample.places))
        await table.tidy()
        yield index


async def _rows(sample: Sample, some: Sequence[Placed], embedder: Embedder) -> list[DocumentRows]:
    found = await sample.table.candidates([Hit(one.row_id, one.chunk_id, 0.0, None) for one in some])
    stripped = [(one.passage, without_headings(one.passage.text, one.passage.section)) for one in found]
    kept = [(passage, text) for passage, text in stripped if any(map(str.isalnum, text))]
    vectors = await asyncio.to_thread(embedder.embed, [text for _, text in kept])
    return [
        DocumentRows(
            document_id=passage.document_id,
            document=passage.document,
            title=passage.title,
            tenant=sample.scope.tenant,
            readers=(EVERYBODY,),
            state="",
            chunks=(_chunk(passage, text),),
            vectors=(vector,),
        )
        for (passage, text), vector in zip(kept, vectors, strict=True)
    ]


def _chunk(passage: Passage, text: str) -> Chunk:
    return Chunk(
        chunk_id=ChunkId(passage.chunk_id),
        document_id=passage.document_id,
        ordinal=0,
        start=passage.start,
        end=passage.end,
        text=text,
        section=passage.section,
        page=passage.page,
        page_end=passage.page_end,
        context="",
    )
