"""Cutting a document into chunks along its structure. Pure: same document, same chunks, same ids.

A chunk holds blocks of one section, joined up to the budget, which counts the context too. A heading stays
with what follows it; a section of a few words joins the one beside it. Chunks do not overlap, and leave
nothing out.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

import msgspec

from buttress.kernel.ids import ChunkId, DocumentId, hash_of
from buttress.knowledge.cutting import Measure, Piece, cut, pieces_of
from buttress.knowledge.ports import TokenStarts
from buttress.knowledge.types import Chunk, ChunkSettings, ParsedDocument, Span

CHUNKER_VERSION = 2
"""Part of every chunk's id: raise it when the same document would be cut differently."""

_CONTEXT_SHARE = 3
"""Title and headings may take a third of the budget, a table's header row another quarter."""

_HEADER_SHARE = 4
_TOKENIZED_AT_ONCE = 50_000


class Cut(msgspec.Struct, frozen=True):
    """Where a chunk is cut, before it has an id."""

    start: int
    end: int
    section: tuple[str, ...]
    context: str


def chunk(
    document: ParsedDocument, document_id: DocumentId, settings: ChunkSettings, token_starts: TokenStarts
) -> list[Chunk]:
    """Return the chunks of `document`, in order.

    None weighs more than `settings.max_tokens` with its context, and `document.text[start:end]` is its text.
    Counts are those of `token_starts` over whole blocks: a word cut in two may count one more by itself.
    """
    measure = Measure(document.text, _starts_of(document, token_starts))
    packer = _Packer(document.title, measure, settings, token_starts)
    seen: Counter[tuple[tuple[str, ...], str]] = Counter()
    pages = _Pages(document.page_spans)
    chunks: list[Chunk] = []
    last = 0
    for ordinal, one in enumerate(packer.pack(pieces_of(document))):
        text = document.text[one.start : one.end]
        seen[one.section, text] += 1
        chunks.append(
            Chunk(
                chunk_id=_chunk_id(document_id, one.section, text, seen[one.section, text]),
                document_id=document_id,
                ordinal=ordinal,
                start=one.start,
                end=one.end,
                text=text,
                section=one.section,
                page=pages.at(one.start),
                page_end=pages.at(one.end - 1),
                context=one.context,
                before=document.text[last : one.start],
            )
        )
        last = one.end
    return chunks


def _starts_of(document: ParsedDocument, token_starts: TokenStarts) -> "array[int]":
    """Return where the document's tokens begin; asked for some blocks at a time, which bounds the memory."""
    starts = array("Q")
    begin = 0
    for block in document.blocks:
        if block.end - begin >= _TOKENIZED_AT_ONCE or block is document.blocks[-1]:
            starts.extend(begin + start for start in token_starts(document.text[begin : block.end]))
            begin = block.end
    return starts


def _chunk_id(document_id: DocumentId, section: tuple[str, ...], text: str, occurrence: int) -> ChunkId:
    return ChunkId(hash_of((document_id, section, text, occurrence, CHUNKER_VERSION))[:32])


class _Pages:
    """Finds the page of a character."""

    def __init__(self, spans: tuple[Span, ...]) -> None:
        self._starts = [start for start, _ in spans]

    def at(self, offset: int) -> int | None:
        """Return the 1-based page; of pages that begin at the same place, the last, which has the text."""
        return bisect_right(self._starts, offset) or None


