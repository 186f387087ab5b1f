"""The styles of a DOCX file: which are headings, lists, hidden. What one leaves open, its parent says."""

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

import msgspec

from buttress.knowledge.parsing.office import is_on, number_of, value_of

TITLE_LEVEL = 0
"""The level of the style `Title`: above all headings."""

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_CONTENTS = re.compile(r"toc (?:[1-9]|heading)|table of figures", re.IGNORECASE)
_BODY_LEVEL = 9
_MAX_LINE = 32
MAX_LIST_LEVEL = 8


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """What a style says of a paragraph or a run; None where it says nothing.

    `level` is a heading's (see `TITLE_LEVEL`; 10 for body text); `numbering` names a list.
    """

    level: int | None = None
    is_hidden: bool | None = None
    is_contents: bool = False
    numbering: str | None = None
    list_level: int | None = None


PLAIN = Style()


def read_styles(nodes: Iterable[Element]) -> dict[str, Style]:
    """Return the styles by their ids, from the `style` elements of `word/styles.xml`."""
    found = {node.get("styleId", ""): node for node in nodes}
    return {name: _resolve(list(_line(name, found))) for name in found}


def style_of(properties: Element | None) -> Style:
    """Return what a paragraph says of itself, beside the name of its style."""
    if properties is None:
        return PLAIN
    numbering = properties.find("numPr")
    return Style(
        level=_outline(value_of(properties, "outlineLvl")),
        numbering=value_of(numbering, "numId") if numbering is not None else None,
        list_level=_list_level(value_of(numbering, "ilvl")) if numbering is not None else None,
    )


def over(own: Style, parent: Style) -> Style:
    """Return `own`, and where it is silent, `parent`."""
    return Style(
        level=parent.level if own.level is None else own.level,
        is_hidden=parent.is_hidden if own.is_hidden is None else own.is_hidden,
        is_contents=own.is_contents or parent.is_contents,
        numbering=parent.numbering if own.numbering is None else own.numbering,
        list_level=parent.list_level if own.list_level is None else own.list_level,
    )


def _line(name: str, found: dict[str, Element]) -> Iterator[Element]:
    """Give a style and those it is based on, as far as Word goes and further; some go round and round."""
    for _ in range(_MAX_LINE):
        if name not in found:
            return
        yield found[name]
        name = value_of(found[name], "basedOn") or ""


def _resolve(line: list[Element]) -> Style:
    style = PLAIN
    for node in line:
        style = over(style, _said_by(node))
    return style


def _said_by(node: Element) -> Style:
    name = value_of(node, "name") or ""
    said = style_of(node.find("pPr"))
    return Style(
        level=_named_level(name) if _named_level(name) is not None else said.level,
        is_hidden=is_on(node.find("rPr/vanish")),
        is_contents=bool(_CONTENTS.fullmatch(name)),
        numbering=said.numbering,
        list_level=said.list_level,
    )


def _named_level(name: str) -> int | None:
    if name.lower() == "title":
        return TITLE_LEVEL
    found = _HEADING.fullmatch(name)
    return int(found[1]) if found else None


def _outline(level: str | None) -> int | None:
    return None if level is None else number_of(level, _BODY_LEVEL, _BODY_LEVEL) + 1


def _list_level(level: str | None) -> int | None:
    return None if level is None else number_of(level, 0, MAX_LIST_LEVEL)
