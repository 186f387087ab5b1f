"""Tables of HTML to rows `a | b | c`; tables that only arrange a page are left to the caller."""

import re
from collections.abc import Callable, Iterator

import msgspec
from selectolax.lexbor import LexborNode

from buttress.knowledge.parsing.cleaning import clean, on_one_line
from buttress.knowledge.parsing.html_walk import text_below
from buttress.knowledge.parsing.table_rows import compact

_ARRANGES = "table, h1, h2, h3, h4, h5, h6, ul, ol, pre"
_BULLET = re.compile(r"[•·●○▪■◦‣☐☑☒✓*–—-]|[ivx]+\.|\(?[0-9a-z]{1,2}[.)]", re.IGNORECASE)

Skip = Callable[[LexborNode], bool]


class Table(msgspec.Struct, frozen=True):
    """Rows of a table of data, its caption if any; `is_list` where the first column is all bullets."""

    caption: str
    rows: tuple[str, ...]
    is_list: bool = False


def read_table(table: LexborNode, skip: Skip) -> Table | None:
    """Return the data of `table`; None when it arranges a page: it holds blocks, or a single column."""
    inner = table.first_child
    if inner is None or _holds_blocks(table):
        return None
    cells = [row for row in (_cells(node, skip) for node in table.css("tr") if not skip(node)) if any(row)]
    rows = _compact(cells)
    if rows and all(len(row) <= 1 for row in rows):
        return None
    caption = table.css_first("caption")
    return Table(
        caption=_text(caption, skip) if caption else "",
        rows=tuple(" ".join(row) if _is_item(row) else " | ".join(row) for row in rows),
        is_list=all(_is_item(row) for row in rows),
    )


def _holds_blocks(table: LexborNode) -> bool:
    role = table.attributes.get("role")
    if role in {"presentation", "none"}:
        return True
    return any(node.mem_id != table.mem_id for node in table.css(_ARRANGES))


def _cells(row: LexborNode, skip: Skip) -> list[str]:
    return [_text(cell, skip) for cell in _children(row) if cell.tag in {"td", "th"} and not skip(cell)]


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def _text(node: LexborNode, skip: Skip) -> str:
    return on_one_line(clean(text_below(node, skip)))


def _compact(rows: list[list[str]]) -> list[list[str]]:
    """Join `$` and `)` to their numbers; drop empty cells unless the table is a plain grid that needs them.

    Filings draw columns with empty cells and signs of their own: kept, they would bury the numbers.
    """
    joined = [compact(row) for row in rows]
    is_grid = joined == rows and len({len(row) for row in rows}) == 1
    spacers = is_grid and any(not any(column) for column in zip(*rows, strict=True))
    if is_grid and not spacers:
        return rows
    return [[cell for cell in row if cell] for row in joined]


def _is_item(row: list[str]) -> bool:
    return len(row) == 2 and bool(_BULLET.fullmatch(row[0])) and not row[1][:1].isdigit()
