"""PDF to blocks: running heads dropped, lines joined to paragraphs, sections from bookmarks or looks."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from buttress.knowledge.errors import OcrFailed
from buttress.knowledge.parsing.building import DocumentBuilder, in_runs
from buttress.knowledge.parsing.ocr import NOTHING_FOUND, Ocr
from buttress.knowledge.parsing.ocr_lines import with_recognised
from buttress.knowledge.parsing.pdf_headings import Mark, Marks, marks_by_bookmarks, marks_by_looks
from buttress.knowledge.parsing.pdf_lines import Line, Page, read_pdf
from buttress.knowledge.parsing.pdf_paragraphs import Layout, layout_of, merge_pieces, paragraphs
from buttress.knowledge.parsing.pdf_running import without_running
from buttress.knowledge.parsing.titles import usable_title
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument


def parse_pdf(data: bytes, path: str, limits: ParseLimits, ocr: Ocr | None = None) -> ParsedDocument:
    """See `ports.Parser`. Pages are PDFium's, counted from 1; one without text is named in a warning.

    So is one whose text was read off a picture by `ocr`.

    Raises:
        OcrFailed: there is no text, and pictures could not be read.
    """
    content = read_pdf(data, path, limits, ocr)
    pages = with_recognised(content.pages)
    lines = [line for page in without_running(pages) for line in merge_pieces(page.lines)]
    marks = marks_by_bookmarks(lines, content.bookmarks) if content.bookmarks else marks_by_looks(lines)
    builder = DocumentBuilder(path, limits)
    _build(builder, lines, marks)
    if builder.is_empty and (why := _failures(content.pages)):
        raise OcrFailed(f"{path} has no text but in pictures, not read by OCR: {why}")
    return builder.finish(
        "pdf",
        usable_title(content.title),
        pages=len(content.pages),
        warnings=tuple(_not_read(content.pages)),
    )


def _build(builder: DocumentBuilder, lines: Sequence[Line], marks: Marks) -> None:
    """Add what stands before the first section, then section by section."""
    layout = layout_of(lines)
    starts = sorted(marks)
    _add_text(builder, lines[: starts[0] if starts else len(lines)], layout)
    for start, end in pairwise([*starts, len(lines)]):
        body = max([start, *(start + mark.lines for mark in marks[start])])
        for mark in marks[start]:
            _begin(builder, mark, lines[start])
        _add_text(builder, lines[min(body, end) : end], layout)


def _begin(builder: DocumentBuilder, mark: Mark, line: Line) -> None:
    if mark.lines:
        builder.heading(mark.level, mark.name, page=line.page)
    else:
        builder.enter(mark.level, mark.name)


def _add_text(builder: DocumentBuilder, lines: Sequence[Line], layout: Layout) -> None:
    for paragraph in paragraphs(lines, layout):
        builder.add(paragraph.kind, paragraph.text, turns=paragraph.turns)


def _failures(pages: Sequence[Page]) -> str:
    """Return why pictures could not be read; that there is nothing to read is no reason."""
    troubles = dict.fromkeys(page.recognised.trouble for page in pages if page.recognised)
    return ", ".join(why for why in troubles if why and why != NOTHING_FOUND)


def _not_read(pages: Sequence[Page]) -> Iterator[str]:
    """Say which pages say nothing, which of them are pictures, and where nobody sees what is written.

    Of pictures, say which were read, and why others were not.
    """
    silent = [page.number for page in pages if not page.lines and not page.scan]
    unread = [page for page in pages if page.scan and page.recognised is None]
    scans = [page.number for page in unread if not page.lines]
    stamped = [page.number for page in unread if page.lines]
    read = [page.number for page in pages if page.recognised and page.recognised.words]
    hidden = [page.number for page in pages if page.hidden]
    for numbers, one, several in (
        (silent, "has no text", "have no text"),
        (scans, "is a picture without text: a scan?", "are pictures without text: scans?"),
        (stamped, "is a picture with hardly any text: a scan?", "are pictures with hardly any text: scans?"),
        *_troubles(pages),
        (read, "was read by OCR", "were read by OCR"),
        (hidden, "holds text that nobody sees, left out", "hold text that nobody sees, left out"),
    ):
        if numbers:
            is_one = len(numbers) == 1
            yield f"{'page' if is_one else 'pages'} {in_runs(numbers)} {one if is_one else several}"


def _troubles(pages: Sequence[Page]) -> Iterator[tuple[list[int], str, str]]:
    """Give the pictures that could not be read, by why."""
    found: dict[str, list[int]] = {}
    for page in pages:
        if page.recognised and page.recognised.trouble:
            found.setdefault(page.recognised.trouble, []).append(page.number)
    for why, numbers in found.items():
        yield numbers, f"is a picture not read by OCR: {why}", f"are pictures not read by OCR: {why}"
