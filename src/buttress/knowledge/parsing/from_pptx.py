"""PPTX to blocks: a page for each slide, a section for each title, tables as tables, speaker notes marked.

Left out: hidden slides and shapes, dates, footers and numbers of slides, comments.
"""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from buttress.knowledge.errors import BrokenFile, TooLarge
from buttress.knowledge.parsing.building import DocumentBuilder, in_runs
from buttress.knowledge.parsing.cleaning import on_one_line
from buttress.knowledge.parsing.office import Package
from buttress.knowledge.parsing.pptx_shapes import Line, Shape, lines_of, rows_of, shapes_of
from buttress.knowledge.parsing.table_rows import add_rows
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument

_TITLE_LEVEL, _NOTES_LEVEL = 1, 2
_SLIDES = frozenset({"sldId"})
_SLIDE = frozenset({"sld"})
_NOTES = frozenset({"notes"})
_POINTS = frozenset({"p"})
NOTES = "Speaker notes"


def parse_pptx(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`. Pages are slides from 1, hidden ones counted, as PowerPoint does."""
    package = Package(data, path, limits)
    parts = [*_slide_parts(package, path)]
    if len(parts) > limits.max_pages:
        raise TooLarge(f"{path} has {len(parts):,} slides; the limit is {limits.max_pages:,}")
    reader = _Reader(DocumentBuilder(path, limits), package)
    for number, part in enumerate(parts, start=1):
        reader.read(part, number)
    title = package.title() or reader.title
    return reader.builder.finish("pptx", title, pages=len(parts), warnings=tuple(reader.warnings()))


def _slide_parts(package: Package, path: str) -> Iterator[str]:
    main = package.main_part()
    related = package.relationships(main)
    for slide in package.each(main, _SLIDES):
        target = related.get(slide.get("r:id", ""))
        if target is None:
            raise BrokenFile(f"{path} is not whole: it lacks the slide {slide.get('r:id', '')!r}")
        yield target.part


class _Reader:
    """Takes slides in their order."""

    def __init__(self, builder: DocumentBuilder, package: Package) -> None:
        self.builder = builder
        self.title = ""
        self._package = package
        self._hidden: list[int] = []
        self._silent: list[int] = []

    def read(self, part: str, number: int) -> None:
        """Add the blocks of a slide."""
        for slide in self._package.each(part, _SLIDE):
            if slide.get("show") in {"0", "false"}:
                self._hidden.append(number)
                return
            before = self.builder.count
            self._slide(slide, part, number)
            if self.builder.count == before:
                self._silent.append(number)

    def warnings(self) -> Iterator[str]:
        """Give a line for slides that are hidden, and for those without text."""
        if self._hidden:
            yield f"hidden and left out: slide {in_runs(self._hidden)}"
        if self._silent:
            yield f"without text: slide {in_runs(self._silent)}"

    def _slide(self, slide: Element, part: str, number: int) -> None:
        shapes = [*shapes_of(slide)]
        titles = [shape for shape in shapes if shape.is_title]
        name = on_one_line(" ".join(line.text for shape in titles for line in lines_of(shape)))
        self.title = self.title or name
        if name:
            self.builder.heading(_TITLE_LEVEL, name, page=number)
        else:
            self.builder.enter(_TITLE_LEVEL, f"Slide {number}")
        for shape in shapes:
            if not shape.is_title:
                self._shape(shape, number)
        self._diagrams(part, number)
        self._notes(self._package.related(part, "notesSlide"), number)

    def _shape(self, shape: Shape, number: int) -> None:
        if shape.table is not None:
            add_rows(self.builder, rows_of(shape.table), turns=((0, number),))
        self._lines([*lines_of(shape)], number)

    def _lines(self, lines: Sequence[Line], number: int) -> None:
        for line in lines:
            if line.is_item:
                self.builder.add("list_item", "- " + line.text, turns=((0, number),), indent=2 * line.level)
            else:
                self.builder.add("paragraph", line.text, turns=((0, number),))

    def _diagrams(self, part: str, number: int) -> None:
        """The words of a diagram stand in a part of their own."""
        for related in self._package.relationships(part).values():
            if related.kind == "diagramData" and self._package.has(related.part):
                points = Shape(kind="obj", paragraphs=tuple(self._package.each(related.part, _POINTS)))
                self._lines([*lines_of(points)], number)

    def _notes(self, part: str | None, number: int) -> None:
        shapes = (shape for notes in self._package.each(part, _NOTES) for shape in shapes_of(notes))
        lines = [line for shape in shapes if shape.kind == "body" for line in lines_of(shape)]
        if lines:
            self.builder.heading(_NOTES_LEVEL, NOTES, page=number)
        for line in lines:
            self.builder.add("paragraph", line.text, turns=((0, number),))
