"""Lines of text and bookmarks of a PDF, as PDFium finds them; beside `pdf_sight` who calls the library."""

import ctypes
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import msgspec
import pypdfium2
import pypdfium2.raw as pdfium

from buttress.knowledge.errors import BrokenFile, Encrypted, TooLarge
from buttress.knowledge.parsing.cleaning import clean, on_one_line
from buttress.knowledge.parsing.ocr import NOTHING_FOUND, Ocr
from buttress.knowledge.parsing.pdf_sight import TINY_POINTS, Inks, drawn, is_scanned, shows_something
from buttress.knowledge.pictures import Recognised
from buttress.knowledge.settings import ParseLimits

Foreign: TypeAlias = Any
"""An object of pypdfium2, which has no types; none leaves this file."""

_LINE_END = re.compile("\r\n|\r|\n|\ufffe| (?=[•▪●◦■\uf0b7] )")
"""PDFium may go on after a list item without a line's end; what stands beside is joined again later."""

_HYPHEN_AT_LINE_END = "\ufffe"
"""What PDFium gives for a hyphen and the line's end behind it."""

_END_MARK_BYTES = 4096
_MAX_BOOKMARKS = 20_000
_STAMP_LETTERS = 100
"""Pictures of pages may have fewer as text: what scanned them, numbers, the head of a telefax."""

_FONT_NAME_BYTES = 160
_BOLD = re.compile(rb"bold|black|heavy|SFBX|CMBX", re.IGNORECASE)


_BLANKS = re.compile(r"(?<=\S)[^\S\r\n]+(?=\S)")
_FIGURES = re.compile(r"\s[$€£(+-]*\d")
WIDE_GAP = 0.9
"""Sizes of a letter between two cells; a blank between words has a quarter, in justified text a half."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of text: clean, without a hyphen that only its end put there; in points, y upwards.

    `size` is that of its first letter, `bold` whether its first and last are. `hyphenated` where the word
    goes on in the next line. `cells` are its pieces where wide gaps with figures beside them divide it, none
    where it is one piece; joined by blanks they are the text.
    """

    page: int
    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool = False
    hyphenated: bool = False
    cells: tuple[str, ...] = ()
    white: bool = False


class Bookmark(msgspec.Struct, frozen=True):
    """An entry of the outline: level and page from 1, and how far up the page it points, if it says."""

    level: int
    title: str
    page: int
    y: float | None


class Page(msgspec.Struct, frozen=True):
    """A page: its 1-based number, its height in points, its lines in reading order.

    `hidden` lines, which nobody sees, were left out. It is a `scan` where a picture is all that it has but
    for a stamp; `recognised` is what was read off that, if anybody tried.
    """

    number: int
    height: float
    lines: tuple[Line, ...]
    hidden: int = 0
    scan: bool = False
    recognised: Recognised | None = None


class PdfContent(msgspec.Struct, frozen=True):
    """All that is taken from a PDF file."""

    title: str
    pages: tuple[Page, ...]
    bookmarks: tuple[Bookmark, ...]


def read_pdf(data: bytes, path: str, limits: ParseLimits, ocr: Ocr | None = None) -> PdfContent:
    """Return the lines of every page; a page that cannot be read fails the file, it is never left out.

    Raises:
        Encrypted: it needs a password.
        BrokenFile: it is cut short or damaged.
        TooLarge: it has more pages or characters than it may.
    """
    if b"%%EOF" not in data[-_END_MARK_BYTES:]:
        raise BrokenFile(
            f"{path} is cut short: the end mark of a PDF (%%EOF) is missing after {len(data):,} bytes"
        )
    with _opened(data, path) as document:
        count = len(document)
        if count > limits.max_pages:
            raise TooLarge(f"{path} has {count:,} pages; the limit is {limits.max_pages:,}")
        title = str(document.get_metadata_value("Title"))
        return PdfContent(title, tuple(_pages(document, path, limits, ocr)), tuple(_bookmarks(document)))


