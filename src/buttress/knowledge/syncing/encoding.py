"""Chunks into what the index holds of them: taken from it where the same text was embedded before, else made.

The vectors of a chunk's tokens come out of the same run of the model as the chunk's own. They are stored only
where a search would compare them: they take four times as much as the vector.
"""

import asyncio
from collections.abc import Mapping, Sequence

from buttress.knowledge.errors import VectorInvalid
from buttress.knowledge.index.rows import Stored
from buttress.knowledge.index.table import Table
from buttress.knowledge.ports import Embedder
from buttress.knowledge.reranking.reduced import REDUCED_VERSION, reduced
from buttress.knowledge.reranking.stored import token_embedder
from buttress.knowledge.types import Chunk, KnowledgeBase


class Encoder:
    """Gives what is stored of the chunks of one knowledge base."""

    def __init__(self, base: KnowledgeBase, embedder: Embedder, table: Table) -> None:
        self._embedder = embedder
        self._table = table
        self._tokens = token_embedder(embedder) if base.search.rerank == "late" else None

    async def known(self, texts: Mapping[str, str]) -> dict[str, Stored]:
        """Return what is there already of `texts`, which are given and returned by their `embed_key`."""
        return await self._table.known(texts, with_tokens=self._tokens is not None)

    async def made(self, texts: Mapping[str, str]) -> dict[str, Stored]:
        """Return what the model makes of `texts`, by the same keys.

        Raises:
            EmbedderBroken: it could not run.
        """
        return dict(zip(texts, await asyncio.to_thread(self._run, list(texts.values())), strict=True))

    def checked(self, path: str, chunks: Sequence[Chunk], stored: Mapping[str, Stored]) -> tuple[Stored, ...]:
        """Return what is stored of each of a document's `chunks`.

        Raises:
            VectorInvalid: the model gave one that nothing can be compared with; it names `path`.
        """
        found = tuple(stored[one.embed_key] for one in chunks)
        for chunk, one in zip(chunks, found, strict=True):
            if fault := self._fault(one):
                where = f"{path}, characters {chunk.start:,} to {chunk.end:,}"
                raise VectorInvalid(f"{self._embedder.name} gave {fault} for {where}")
        return found

    def _run(self, texts: Sequence[str]) -> list[Stored]:
        if self._tokens is None:
            return [Stored(vector) for vector in self._embedder.embed(texts)]
        vectors, tokens = self._tokens.embed_with_tokens(texts, reduced)
        return [Stored(*one) for one in zip(vectors, tokens, strict=True)]

    def _fault(self, one: Stored) -> str:
        import numpy as np  # noqa: PLC0415 - heavy

        if one.vector.shape != (self._embedder.dimensions,):
            return f"{one.vector.size} numbers, not {self._embedder.dimensions},"
        return "" if np.isfinite(one.vector).all() else "a vector with what is no number"


def encoded_by(base: KnowledgeBase, fingerprint: str) -> str:
    """Return the name of all that decides what is stored of a text, with the embedder of `fingerprint`.

    Under another name chunks are encoded anew: so tokens are there after the ingest that needs them first.
    """
    return f"{fingerprint}.tokens{REDUCED_VERSION}" if base.search.rerank == "late" else fingerprint
