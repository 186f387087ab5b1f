"""The shapes of a slide, the lines of text in a shape, the cells of its table."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import msgspec

from buttress.knowledge.parsing.cleaning import clean, in_lines
from buttress.knowledge.parsing.office import number_of
from buttress.knowledge.parsing.table_rows import cell_text
from buttress.knowledge.parsing.titles import usable_title

_FRAME = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
_TITLES = frozenset({"title", "ctrTitle"})
_LISTS = frozenset({"body", "obj"})
_SHAPES = frozenset({"sp", "pic", "graphicFrame", "cxnSp"})
_MAX_LEVEL = 8


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a shape says. `kind` is that of its place on the slide's layout; empty for a free text box."""

    kind: str = ""
    paragraphs: tuple[Element, ...] = ()
    table: Element | None = None
    description: str = ""

    @property
    def is_title(self) -> bool:
        """Whether it holds the slide's title."""
        return self.kind in _TITLES


class Line(msgspec.Struct, frozen=True):
    """A paragraph of a shape; its level is how deep an item stands in a list."""

    text: str
    is_item: bool = False
    level: int = 0


def shapes_of(slide: Element) -> Iterator[Shape]:
    """Give the shapes of a slide, in its own order; groups are opened, what is hidden is left out."""
    tree = slide.find("cSld/spTree")
    if tree is not None:
        yield from _below(tree)


def lines_of(shape: Shape) -> Iterator[Line]:
    """Give the lines of a shape; a picture reads as its description."""
    for paragraph in shape.paragraphs:
        if text := in_lines(clean(_text(paragraph))):
            yield _line(paragraph, text, shape.kind)
    if shape.description:
        yield Line(shape.description)


def rows_of(table: Element) -> Iterator[list[str]]:
    """Give the rows of a table; a cell that another one covers is empty."""
    for row in table.iter("tr"):
        yield [cell_text(" ".join(_text(one) for one in cell.iter("p"))) for cell in row.findall("tc")]


def _below(parent: Element) -> Iterator[Shape]:
    for node in parent:
        if node.tag in _SHAPES:
            yield from _shape(node)
        elif not _is_hidden(node):
            yield from _below(node)


def _shape(node: Element) -> Iterator[Shape]:
    place = next(node.iter("ph"), None)
    kind = "" if place is None else place.get("type", "obj")
    if kind in _FRAME or _is_hidden(node):
        return
    body = node.find("txBody")
    named = next(node.iter("cNvPr"), None)
    yield Shape(
        kind=kind,
        paragraphs=() if body is None else tuple(body.findall("p")),
        table=next(node.iter("tbl"), None),
        description="" if named is None else usable_title(named.get("descr", "")),
    )


def _is_hidden(node: Element) -> bool:
    """Say whether a shape, or a group by its first child, is switched off."""
    properties = next((child for child in node if child.tag.startswith("nv")), None)
    named = None if properties is None else properties.find("cNvPr")
    return named is not None and named.get("hidden") in {"1", "true"}


def _text(paragraph: Element) -> str:
    return "".join(
        "\n" if node.tag == "br" else node.text or "" for node in paragraph.iter() if _speaks(node)
    )


def _speaks(node: Element) -> bool:
    return node.tag in {"t", "br"}


def _line(paragraph: Element, text: str, kind: str) -> Line:
    properties = paragraph.find("pPr")
    bullets = set() if properties is None else {child.tag for child in properties}
    is_item = bool(bullets & {"buChar", "buAutoNum", "buBlip"}) or (
        kind in _LISTS and "buNone" not in bullets
    )
    level = 0 if properties is None else number_of(properties.get("lvl"), 0, _MAX_LEVEL)
    return Line(text, is_item, level if is_item else 0)
