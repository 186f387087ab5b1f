"""Rows of cells to table blocks `a | b | c`; a long table says its header again, as on each page in print."""

import re
from collections.abc import Iterable, Iterator, Sequence

from buttress.knowledge.parsing.building import DocumentBuilder, PageTurn
from buttress.knowledge.parsing.cleaning import clean, on_one_line

_PREFIX = re.compile(r"[$€£¥(]{1,2}")
_LEFT_BEHIND = re.compile(r"\d.* [$€£¥]$")
_SUFFIX = re.compile(r"[)%]{1,2}")

ROWS_OF_A_BLOCK = 100
"""Chunking reads a table's header off its first row, and weighs a block in one go: so none grows for ever."""


def cell_text(text: str) -> str:
    """Return what stands in a cell, on one line."""
    is_plain = text.isascii() and text.isprintable()
    return on_one_line(text if is_plain else clean(text))


def add_rows(
    builder: DocumentBuilder, rows: Iterable[Sequence[str]], *, turns: Sequence[PageTurn] = ()
) -> None:
    """Add a table, the first row its header; cells are clean, empty ones at a row's end are left out."""
    for block in _blocks(row_text(row) for row in rows if any(row)):
        builder.add("table", "\n".join(block), turns=turns)


def compact(row: Sequence[str]) -> list[str]:
    """Return a row with signs that stand in cells of their own (`$`, `)`, `%`) joined to their numbers."""
    cells: list[str] = []
    prefix = ""
    for told in row:
        cell, _, sign = told.rpartition(" ") if _LEFT_BEHIND.search(told) else (told, "", "")
        if _PREFIX.fullmatch(cell):
            prefix += cell
        elif _SUFFIX.fullmatch(cell) and cells:
            cells[-1] += cell
        elif cell or not prefix:
            cells.append(prefix + cell)
            prefix = ""
        prefix += sign
    return [*cells, prefix] if prefix else cells


def row_text(row: Sequence[str]) -> str:
    """Return a row of clean cells on one line."""
    last = max((place for place, cell in enumerate(row, start=1) if cell), default=0)
    return " | ".join(row[:last])


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(lines)
    header = next(rest, None)
    if header is None:
        return
    block = [header]
    is_first = True
    for line in rest:
        block.append(line)
        if len(block) > ROWS_OF_A_BLOCK:
            yield block
            block, is_first = [header], False
    if len(block) > 1 or is_first:
        yield block
