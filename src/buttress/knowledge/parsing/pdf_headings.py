"""Which lines of a PDF are headings: those its bookmarks name; without them, large and bold ones. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from buttress.knowledge.parsing.pdf_lines import Bookmark, Line
from buttress.knowledge.parsing.pdf_paragraphs import is_row

_LARGER = 1.12
"""A heading's letters are larger than the text's by this factor."""

_MAX_HEADING = 150
_MAX_SHARE = 0.25
"""Where more lines than this are large (slides, posters), size says nothing."""

_MAX_LEVELS = 3
_COVER_PAGES = 5
_MAX_LINES = 3
_WORD = re.compile(r"[^\W_]+")
_NUMBERING = re.compile(r"\d*")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_BEGINS = re.compile(r"[^\W_a-z]")
_PART = re.compile(r"part +[ivx\d]+\b", re.IGNORECASE)
_ITEM = re.compile(r"(?:item|note|chapter|section|article) +\d", re.IGNORECASE)


class Mark(msgspec.Struct, frozen=True):
    """A section begins at a line: `lines` of them are its heading, 0 when only the outline names it."""

    level: int
    name: str
    lines: int


Marks = dict[int, list[Mark]]
"""The sections that begin at each line, by the line's index."""


def body_size(lines: Sequence[Line]) -> float:
    """Return the size that most letters have; 0 when there are none."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return max(sizes.items(), key=lambda item: (item[1], item[0]), default=(0.0, 0))[0]


def marks_by_bookmarks(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> Marks:
    """Place every bookmark: at the lines that say its title, else where it points, else atop its page."""
    of_page: dict[int, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        of_page[line.page].append(index)
    keys = [_key(line.text) for line in lines]
    marks: Marks = defaultdict(list)
    taken: set[int] = set()
    for bookmark in bookmarks:
        placed = _place(bookmark, of_page[bookmark.page], lines, keys, taken)
        if placed:
            index, count = placed
            taken.update(range(index, index + count))
            marks[index].append(Mark(bookmark.level, bookmark.title, count))
    return dict(marks)


def _place(
    bookmark: Bookmark, indexes: Sequence[int], lines: Sequence[Line], keys: Sequence[str], taken: set[int]
) -> tuple[int, int] | None:
    title = _key(bookmark.title)
    for index in sorted(indexes, key=lambda index: _distance(bookmark, lines[index])):
        for count in range(1, _MAX_LINES + 1):
            if index not in taken and _says("".join(keys[index : index + count]), title):
                return index, count
    if not indexes:
        return None
    below = (index for index in indexes if bookmark.y is not None and lines[index].bottom < bookmark.y)
    return next(below, indexes[0]), 0


def _distance(bookmark: Bookmark, line: Line) -> float:
    return abs(line.top - bookmark.y) if bookmark.y is not None else 0.0


def _says(line: str, title: str) -> bool:
    """Say whether a line is that title, with or without the number before it."""
    if not title or not line.endswith(title):
        return False
    return bool(_NUMBERING.fullmatch(line[: len(line) - len(title)]))


def _key(text: str) -> str:
    return "".join(_WORD.findall(text)).casefold()


def marks_by_looks(lines: Sequence[Line]) -> Marks:
    """Take short lines in larger or bold letters as headings. Lines of one heading are joined.

    The larger, the higher; bold lines come below all larger ones, among themselves by what they say.
    """
    body = body_size(lines)
    large = [
        index for index, line in enumerate(lines) if line.size >= _LARGER * body and _may_be_heading(line)
    ]
    sizes = _sizes_that_return(large, lines)
    ranks = {size: min(rank, _MAX_LEVELS) for rank, size in enumerate(sizes, start=1)}
    levels = {index: ranks[size] for index in large if (size := round(lines[index].size)) in ranks}
    if len(levels) > _MAX_SHARE * len(lines):
        return {}
    bold = {index: _level_below(lines[index], len(sizes)) for index in _bold_headings(lines, body)}
    levels |= {index: level for index, level in bold.items() if index not in levels}
    return {
        group[0]: [Mark(levels[group[0]], " ".join(lines[i].text for i in group), len(group))]
        for group in _runs(levels, lines)
    }


def _sizes_that_return(large: Sequence[int], lines: Sequence[Line]) -> list[int]:
    """Return the sizes of headings, largest first; in a long document one page alone is no evidence."""
    pages: dict[int, set[int]] = defaultdict(set)
    for index in large:
        pages[round(lines[index].size)].add(lines[index].page)
    is_long = bool(lines) and lines[-1].page > _COVER_PAGES
    return sorted((size for size, on in pages.items() if len(on) > 1 or not is_long), reverse=True)


def _may_be_heading(line: Line) -> bool:
    return (
        len(line.text) <= _MAX_HEADING
        and bool(_LETTERS.search(line.text))
        and not line.text.endswith((",", ";"))
    )


def _level_below(line: Line, sizes: int) -> int:
    """Rank a bold line: parts, then items and capitals, then the rest; all below the larger ones."""
    if _PART.match(line.text):
        return min(sizes, _MAX_LEVELS) + 1
    is_middle = bool(_ITEM.match(line.text)) or line.text.isupper()
    return min(sizes, _MAX_LEVELS) + (2 if is_middle else 3)


def _bold_headings(lines: Sequence[Line], body: float) -> list[int]:
    """Find bold lines that stand alone: on the margin or in the middle, with plain text after them."""
    if sum(len(line.text) for line in lines if line.bold) > 0.5 * sum(len(line.text) for line in lines):
        return []
    margins = _margins(lines)
    found = [
        index
        for index, line in enumerate(lines)
        if line.bold
        and line.size >= 0.9 * body
        and _BEGINS.match(line.text)
        and _may_be_heading(line)
        and not is_row(line.text)
        and _is_aligned(line, margins[line.page])
    ]
    groups = [group for group in _runs(found, lines) if _leads_to_text(lines, group[-1])]
    return [index for group in groups for index in group]


def _margins(lines: Sequence[Line]) -> dict[int, tuple[float, float]]:
    """Return for each page how far its text reaches to the left and to the right."""
    margins: dict[int, tuple[float, float]] = {}
    for line in lines:
        left, right = margins.get(line.page, (line.left, line.right))
        margins[line.page] = (min(left, line.left), max(right, line.right))
    return margins


def _is_aligned(line: Line, margins: tuple[float, float]) -> bool:
    left, right = margins
    off_centre = abs((line.left + line.right) - (left + right)) / 2
    return line.left - left <= 3 * line.size or off_centre <= 2 * line.size


def _leads_to_text(lines: Sequence[Line], last: int) -> bool:
    """Say whether what follows a bold line is text or another heading, not the rest of a table's head."""
    if last + 1 >= len(lines):
        return False
    following = lines[last + 1]
    if following.page == lines[last].page and following.bold and not _BEGINS.match(following.text):
        return False
    return not is_row(following.text)


def _runs(found: Iterable[int], lines: Sequence[Line]) -> Iterator[list[int]]:
    """Join lines that follow each other closely in the same size; more than three are no heading."""
    run: list[int] = []
    for index in sorted(found):
        if run and not (index == run[-1] + 1 and _goes_on(lines[run[-1]], lines[index])):
            yield from _heading(run)
            run = []
        run.append(index)
    yield from _heading(run)


def _heading(run: list[int]) -> Iterator[list[int]]:
    if 0 < len(run) <= _MAX_LINES:
        yield run


def _goes_on(before: Line, line: Line) -> bool:
    if before.page != line.page or before.size != line.size or before.bold != line.bold:
        return False
    if _PART.match(line.text) or _ITEM.match(line.text) or _PART.match(before.text):
        return False
    return 0 < before.bottom - line.bottom < 1.7 * line.size
