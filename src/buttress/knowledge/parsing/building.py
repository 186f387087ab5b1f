"""Putting a document together: text, blocks, sections and pages that agree by construction."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from buttress.knowledge.errors import EmptyDocument, TooLarge
from buttress.knowledge.parsing.cleaning import short_name
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import Block, BlockKind, Format, ParsedDocument, Span

MAX_OUTLINE_BYTES = 200_000_000
"""Where all blocks stand, with the names of their sections: PostgreSQL holds 268 MB of such in a document."""

_BLOCK_BYTES = 140
_NAME_BYTES = 8
"""What a block takes there, and each name beside its letters: measured, rounded up."""

PageTurn = tuple[int, int]
"""An offset in a block's text, and the 1-based page that begins there."""


def in_runs(numbers: Sequence[int]) -> str:
    """Write ascending numbers as `3, 5-9`; there is at least one."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


class DocumentBuilder:
    """Collects blocks in reading order. All text handed in is clean (see `cleaning`)."""

    def __init__(self, path: str, limits: ParseLimits) -> None:
        self._path = path
        self._limits = limits
        self._parts: list[str] = []
        self._length = 0
        self._outline_bytes = 0
        self._section_bytes = 0
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self._page_starts: dict[int, int] = {}
        self._page: int | None = None

    def enter(self, level: int, name: str) -> None:
        """Begin a section without a heading of its own in the text (a bookmark of a PDF)."""
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        if name := short_name(name):
            self._headings.append((level, name))
        self._section_bytes = sum(len(name.encode()) + _NAME_BYTES for _, name in self._headings)

    def heading(self, level: int, text: str, *, page: int | None = None) -> None:
        """Add a heading, and begin its section."""
        if text.strip():
            self.enter(level, text)
            self.add("heading", text, turns=() if page is None else ((0, page),), level=level)

    def add(
        self,
        kind: BlockKind,
        text: str,
        *,
        turns: Sequence[PageTurn] = (),
        indent: int = 0,
        level: int | None = None,
    ) -> None:
        """Add a block, unless it is only white space; `turns` says which pages it stands on.

        Raises:
            TooLarge: the document has more characters than it may, or too many blocks.
        """
        body = text.strip("\n").rstrip() if kind == "code" else text.strip()
        if not body.strip():
            return
        self._count_outline()
        self._append(self._gap(kind) + " " * indent)
        start = self._length
        self._append(body)
        self._turn(turns, start)
        self._blocks.append(
            Block(
                kind=kind,
                start=start,
                end=self._length,
                section=tuple(name for _, name in self._headings),
                page=turns[0][1] if turns else self._page,
                level=level,
            )
        )

    def finish(
        self, format_: Format, title: str, *, pages: int = 0, warnings: Sequence[str] = ()
    ) -> ParsedDocument:
        """Return the document; its title is `title`, else its only heading of level 1, else its file's name.

        In Markdown and HTML it is the first of that level, as their authors mean it.

        Raises:
            EmptyDocument: no block was added.
        """
        if not self._blocks:
            raise EmptyDocument(
                f"{self._path} has no text" + (f" on any of its {pages} pages" if pages else "")
            )
        return ParsedDocument(
            path=self._path,
            title=short_name(title) or self._top_heading(format_) or PurePosixPath(self._path).stem,
            format=format_,
            text="".join(self._parts),
            blocks=tuple(self._blocks),
            page_spans=self._page_spans(pages),
            warnings=tuple(warnings),
        )

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self._blocks)

    @property
    def is_empty(self) -> bool:
        """Whether no block was added yet."""
        return not self._blocks

    def _append(self, text: str) -> None:
        self._length += len(text)
        if self._length > self._limits.max_characters:
            raise TooLarge(f"{self._path} has more than {self._limits.max_characters:,} characters")
        self._parts.append(text)

    def _count_outline(self) -> None:
        self._outline_bytes += _BLOCK_BYTES + self._section_bytes
        if self._outline_bytes > MAX_OUTLINE_BYTES:
            raise TooLarge(
                f"{self._path} has more than {len(self._blocks):,} paragraphs; with the headings above each "
                f"that is more than {MAX_OUTLINE_BYTES:,} bytes",
                hint="Split the document.",
            )

    def _gap(self, kind: BlockKind) -> str:
        if not self._blocks:
            return ""
        return "\n" if kind == self._blocks[-1].kind == "list_item" else "\n\n"

    def _turn(self, turns: Sequence[PageTurn], start: int) -> None:
        for offset, page in turns:
            self._page_starts.setdefault(page, start + offset)
            self._page = page

    def _top_heading(self, format_: Format) -> str:
        tops = [block.section[-1] for block in self._blocks if block.level == 1]
        return tops[0] if len(tops) == 1 or (tops and format_ in {"markdown", "html"}) else ""

    def _page_spans(self, pages: int) -> tuple[Span, ...]:
        """Cut the text where pages begin; a page without text is an empty span where the next one begins."""
        starts = [self._length] * (pages + 1)
        for page in range(pages, 0, -1):
            starts[page - 1] = self._page_starts.get(page, starts[page])
        starts[0] = 0 if pages else self._length
        return tuple((starts[page], starts[page + 1]) for page in range(pages))
