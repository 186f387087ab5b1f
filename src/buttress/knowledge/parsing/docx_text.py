"""The text of a paragraph of a DOCX file: as it reads with all changes accepted, without what is hidden."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import msgspec

from buttress.knowledge.parsing.docx_styles import PLAIN, Style
from buttress.knowledge.parsing.office import is_on, number_of, value_of
from buttress.knowledge.parsing.titles import usable_title

_LEFT_OUT = frozenset({"del", "moveFrom", "delText", "instrText", "pPr", "rPr", "sectPr", "rt"})
"""Deleted text, the code of fields, properties; `rt` is the reading aid above Asian letters."""

_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_NOTES = {"footnoteReference": "Note", "endnoteReference": "Endnote"}
_GROUNDS = ("shd", "highlight")
_TINY = 3
"""Half points: letters of one and a half and less are not read by anybody."""

_PRIVATE_USE = range(0xE000, 0xF900)


class NoteMark(msgspec.Struct, frozen=True):
    """That a note belongs here: `Note` or `Endnote`, and its id."""

    kind: str
    note_id: str


class Inline:
    """What stands in a paragraph: its text, the marks of its notes, the boxes anchored in it.

    `on_paper`: nothing lies between the letters and the paper, so that white ones are not seen.
    """

    def __init__(self, styles: dict[str, Style], *, is_hidden: bool = False, on_paper: bool = False) -> None:
        self._styles = styles
        self._is_hidden = is_hidden
        self._on_paper = on_paper
        self._texts: list[str] = []
        self.notes: list[NoteMark] = []
        self.boxes: list[Element] = []

    @property
    def text(self) -> str:
        """The text so far; not clean."""
        return "".join(self._texts)

    def read(self, node: Element) -> None:
        """Take in what is below `node`."""
        for child in node:
            self._take(child)

    def _take(self, node: Element) -> None:
        tag = node.tag
        if tag in _LEFT_OUT or (tag == "r" and self._hides(node)):
            return
        if tag == "t":
            self._texts.append(node.text or "")
        elif tag in _SIGNS:
            self._texts.append(_SIGNS[tag])
        elif tag in _NOTES:
            self.notes.append(NoteMark(_NOTES[tag], node.get("id", "")))
        elif tag == "sym":
            self._texts.append(_symbol(node.get("char", "")))
        elif tag == "txbxContent":
            self.boxes.append(node)
        else:
            self._drawing(node)
            self.read(node)

    def _hides(self, run: Element) -> bool:
        properties = run.find("rPr")
        if properties is None:
            return self._is_hidden
        if self._cannot_be_seen(properties):
            return True
        own = is_on(properties.find("vanish"))
        if own is None:
            own = self._styles.get(value_of(properties, "rStyle") or "", PLAIN).is_hidden
        return self._is_hidden if own is None else own

    def _cannot_be_seen(self, properties: Element) -> bool:
        if number_of(value_of(properties, "sz"), _TINY + 1, _TINY + 1) <= _TINY:
            return True
        is_white = (value_of(properties, "color") or "").upper() == "FFFFFF"
        return self._on_paper and is_white and all(properties.find(one) is None for one in _GROUNDS)

    def _drawing(self, node: Element) -> None:
        """A picture reads as its description, as on a web page."""
        if node.tag == "docPr":
            self._texts.append(usable_title(node.get("descr", "")))


def texts_of_notes(nodes: Iterator[Element], styles: dict[str, Style]) -> dict[str, str]:
    """Return the text of each note by its id; the rules drawn above notes are none."""
    texts: dict[str, str] = {}
    for node in nodes:
        if node.get("type", "normal") == "normal":
            texts[node.get("id", "")] = " ".join(_text_of(one, styles) for one in node.iter("p"))
    return texts


def _text_of(paragraph: Element, styles: dict[str, Style]) -> str:
    inline = Inline(styles)
    inline.read(paragraph)
    return inline.text


def _symbol(code: str) -> str:
    """Return the letter that a symbol is; those of picture fonts stand for nothing readable."""
    try:
        letter = int(code, 16)
    except ValueError:
        return ""
    return "" if letter in _PRIVATE_USE or letter > 0xFFFF else chr(letter)
