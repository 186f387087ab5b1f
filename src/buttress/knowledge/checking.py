"""What is true of every document and its chunks before they are stored; checked on each, not sampled."""

from collections.abc import Iterator, Sequence

from buttress.knowledge.errors import ProvenanceBroken
from buttress.knowledge.types import Block, Chunk, ParsedDocument, Span


def check_document(document: ParsedDocument, chunks: Sequence[Chunk]) -> None:
    """Check a document and its chunks.

    Raises:
        ProvenanceBroken: a chunk is not the characters it points to, chunks overlap or leave text out, a page
            is not one of the document's, an id stands twice; or the blocks break their promise.
    """
    check_blocks(document)
    problem = next(_chunk_problems(document, chunks), None)
    if problem:
        raise ProvenanceBroken(f"{document.path}: {problem}")


def check_blocks(document: ParsedDocument) -> None:
    """Check what a parser promises: see `ParsedDocument`.

    Raises:
        ProvenanceBroken: it does not hold.
    """
    problem = next(_block_problems(document), None)
    if problem:
        raise ProvenanceBroken(f"{document.path}: {problem}")


def _block_problems(document: ParsedDocument) -> Iterator[str]:
    yield from _cover("block", document.text, [(block.start, block.end) for block in document.blocks])
    yield from _partition(document)
    pages = len(document.page_spans)
    for number, block in enumerate(document.blocks):
        yield from _one_block(number, block, pages)
    if "\0" in document.text:
        yield "its text holds a NUL character"


def _one_block(number: int, block: Block, pages: int) -> Iterator[str]:
    if not all(name.strip() for name in block.section):
        yield f"block {number} has an empty name in its section"
    if (block.level is None) == (block.kind == "heading"):
        yield f"block {number} is a {block.kind} of level {block.level}"
    if (block.page is None) != (pages == 0) or not 0 <= (block.page or 0) <= pages:
        yield f"block {number} is on page {block.page} of {pages}"


def _partition(document: ParsedDocument) -> Iterator[str]:
    """Pages follow one another from the first character to the last."""
    if not document.page_spans:
        return
    borders = [0, *(end for _, end in document.page_spans)]
    if [start for start, _ in document.page_spans] != borders[:-1] or borders[-1] != len(document.text):
        yield "its pages are no partition of its text"
    if borders != sorted(borders):
        yield "its pages are not in order"


def _chunk_problems(document: ParsedDocument, chunks: Sequence[Chunk]) -> Iterator[str]:
    yield from _cover("chunk", document.text, [(one.start, one.end) for one in chunks])
    if len({one.chunk_id for one in chunks}) != len(chunks):
        yield "two chunks have one id"
    for ordinal, one in enumerate(chunks):
        yield from _one_chunk(document, ordinal, one)


def _one_chunk(document: ParsedDocument, ordinal: int, one: Chunk) -> Iterator[str]:
    if document.text[one.start : one.end] != one.text:
        yield f"chunk {ordinal} is not the text at {one.start} to {one.end}"
    if not document.text[: one.start].endswith(one.before):
        yield f"what is said to stand before chunk {ordinal} does not"
    if one.ordinal != ordinal:
        yield f"chunk {ordinal} is numbered {one.ordinal}"
    if not all(name.strip() for name in one.section):
        yield f"chunk {ordinal} has an empty name in its section"
    if not _pages_hold(document.page_spans, one):
        yield f"chunk {ordinal} says pages {one.page} to {one.page_end}, where its text is not"


def _pages_hold(spans: Sequence[Span], one: Chunk) -> bool:
    if not spans:
        return one.page is None and one.page_end is None
    if one.page is None or one.page_end is None or not 1 <= one.page <= one.page_end <= len(spans):
        return False
    first, last = spans[one.page - 1], spans[one.page_end - 1]
    return first[0] <= one.start < first[1] and last[0] < one.end <= last[1]


def _cover(what: str, text: str, spans: Sequence[Span]) -> Iterator[str]:
    """Spans are in order, apart, not empty, and hold all that is not white space."""
    position = 0
    for number, (start, end) in enumerate(spans):
        if start < position or end <= start or end > len(text):
            yield f"{what} {number} at {start} to {end} is out of order"
        elif text[position:start].strip():
            yield f"the text at {position} to {start} is in no {what}"
        if not text[start:end].strip():
            yield f"{what} {number} is only white space"
        position = end
    if text[position:].strip():
        yield f"the text from {position} on is in no {what}"