class _Packer:
    """Fills chunks with pieces, one after another."""

    def __init__(
        self, title: str, measure: Measure, settings: ChunkSettings, token_starts: TokenStarts
    ) -> None:
        self._title = title
        self._measure = measure
        self._settings = settings
        self._token_starts = token_starts
        self._contexts: dict[tuple[tuple[str, ...], Span | None], tuple[str, int]] = {}
        self._held: list[Piece] = []
        self._waiting: list[Piece] = []

    def pack(self, pieces: Iterator[Piece]) -> Iterator[Cut]:
        """Give every chunk; all that is in `pieces` is in exactly one of them."""
        for piece in pieces:
            self._waiting.append(piece)
            while self._waiting:
                yield from self._place(self._waiting.pop())
        while self._held:
            yield self._close()

    def _place(self, piece: Piece) -> Iterator[Cut]:
        """Hold the piece, or cut it finer, or close the chunk before it."""
        if self._held and not self._may_join(piece):
            yield self._close()
            self._waiting.append(piece)
        elif self._room([*self._held, piece]) >= 0:
            self._held.append(piece)
        elif finer := self._finer(piece):
            self._waiting.extend(reversed(finer))
        elif self._held:
            yield self._close(with_headings=True)
            self._waiting.append(piece)
        else:
            self._held.append(piece)

    def _finer(self, piece: Piece) -> list[Piece]:
        """Cut a piece that has to be cut: no chunk could hold it, or a heading waits for its beginning."""
        only_headings = all(one.grain == "heading" for one in self._held)
        if not only_headings and (piece.grain == "finest" or self._room([piece]) >= 0):
            return []
        last = self._held[-1].end if self._held else piece.start
        room = self._room([*self._held, msgspec.structs.replace(piece, end=piece.start)])
        return cut(piece, self._measure, room) if last <= piece.start else []

    def _room(self, pieces: list[Piece]) -> int:
        """Return how many tokens are left in a chunk of these pieces; negative when they are too many."""
        _, cost = self._context(pieces)
        return self._settings.max_tokens - cost - self._measure.weigh(pieces[0].start, pieces[-1].end)

    def _may_join(self, piece: Piece) -> bool:
        """Say whether a piece belongs with what is held: the same section, or too little to stand alone."""
        if all(one.grain == "heading" for one in self._held):
            return True
        section = _section(self._held)
        if piece.grain != "heading" and piece.section == self._held[-1].section:
            return True
        if self._measure.weigh(self._held[0].start, self._held[-1].end) >= self._settings.min_tokens:
            return False
        return piece.section[: len(section)] == section or piece.section[:-1] == section[:-1] != ()

    def _close(self, *, with_headings: bool = False) -> Cut:
        """End the chunk; headings at its end wait for what follows them, unless there is nothing else."""
        held = self._held
        count = len(held)
        while not with_headings and count > 0 and held[count - 1].grain == "heading":
            count -= 1
        count = count or len(held)
        self._held = held[count:]
        return Cut(held[0].start, held[count - 1].end, _section(held[:count]), self._context(held[:count])[0])

    def _context(self, pieces: list[Piece]) -> tuple[str, int]:
        """Return the context of a chunk of these pieces, and its tokens."""
        key = (_section(pieces), pieces[0].header)
        if key not in self._contexts:
            lines = [self._path(key[0]), self._header(key[1])]
            context = "\n".join(line for line in lines if line)
            self._contexts[key] = context, self._count(context)
        return self._contexts[key]

    def _path(self, section: tuple[str, ...]) -> str:
        """Return title and headings; of too many the middle ones go first, the last heading never."""
        names = list(section if section[:1] == (self._title,) else (self._title, *section))
        limit = self._settings.max_tokens // _CONTEXT_SHARE
        while len(names) > 1 and self._count(" > ".join(names)) > limit:
            names.pop(1 if len(names) > 2 else 0)
        path = " > ".join(names)
        starts = self._token_starts(path)
        return path if len(starts) <= limit else path[: starts[limit]].rstrip()

    def _header(self, header: Span | None) -> str:
        """Return the header row; of one too long the first columns, for it is read from the left."""
        if header is None:
            return ""
        start, end = header
        furthest = self._measure.reach(start, self._settings.max_tokens // _HEADER_SHARE)
        return self._measure.text[start : min(end, furthest)].rstrip(" |")

    def _count(self, context: str) -> int:
        return len(self._token_starts(context))


def _section(pieces: list[Piece]) -> tuple[str, ...]:
    """Return what the sections of these pieces have in common; headings count only among themselves."""
    sections = [piece.section for piece in pieces if piece.grain != "heading"] or [pieces[-1].section]
    common = sections[0]
    for section in sections[1:]:
        while section[: len(common)] != common:
            common = common[:-1]
    return common