@contextmanager
def _opened(data: bytes, path: str) -> Iterator[Foreign]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:
            raise Encrypted(f"{path} is encrypted and needs a password") from None
        raise BrokenFile(f"{path} is not a whole PDF: {_reason(error)}") from None
    try:
        yield document
    finally:
        document.close()


def _reason(error: Exception) -> str:
    return on_one_line(str(error)).rstrip(".")


def _pages(document: Foreign, path: str, limits: ParseLimits, ocr: Ocr | None) -> Iterator[Page]:
    characters = 0
    for index in range(len(document)):
        try:
            page = _page(document, index, ocr)
        except pypdfium2.PdfiumError as error:
            raise BrokenFile(f"{path}: page {index + 1} cannot be read: {_reason(error)}") from None
        characters += sum(len(line.text) for line in page.lines)
        if characters > limits.max_characters:
            raise TooLarge(f"{path} has more than {limits.max_characters:,} characters by page {index + 1}")
        yield page


def _page(document: Foreign, index: int, ocr: Ocr | None) -> Page:
    page = document[index]
    text_page = page.get_textpage()
    try:
        box = page.get_bbox()
        there = [line for line in _lines(text_page, index + 1) if _is_inside(line, box)]
        lines = tuple(line for line in there if _is_seen(line, page))
        letters = sum(len(line.text) for line in lines)
        scan = letters < _STAMP_LETTERS and is_scanned(page, wholly=bool(lines))
        recognised = ocr.read(partial(drawn, page)) if ocr and scan else None
        if lines and recognised and _is_no_more(recognised, letters):
            scan, recognised = False, None
        return Page(index + 1, box[3] - box[1], lines, len(there) - len(lines), scan, recognised)
    finally:
        text_page.close()
        page.close()


def _is_no_more(recognised: Recognised, letters: int) -> bool:
    """Say whether a picture was read, and holds no more than the text on it."""
    read = sum(len(word.text) + 1 for word in recognised.words)
    return recognised.trouble in {"", NOTHING_FOUND} and read <= letters


def _is_inside(line: Line, box: Sequence[float]) -> bool:
    """Say whether a line begins within the part of the page that is shown; marks for the printer do not."""
    middle = (line.bottom + line.top) / 2
    return box[0] - 1 <= line.left <= box[2] + 1 and box[1] - 1 <= middle <= box[3] + 1


def _is_seen(line: Line, page: Foreign) -> bool:
    """Say whether a reader can see a line; what is white is looked at where it stands."""
    if line.size < TINY_POINTS and line.top - line.bottom < TINY_POINTS:
        return False
    return not line.white or shows_something(page, (line.left, line.bottom, line.right, line.top))


def _lines(text_page: Foreign, page: int) -> Iterator[Line]:
    text = text_page.get_text_range()
    measure = _Measure(text_page, text)
    start = 0
    for end in (*_LINE_END.finditer(text), None):
        stop = end.start() if end else len(text)
        hyphen = end is not None and end.group() == _HYPHEN_AT_LINE_END
        if line := measure.line(start, stop, page, hyphenated=hyphen):
            yield line
        start = end.end() if end else stop


