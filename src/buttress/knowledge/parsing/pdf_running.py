"""Which lines of a PDF are its frame: running heads, footers and page numbers. Pure rules over lines."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from buttress.knowledge.parsing.pdf_headings import body_size
from buttress.knowledge.parsing.pdf_lines import Line, Page

_EDGE_LINES = 3
_MIN_PAGES = 3
_MIN_SHARE = 0.4
"""Below a half, because books print one head on left pages and another on right ones."""

_NEAR_PAGES = 5
"""Printed numbers count on within so many pages; further off, blank pages may have been left out."""

_NUMBER_AT_EDGE = re.compile(r"^\W{0,3}(?P<first>\d{1,5})\b|\b(?P<last>\d{1,5})\W{0,3}$")
_PLACE_OF_NUMBER = re.compile(r"^\W{0,3}\d{1,5}\b|\b\d{1,5}\W{0,3}$|\bpage \d{1,5}\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"\W{0,3}[ivxlc]{1,7}\W{0,3}", re.IGNORECASE)
_MAX_LENGTH = 120
_LARGER = 1.05
"""A line in letters larger than the text's is a heading, also where its number counts with the pages."""

Edge = Literal["top", "bottom"]
Offsets = dict[int, set[int]]
"""For each page, by how much printed numbers may differ from its own."""


def without_running(pages: Sequence[Page]) -> list[Page]:
    """Return the pages without heads, footers and numbers that repeat on most of them.

    Twice, because a printer's stamp below the page number hides it from the first look.
    """
    largest = _LARGER * body_size([line for page in pages for line in page.lines])
    return _looked_at_once(_looked_at_once(pages, largest), largest)


def _looked_at_once(pages: Sequence[Page], largest: float) -> list[Page]:
    needed = max(_MIN_PAGES, _MIN_SHARE * sum(1 for page in pages if page.lines))
    offsets = _numbering(pages, needed)
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_key(line, edge, offsets) for line, _, edge in _edges(page)})
    repeated = {key for key, count in counts.items() if count >= needed}
    return [_without(page, repeated, offsets, largest) for page in pages]


def _without(page: Page, repeated: set[str], offsets: Offsets, largest: float) -> Page:
    dropped = {
        id(line)
        for line, rank, edge in _edges(page)
        if line.size <= largest or not _NUMBER.search(line.text)
        if _key(line, edge, offsets) in repeated or (rank == 0 and _is_page_number(line, offsets))
    }
    return Page(page.number, page.height, tuple(line for line in page.lines if id(line) not in dropped))


def _edges(page: Page) -> Iterator[tuple[Line, int, Edge]]:
    """Give the highest and the lowest lines of a page, each with its rank (0: outermost) and its edge."""
    short = (line for line in page.lines if len(line.text) <= _MAX_LENGTH)
    ordered = sorted(short, key=lambda line: -line.top)
    count = min(_EDGE_LINES, (len(ordered) + 1) // 2)
    for rank in range(count):
        yield ordered[rank], rank, "top"
        yield ordered[-1 - rank], rank, "bottom"


def _numbering(pages: Sequence[Page], needed: float) -> Offsets:
    """Return for each page the offsets it shares with pages near it; none where most pages have none."""
    found = [{number - page.number for number in _outermost_numbers(page)} for page in pages]
    offsets: Offsets = {}
    for index, page in enumerate(pages):
        near = Counter(
            offset for one in found[max(0, index - _NEAR_PAGES) : index + _NEAR_PAGES + 1] for offset in one
        )
        offsets[page.number] = {offset for offset, count in near.items() if count >= _MIN_PAGES}
    numbered = sum(1 for index, page in enumerate(pages) if found[index] & offsets[page.number])
    return offsets if numbered >= needed else {}


def _outermost_numbers(page: Page) -> set[int]:
    return {number for line, rank, _ in _edges(page) if rank == 0 for number in _edge_numbers(line)}


def _edge_numbers(line: Line) -> list[int]:
    return [int(found["first"] or found["last"]) for found in _NUMBER_AT_EDGE.finditer(line.text)]


def _is_page_number(line: Line, offsets: Offsets) -> bool:
    numbers = {line.page + offset for offset in offsets.get(line.page, ())}
    return bool(numbers.intersection(_edge_numbers(line))) or bool(offsets and _ROMAN.fullmatch(line.text))


def _key(line: Line, edge: Edge, offsets: Offsets) -> str:
    """Return what two lines share that differ only in the page's number; other numbers are content."""
    own = {line.page, *(line.page + offset for offset in offsets.get(line.page, ()))}

    def masked(found: re.Match[str]) -> str:
        number = _NUMBER.search(found.group())
        return _NUMBER.sub("#", found.group()) if number and int(number.group()) in own else found.group()

    return f"{edge} {_PLACE_OF_NUMBER.sub(masked, line.text).casefold()}"
