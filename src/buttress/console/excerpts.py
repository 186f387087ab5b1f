"""A cited place in its document, as it is shown: blocks of text, the cited characters marked. Pure."""

from collections.abc import Iterator

import msgspec

from buttress.kernel.passages import place_of
from buttress.knowledge.syncing.types import StoredExcerpt
from buttress.knowledge.types import Block, BlockKind

AROUND = 1_500
"""Characters shown before and after what is cited."""

MAX_CITED = 20_000
"""Of a citation that is longer only its beginning is shown."""


class Part(msgspec.Struct, frozen=True):
    """A run of characters, all of it cited or none of it."""

    text: str
    cited: bool


class ShownBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A block of the document; `page` is where it begins, None where the format has no pages."""

    kind: BlockKind
    level: int | None
    page: int | None
    parts: tuple[Part, ...]


class ShownExcerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a document; `more_before` and `more_after` say that it goes on there.

    `start` and `end` are its characters. `place` says where what is cited stands, as its citation does.
    """

    document: str
    title: str
    place: str
    start: int
    end: int
    pages: int | None
    blocks: tuple[ShownBlock, ...]
    more_before: bool
    more_after: bool


def window(start: int, end: int) -> tuple[int, int]:
    """Return what is to be read of a document to show characters `start` to `end` of it."""
    return max(0, start - AROUND), min(end, start + MAX_CITED) + AROUND


def shown(excerpt: StoredExcerpt, start: int, end: int, page: int | None = None) -> ShownExcerpt:
    """Return `excerpt` with characters `start` to `end` of its document marked as cited, from `page` on.

    Without a page what is cited begins where its block does.
    White space between blocks is left out; every other character of the excerpt is there once, in order. A
    document that is shorter now than its citation knew it is shown as ended: what stands before leads back.
    """
    first = min(excerpt.start, excerpt.characters)
    blocks = [_shown_block(block, excerpt, (start, end)) for block in excerpt.blocks]
    return ShownExcerpt(
        document=excerpt.path,
        title=excerpt.title,
        place=_place(excerpt, start, end, page),
        start=first,
        end=first + len(excerpt.text),
        pages=excerpt.pages,
        blocks=tuple(block for block in blocks if block.parts),
        more_before=first > 0,
        more_after=excerpt.start + len(excerpt.text) < excerpt.characters,
    )


def _place(excerpt: StoredExcerpt, start: int, end: int, page: int | None) -> str:
    cited = [block for block in excerpt.blocks if block.end > start and block.start < end]
    if not cited:
        return excerpt.path
    first = cited[0].page if page is None or page > (excerpt.pages or 0) else page
    last = None if first is None else max(first, cited[-1].page or first)
    return place_of(excerpt.path, first, last, cited[0].section)


def _shown_block(block: Block, excerpt: StoredExcerpt, cited: tuple[int, int]) -> ShownBlock:
    first = max(block.start, excerpt.start)
    last = min(block.end, excerpt.start + len(excerpt.text))
    parts = tuple(_parts(excerpt, first, last, cited))
    return ShownBlock(kind=block.kind, level=block.level, page=block.page, parts=parts)


def _parts(excerpt: StoredExcerpt, first: int, last: int, cited: tuple[int, int]) -> Iterator[Part]:
    """Yield the characters from `first` to `last`, cut at the borders of what is cited."""
    begin, finish = (min(max(one, first), last) for one in cited)
    for start, end, is_cited in ((first, begin, False), (begin, finish, True), (finish, last, False)):
        if start < end:
            yield Part(excerpt.text[start - excerpt.start : end - excerpt.start], is_cited)
