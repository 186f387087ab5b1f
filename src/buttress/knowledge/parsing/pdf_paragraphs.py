"""From lines of a PDF to paragraphs, items and rows of tables, by where the lines stand. Pure rules."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from buttress.knowledge.parsing.pdf_lines import WIDE_GAP, Line
from buttress.knowledge.parsing.table_rows import compact, row_text
from buttress.knowledge.types import BlockKind

_GAP = 1.3
"""Lines further apart than this many times the usual distance are of two paragraphs."""

_ROW_GAP = 2.6
_LABEL = 4.0
"""Sizes of a letter that a label takes at least."""

_FULL = 0.85
"""A line that reaches this far across its column was broken for want of room, not by the writer."""

_COLUMN_POINTS = 30.0
_ENDS = re.compile(r"[.!?:;。！？][\"'”’»)\]]*\d{0,3}$")
_BULLET = re.compile(r"[•·▪●◦‣■○❑➢✓]\s*\S|[–—-] \S")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)] +\S", re.IGNORECASE)
_NUMBER = re.compile(r"[$€£(+-]*\d[\d,.]*[%)]{0,2}|[—–-]|N/?A", re.IGNORECASE)
_SIGNS = frozenset("$€£%()")
_WORDS = re.compile(r"\w+(?:-\w+)*")
_HEAD = re.compile(r"[\w-]*\w$")
_TAIL = re.compile(r"\w+")


class Paragraph(msgspec.Struct, frozen=True):
    """A block of text; `turns` are (offset, page) of where each of its pages begins in it."""

    kind: BlockKind
    text: str
    turns: tuple[tuple[int, int], ...]


class Layout(msgspec.Struct, frozen=True):
    """What is usual in a document: the distance of lines in sizes, the right edges of columns, its words."""

    leading: float
    edges: dict[tuple[int, int], float]
    words: frozenset[str]

    def is_full(self, line: Line) -> bool:
        """Say whether a line reaches the right edge of its column."""
        column = int(line.left // _COLUMN_POINTS)
        edge = max(self.edges.get((line.page, near), 0.0) for near in (column - 1, column, column + 1))
        return line.right - line.left >= _FULL * (edge - line.left)


def layout_of(lines: Sequence[Line]) -> Layout:
    """Measure a document."""
    pitches: Counter[float] = Counter()
    edges: dict[tuple[int, int], float] = defaultdict(float)
    for before, line in pairwise(lines):
        pitch = (before.bottom - line.bottom) / line.size if line.size else 0.0
        if before.page == line.page and before.size == line.size and 0.8 < pitch < 3:
            pitches[round(pitch, 1)] += 1
    for line in lines:
        column = (line.page, int(line.left // _COLUMN_POINTS))
        edges[column] = max(edges[column], line.right)
    leading = max(pitches.items(), key=lambda item: (item[1], -item[0]), default=(1.2, 0))[0]
    words = frozenset(word.lower() for line in lines for word in _WORDS.findall(line.text))
    return Layout(leading, dict(edges), words)


def merge_pieces(lines: Sequence[Line]) -> list[Line]:
    """Join pieces that stand beside each other on one line: raised letters, a bullet and its text."""
    merged: list[Line] = []
    for line in lines:
        if merged and _is_beside(merged[-1], line):
            merged[-1] = _joined(merged[-1], line)
        else:
            merged.append(line)
    return merged


def _is_beside(before: Line, line: Line) -> bool:
    overlap = min(before.top, line.top) - max(before.bottom, line.bottom)
    height = min(before.top - before.bottom, line.top - line.bottom)
    return (
        before.page == line.page
        and overlap > 0.5 * height > 0
        and line.left >= before.right - 0.5 * line.size
    )


def _joined(before: Line, line: Line) -> Line:
    return msgspec.structs.replace(
        before,
        text=f"{before.text} {line.text}",
        right=max(before.right, line.right),
        bottom=min(before.bottom, line.bottom),
        top=max(before.top, line.top),
        size=max(before.size, line.size),
        bold=before.bold and line.bold,
        hyphenated=line.hyphenated,
        cells=_joined_cells(before, line),
    )


def _joined_cells(before: Line, line: Line) -> tuple[str, ...]:
    left, right = before.cells or (before.text,), line.cells or (line.text,)
    if line.left - before.right > WIDE_GAP * line.size:
        return (*left, *right)
    cells = (*left[:-1], f"{left[-1]} {right[0]}", *right[1:])
    return cells if len(cells) > 1 else ()


def paragraphs(lines: Sequence[Line], layout: Layout) -> Iterator[Paragraph]:
    """Give the paragraphs of lines without headings, in order; every line is in one."""
    rows = _rows(lines, layout)
    held: list[int] = []
    for index in range(len(lines)):
        if held and not _belongs(lines, rows, held, index, layout):
            yield _paragraph([lines[i] for i in held], layout, is_table=rows[held[0]])
            held = []
        held.append(index)
    if held:
        yield _paragraph([lines[i] for i in held], layout, is_table=rows[held[0]])


def _belongs(
    lines: Sequence[Line], rows: Sequence[bool], held: Sequence[int], index: int, layout: Layout
) -> bool:
    before, line = lines[index - 1], lines[index]
    if rows[index - 1] != rows[index]:
        return False
    pitch = before.bottom - line.bottom
    if before.page != line.page or pitch <= 0:
        return not rows[index] and runs_on(before, line, layout)
    if rows[index]:
        return pitch <= _ROW_GAP * layout.leading * max(line.size, 1.0)
    return _same_paragraph(before, line, layout, is_second=len(held) == 1)


def runs_on(before: Line, line: Line, layout: Layout) -> bool:
    """Say whether a paragraph goes on in the next column, or on the next page."""
    if before.size != line.size or not line.text[:1].islower():
        return False
    return before.hyphenated or (layout.is_full(before) and not _ENDS.search(before.text))


def _same_paragraph(before: Line, line: Line, layout: Layout, *, is_second: bool) -> bool:
    if before.bottom - line.bottom > _GAP * layout.leading * max(before.size, line.size):
        return False
    if abs(before.size - line.size) > 0.08 * max(before.size, line.size):
        return False
    ended = bool(_ENDS.search(before.text)) or not layout.is_full(before)
    if _BULLET.match(line.text) or (ended and _ENUMERATOR.match(line.text)):
        return False
    is_hanging = is_second and is_item(before.text)
    if ended and not is_hanging and line.left - before.left > 0.8 * line.size:
        return False
    return not (_ENDS.search(before.text) and not layout.is_full(before))


def is_item(text: str) -> bool:
    """Say whether a text begins with a bullet, a number or a letter, as an item of a list does."""
    return bool(_BULLET.match(text) or _ENUMERATOR.match(text))


def is_row(text: str) -> bool:
    """Say whether a line is a row of figures: two at its end, or two and nearly half of it."""
    words = [word for word in text.split() if word not in _SIGNS]
    numbers = [bool(_NUMBER.fullmatch(word)) for word in words]
    return sum(numbers) >= 2 and (all(numbers[-2:]) or sum(numbers) >= 0.4 * len(words))


def _rows(lines: Sequence[Line], layout: Layout) -> list[bool]:
    """Find runs of at least two rows; a label alone between two rows is one, too."""
    rows = [is_row(line.text) for line in lines]
    for index in range(1, len(lines) - 1):
        if rows[index - 1] and rows[index + 1] and not rows[index] and not layout.is_full(lines[index]):
            rows[index] = not _ENDS.search(lines[index].text)
    return [
        row and ((index > 0 and rows[index - 1]) or (index + 1 < len(rows) and rows[index + 1]))
        for index, row in enumerate(rows)
    ]


def _paragraph(lines: Sequence[Line], layout: Layout, *, is_table: bool) -> Paragraph:
    if is_table:
        return Paragraph("table", "\n".join(_rows_of(lines)), ((0, lines[0].page),))
    text = lines[0].text
    turns = [(0, lines[0].page)]
    for before, line in pairwise(lines):
        text = _append(text, before, line, layout)
        if line.page != before.page:
            turns.append((len(text) - len(line.text), line.page))
    return Paragraph("list_item" if is_item(lines[0].text) else "paragraph", text, tuple(turns))


def _rows_of(lines: Sequence[Line]) -> list[str]:
    """Return the rows of a table that stands on one page, cell by cell where gaps divide them.

    A row of figures alone (years, mostly) that begins right of where the others do has no label: its first
    cell is empty.
    """
    rows = [compact(line.cells or (line.text,)) for line in lines]
    margin = min(line.left for line in lines)
    width = max(map(len, rows))
    return [
        row_text(["", *row] if 1 < len(row) < width and line.left - margin > _LABEL * line.size else row)
        for line, row in zip(lines, rows, strict=True)
    ]


def _append(text: str, before: Line, line: Line, layout: Layout) -> str:
    if before.hyphenated:
        return join_hyphenated(text, line.text, layout.words)
    return (
        f"{text} {line.text}" if layout.is_full(before) or line.text[:1].islower() else f"{text}\n{line.text}"
    )


def join_hyphenated(text: str, following: str, words: frozenset[str]) -> str:
    """Join a word that a line's end has cut; its hyphen stays where the document has it elsewhere.

    `text` ends with the hyphen. It also stays before a capital or a figure: `pre-Columbian`, `2017-18`.
    """
    whole = text[:-1]
    head, tail = _HEAD.search(whole), _TAIL.match(following)
    if not head or not tail or not following[:1].islower():
        return text + following
    left, right = head.group().lower(), tail.group().lower()
    keeps = f"{left}-{right}" in words and left + right not in words
    return text + following if keeps else whole + following
