"""CSV to table blocks: the first row names the columns, and each row is found together with those names.

A narrow table is written as it stands. Of a wide one, whose names would not fit beside a row, each row is a
block of its own, `name: value | name: value`, without its empty cells.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from buttress.knowledge.errors import BrokenFile, TooLarge
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.decoding import decode
from buttress.knowledge.parsing.table_rows import add_rows, cell_text, row_text
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument

NARROW_CHARACTERS = 120
"""Names of columns that are longer together do not fit into the context of a chunk of 200 tokens."""

_DELIMITERS = (",", ";", "\t", "|")
_SNIFFED_ROWS = 100
_SNIFFED_CHARACTERS = 1 << 16
_DECLARED = "sep="


def parse_csv(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`. Lines of one cell above the table (its title, a date) are paragraphs."""
    delimiter, text = find_delimiter(decode(data, path))
    builder = DocumentBuilder(path, limits)
    rows = _bounded(_rows(text, delimiter, path), path, limits.max_rows)
    _add_table(builder, rows)
    return builder.finish("csv", "")


def find_delimiter(text: str) -> tuple[str, str]:
    """Return what parts the cells of a row, and the text without the line in which a spreadsheet says so.

    It is the sign by which most of the first rows have the same number of cells, more than one.
    """
    first, _, rest = text.partition("\n")
    first = first.rstrip("\r")
    if first.lower().startswith(_DECLARED) and len(first) == len(_DECLARED) + 1:
        return first[-1], rest
    sample = text[:_SNIFFED_CHARACTERS]
    best = max(_DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))
    return best, text


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    """Return how many of the rows are as wide as most are, and how wide; the first of equals wins."""
    try:
        widths = [
            len(row)
            for row in islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), _SNIFFED_ROWS)
        ]
    except csv.Error:
        return 0.0, 0
    wide = Counter(width for width in widths if width > 1)
    if not wide:
        return 0.0, 0
    width, count = max(wide.items(), key=lambda pair: (pair[1], pair[0]))
    return count / len(widths), width


def _rows(text: str, delimiter: str, path: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if any(cells := [cell_text(cell) for cell in row]):
                yield cells
    except csv.Error as error:
        raise BrokenFile(f"{path} is no CSV near line {reader.line_num}: {error}") from error


def _bounded(rows: Iterator[list[str]], path: str, limit: int) -> Iterator[list[str]]:
    for count, row in enumerate(rows, start=1):
        if count > limit:
            raise TooLarge(
                f"{path} has more than {limit:,} rows",
                hint="Split it, or raise `max_rows` in the section `knowledge` of buttress.yaml.",
            )
        yield row


def _add_table(builder: DocumentBuilder, rows: Iterator[list[str]]) -> None:
    """Add what stands above the table, then the table in the shape that fits it."""
    above: list[list[str]] = []
    header: list[str] = []
    for row in rows:
        if sum(map(bool, row)) > 1:
            header = row
            break
        above.append(row)
    if not header:  # a list: one column, the first its name
        add_rows(builder, above)
        return
    for row in above:
        builder.add("paragraph", row_text([cell for cell in row if cell]))
    if len(row_text(header)) <= NARROW_CHARACTERS:
        add_rows(builder, chain([header], rows))
        return
    _add_records(builder, header, rows)


def _add_records(builder: DocumentBuilder, header: Sequence[str], rows: Iterator[list[str]]) -> None:
    is_empty = True
    for row in rows:
        builder.add("table", " | ".join(_labelled(header, row)))
        is_empty = False
    if is_empty:
        add_rows(builder, [header])


def _labelled(header: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    for place, cell in enumerate(row):
        name = header[place] if place < len(header) else ""
        if cell:
            yield f"{name or f'column {place + 1}'}: {cell}"