class _Measure:
    """Asks PDFium where the letters of a text page stand."""

    def __init__(self, text_page: Foreign, text: str) -> None:
        self._page = text_page
        self._text = text
        # PDFium counts in UTF-16 units: where there are letters beyond them, offsets are counted again.
        self._is_plain = len(text) == text_page.count_chars()
        self._box = pdfium.FS_RECTF()
        self._matrix = pdfium.FS_MATRIX()
        self._font = ctypes.create_string_buffer(_FONT_NAME_BYTES)
        self._flags = ctypes.c_int()
        self._inks = Inks(text_page)

    def line(self, start: int, stop: int, page: int, *, hyphenated: bool) -> Line | None:
        """Return the line between two offsets of the text; None when there is nothing to read in it."""
        raw = self._text[start:stop]
        text = on_one_line(clean(raw))
        if not text:
            return None
        first = self._index(start + len(raw) - len(raw.lstrip()))
        last = self._index(start + len(raw.rstrip()) - 1)
        left, bottom, _, top = self._letter(first)
        _, last_bottom, right, last_top = self._letter(last)
        return Line(
            page=page,
            text=text + "-" if hyphenated else text,
            left=min(left, right),
            right=max(left, right),
            bottom=min(bottom, last_bottom),
            top=max(top, last_top),
            size=self._size(first),
            bold=self._is_bold(first) and self._is_bold(last),
            hyphenated=hyphenated or (text.endswith("-") and text[-2:-1].isalpha()),
            cells=() if hyphenated else self._cells(start, raw),
            white=self._inks.is_white(first) and self._inks.is_white(last),
        )

    def _cells(self, start: int, raw: str) -> tuple[str, ...]:
        """Return the pieces of a line of figures between gaps wider than any between words."""
        if not self._is_plain or not _FIGURES.search(raw):
            return ()
        gaps = [gap.span() for gap in _BLANKS.finditer(raw) if self._is_wide(start, *gap.span())]
        edges = [0, *(edge for gap in gaps for edge in gap), len(raw)]
        pieces = (on_one_line(clean(raw[a:b])) for a, b in zip(edges[::2], edges[1::2], strict=True))
        cells = tuple(piece for piece in pieces if piece)
        return cells if len(cells) > 1 else ()

    def _is_wide(self, start: int, first: int, last: int) -> bool:
        _, _, right, _ = self._letter(start + first - 1)
        left, _, _, _ = self._letter(start + last)
        return left - right > WIDE_GAP * self._size(start + last)

    def _index(self, offset: int) -> int:
        if self._is_plain:
            return offset
        units = len(self._text[:offset].encode("utf-16-le", "surrogatepass")) // 2
        return int(pdfium.FPDFText_GetCharIndexFromTextIndex(self._page, units))

    def _letter(self, index: int) -> tuple[float, float, float, float]:
        pdfium.FPDFText_GetLooseCharBox(self._page, index, self._box)
        box = self._box
        return box.left, box.bottom, box.right, box.top

    def _size(self, index: int) -> float:
        """Return the size as it is shown: the font's, times what the text's matrix makes of it."""
        size = float(pdfium.FPDFText_GetFontSize(self._page, index))
        if pdfium.FPDFText_GetMatrix(self._page, index, self._matrix):
            size *= math.hypot(self._matrix.c, self._matrix.d)
        return round(size, 1)

    def _is_bold(self, index: int) -> bool:
        """Go by the font's name: weights are guessed by PDFium where a file does not say them."""
        pdfium.FPDFText_GetFontInfo(self._page, index, self._font, _FONT_NAME_BYTES, self._flags)
        return bool(_BOLD.search(self._font.value))


def _bookmarks(document: Foreign) -> Iterator[Bookmark]:
    for count, entry in enumerate(document.get_toc()):
        if count >= _MAX_BOOKMARKS:
            return
        target = entry.get_dest()
        index = target.get_index() if target else None
        title = on_one_line(clean(entry.get_title()))
        if index is None or not 0 <= index < len(document) or not title:
            continue
        yield Bookmark(entry.level + 1, title, index + 1, _height_of(target))


def _height_of(target: Foreign) -> float | None:
    """Return how far up its page a destination points, in points; None when it names only the page."""
    has_x, has_y, has_zoom = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    x, y, zoom = ctypes.c_float(), ctypes.c_float(), ctypes.c_float()
    found = pdfium.FPDFDest_GetLocationInPage(target.raw, has_x, has_y, has_zoom, x, y, zoom)
    return y.value if found and has_y.value else None
