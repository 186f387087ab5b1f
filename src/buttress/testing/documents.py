"""Documents as the index takes them, made on the spot."""

from collections.abc import Sequence

import msgspec

from buttress.kernel.ids import ChunkId, content_hash
from buttress.knowledge.index.rows import DocumentRows
from buttress.knowledge.ports import Embedder
from buttress.knowledge.types import Chunk, document_id


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A document of one chunk a text; `state` names its version."""

    path: str
    texts: tuple[str, ...]
    knowledge: str = "garden"
    tenant: str = "green"
    readers: tuple[str, ...] = ("*",)
    section: tuple[str, ...] = ()
    state: str = "1"


def chunks_of(written: Written) -> tuple[Chunk, ...]:
    """Return the chunks of a document, whose text is its texts on lines of their own."""
    identity = document_id(written.knowledge, written.knowledge, written.path)
    chunks: list[Chunk] = []
    start = 0
    for ordinal, text in enumerate(written.texts):
        chunks.append(
            Chunk(
                chunk_id=ChunkId(content_hash(identity, str(ordinal), text)[:32]),
                document_id=identity,
                ordinal=ordinal,
                start=start,
                end=start + len(text),
                text=text,
                section=written.section,
                page=None,
                page_end=None,
                context="",
                before="\n" if ordinal else "",
            )
        )
        start += len(text) + 1
    return tuple(chunks)


def rows_of(written: Written, embedder: Embedder) -> DocumentRows:
    """Return what the index is to hold of a document."""
    chunks = chunks_of(written)
    return DocumentRows(
        document_id=document_id(written.knowledge, written.knowledge, written.path),
        document=written.path,
        title=written.path,
        tenant=written.tenant,
        readers=written.readers,
        state=written.state,
        chunks=chunks,
        vectors=tuple(embedder.embed([one.embedded for one in chunks])),
    )


def rows_of_all(written: Sequence[Written], embedder: Embedder) -> list[DocumentRows]:
    """Return the rows of several documents."""
    return [rows_of(one, embedder) for one in written]
