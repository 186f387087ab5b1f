"""DOCX to blocks: the text as it reads with all changes accepted; headings by their styles; tables as tables.

Left out: hidden and deleted text, comments, page headers and footers, tables of contents (they repeat the
headings). There are no pages: where they break, each program decides anew.
"""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.cleaning import clean, in_lines, on_one_line
from buttress.knowledge.parsing.docx_numbering import NO_LIST, Numbering
from buttress.knowledge.parsing.docx_styles import (
    PLAIN,
    TITLE_LEVEL,
    Style,
    over,
    read_styles,
    style_of,
)
from buttress.knowledge.parsing.docx_text import Inline, NoteMark, texts_of_notes
from buttress.knowledge.parsing.office import Package, number_of, value_of
from buttress.knowledge.parsing.table_rows import add_rows, cell_text
from buttress.knowledge.parsing.xml_parts import outermost
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument

_BLOCKS = frozenset({"p", "tbl", "altChunk"})
_ROWS = frozenset({"tr"})
_CELLS = frozenset({"tc"})
_LOWEST_HEADING = 9
_MAX_HEADING = 300
"""A paragraph with more characters is none, whatever its style says."""
_MAX_SPAN = 64


def parse_docx(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`. The title is the file's property, else the paragraph of the style `Title`."""
    package = Package(data, path, limits)
    main = package.main_part()
    reader = _Reader(DocumentBuilder(path, limits), package, main)
    for node in package.each(main, _BLOCKS):
        reader.read(node)
    warnings = []
    if reader.embedded:
        warnings.append(f"embedded and not read: {reader.embedded} other documents")
    return reader.builder.finish("docx", package.title() or reader.title, warnings=warnings)


class _Reader:
    """Takes the body's elements, one after another."""

    def __init__(self, builder: DocumentBuilder, package: Package, main: str) -> None:
        self.builder = builder
        self.title = ""
        self.embedded = 0
        self._depth = 0
        related = package.related
        self._styles = read_styles(package.each(related(main, "styles"), frozenset({"style"})))
        self._numbering = Numbering(
            package.each(related(main, "numbering"), frozenset({"abstractNum", "num"}))
        )
        self._notes = {
            kind: texts_of_notes(package.each(related(main, part), frozenset({element})), self._styles)
            for kind, part, element in (("Note", "footnotes", "footnote"), ("Endnote", "endnotes", "endnote"))
        }
        self._noted = {"Note": 0, "Endnote": 0}

    def read(self, node: Element) -> None:
        """Add the blocks of a paragraph or a table."""
        match node.tag:
            case "p":
                self._paragraph(node)
            case "tbl":
                self._table(node)
            case _:
                self.embedded += 1

    def _paragraph(self, node: Element) -> None:
        style = self._style(node)
        if style.is_contents:
            return
        inline = self._inline(node, style)
        self._add(in_lines(clean(inline.text)), style)
        self._add_notes(inline.notes)
        for box in inline.boxes:
            self._each(box)

    def _style(self, node: Element) -> Style:
        properties = node.find("pPr")
        if properties is None:
            return PLAIN
        named = self._styles.get(value_of(properties, "pStyle") or "", PLAIN)
        return over(style_of(properties), named)

    def _inline(self, node: Element, style: Style) -> Inline:
        inline = Inline(
            self._styles, is_hidden=bool(style.is_hidden), on_paper=not self._depth and _is_plain(node)
        )
        inline.read(node)
        return inline

    def _add(self, text: str, style: Style) -> None:
        if not text:
            return
        is_listed = style.numbering is not None and style.numbering != NO_LIST
        depth = style.list_level or 0
        label = self._numbering.next_label(style.numbering or "", depth) if is_listed else ""
        if style.level is not None and style.level <= _LOWEST_HEADING and len(text) <= _MAX_HEADING:
            self._heading(label.removeprefix("- ") + text, style.level)
        elif label:
            self.builder.add("list_item", label + text, indent=2 * depth)
        else:
            self.builder.add("paragraph", text)

    def _heading(self, text: str, level: int) -> None:
        """Below a title, headings are one level lower than they say."""
        if level == TITLE_LEVEL:
            self.title = self.title or text
        self.builder.heading(level + 1 if self.title else level, on_one_line(text))

    def _add_notes(self, marks: Sequence[NoteMark]) -> None:
        """Notes follow the block they belong to, numbered through the document."""
        for mark in marks:
            self._noted[mark.kind] += 1
            if text := cell_text(self._notes[mark.kind].get(mark.note_id, "")):
                self.builder.add("paragraph", f"{mark.kind} {self._noted[mark.kind]}: {text}")

    def _each(self, parent: Element) -> None:
        self._depth += 1
        for node in outermost(parent, _BLOCKS):
            self.read(node)
        self._depth -= 1

    def _table(self, node: Element) -> None:
        """Add a table; one that only arranges the page, or frames one column, is read block by block."""
        self._depth += 1
        self._rows(node)
        self._depth -= 1

    def _rows(self, node: Element) -> None:
        rows = [[*outermost(row, _CELLS)] for row in outermost(node, _ROWS) if row.find("trPr/del") is None]
        if all(len(row) <= 1 for row in rows) or self._holds_headings(node):
            for cell in (cell for row in rows for cell in row):
                self._each(cell)
            return
        notes: list[NoteMark] = []
        add_rows(self.builder, ([*self._cells(row, notes)] for row in rows))
        self._add_notes(notes)

    def _holds_headings(self, table: Element) -> bool:
        """Say whether a heading, by its style or by itself, stands in a cell beside other paragraphs."""
        return any(
            (level := self._style(paragraph).level) is not None and level <= _LOWEST_HEADING
            for cell in table.iter("tc")
            if len(paragraphs := cell.findall("p")) > 1
            for paragraph in paragraphs
        )

    def _cells(self, row: Sequence[Element], notes: list[NoteMark]) -> Iterator[str]:
        for cell in row:
            texts = []
            for paragraph in cell.iter("p"):
                inline = self._inline(paragraph, self._style(paragraph))
                texts.append(inline.text)
                notes += inline.notes
            yield cell_text(" ".join(texts))
            yield from [""] * (number_of(value_of(cell, "tcPr/gridSpan"), 1, _MAX_SPAN) - 1)


def _is_plain(paragraph: Element) -> bool:
    """Say whether a paragraph has no ground of its own, nor a style that may give it one."""
    return paragraph.find("pPr/shd") is None and paragraph.find("pPr/pStyle") is None
