"""Whether a number that a sentence says of a row or a column of a table stands in it. Pure."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from buttress.guardrails.quantities import readings
from buttress.guardrails.reading import Reading, read_text

_ROW = re.compile(r"^[^\n|]*+\|[^\n]*+$", re.MULTILINE)
_RULE = re.compile(r"[\s|:-]*+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*+")
_KINDS = ("number", "year")
_MAX_CELLS = 2_000


class _Line(msgspec.Struct, frozen=True):
    """A row or a column: the words that name it, and the numbers in it."""

    key: frozenset[str]
    values: frozenset[str]


class _Tables(msgspec.Struct, frozen=True):
    """The rows and the columns of each table of a text, and the numbers outside of them."""

    lines: tuple[tuple[_Line, ...], ...]
    outside: frozenset[str]


def is_displaced(claim: Reading, text: str) -> bool:
    """Say whether `claim` names a row or column of a table in `text` beside a number of another one."""
    if "|" not in text:
        return False
    tables = _tables(text)
    told = {
        slot.value for kind, slots in claim.slots.items() if kind.startswith(_KINDS) for slot in slots
    } - tables.outside
    return bool(told) and any(_is_of_another(told, claim, lines) for lines in tables.lines)


def _is_of_another(told: set[str], claim: Reading, lines: Sequence[_Line]) -> bool:
    named = [line for line in lines if line.key and line.key <= claim.places.keys()]
    named = [line for line in named if not any(line.key < other.key for other in named)]
    if not named or len(named) == len(lines):
        return False
    held = frozenset[str]().union(*(line.values for line in named))
    return any(value in line.values for value in told - held for line in lines)


@lru_cache(maxsize=128)
def _tables(text: str) -> _Tables:
    lines: list[tuple[_Line, ...]] = []
    for rows in _grids(text):
        lines.append(tuple(_line(row[0], row[1:]) for row in rows[1:]))
        width = max(map(len, rows))
        columns = ([row[at] for row in rows if at < len(row)] for at in range(1, width))
        lines.append(tuple(_line(column[0], column[1:]) for column in columns))
    return _Tables(tuple(lines), _values([_ROW.sub("", text)]))


def _grids(text: str) -> Iterator[list[list[str]]]:
    """Return the cells of each table; rows that stand together are one."""
    rows: list[list[str]] = []
    end, count = -1, 0
    for found in _ROW.finditer(text):
        if rows and text[end : found.start()].strip(" ") != "\n":
            yield rows
            rows = []
        end = found.end()
        cells = _cells(found.group().strip())
        count += len(cells)
        if not _RULE.fullmatch(found.group()) and count <= _MAX_CELLS:
            rows.append(cells)
    if rows:
        yield rows


def _cells(row: str) -> list[str]:
    """Return the cells of a row; one that begins with a bar alone has an empty first one."""
    is_framed = len(row) > 1 and row.startswith("|") and row.endswith("|")
    return [cell.strip() for cell in (row[1:-1] if is_framed else row).split("|")]


def _line(key: str, cells: Sequence[str]) -> _Line:
    return _Line(frozenset(read_text(key).terms), _values(cells))


def _values(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(readings(found)[-1] for text in texts for found in _NUMBER.findall(text))
