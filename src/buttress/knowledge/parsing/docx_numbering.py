"""The numbers of lists and headings of a DOCX file: they stand nowhere in it, Word counts, and so do we."""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

import msgspec

from buttress.knowledge.parsing.docx_styles import MAX_LIST_LEVEL
from buttress.knowledge.parsing.office import number_of, value_of

_PLACE = re.compile("%([1-9])")
_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)
_MOST = 100_000
_MOST_ROMAN = 3_999
NO_LIST = "0"
"""The numbering that takes a paragraph out of the list its style would put it in."""


class Level(msgspec.Struct, frozen=True):
    """How one level of a list is written: `%2.` is the number of the second level and a dot."""

    kind: str = "bullet"
    pattern: str = ""
    start: int = 1


class Numbering:
    """Counts the items of all lists of one document, in its order."""

    def __init__(self, nodes: Iterable[Element]) -> None:
        """Take the `abstractNum` and `num` elements of `word/numbering.xml`."""
        self._levels: dict[str, dict[int, Level]] = {}
        self._lists: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        for node in nodes:
            if node.tag == "abstractNum":
                self._levels[node.get("abstractNumId", "")] = _levels(node)
            else:
                self._take_list(node)

    def next_label(self, numbering: str, level: int) -> str:
        """Count an item; return what stands before it, `- ` for a bullet, `2.1 ` for a number."""
        shape = self._lists.get(numbering, "")
        levels = self._levels.get(shape, {})
        counts = self._counts.setdefault(shape, {})
        counts.update(self._restarts.pop(numbering, {}))
        for deeper in range(level + 1, MAX_LIST_LEVEL + 1):
            counts.pop(deeper, None)
        here = levels.get(level, Level())
        counts[level] = min(counts.get(level, here.start - 1) + 1, _MOST)
        if here.kind == "bullet":
            return "- "
        label = _PLACE.sub(lambda place: _written(int(place[1]) - 1, levels, counts), here.pattern)
        return f"{label} " if label.strip() and here.kind != "none" else ""

    def _take_list(self, node: Element) -> None:
        name = node.get("numId", "")
        self._lists[name] = value_of(node, "abstractNumId") or ""
        starts = {
            number_of(one.get("ilvl"), 0, MAX_LIST_LEVEL): number_of(value_of(one, "startOverride"), 1, _MOST)
            for one in node.findall("lvlOverride")
            if one.find("startOverride") is not None
        }
        if starts:
            self._restarts[name] = {level: start - 1 for level, start in starts.items()}


def _levels(node: Element) -> dict[int, Level]:
    return {
        number_of(one.get("ilvl"), 0, MAX_LIST_LEVEL): Level(
            kind=value_of(one, "numFmt") or "decimal",
            pattern=(value_of(one, "lvlText") or "")[:40],
            start=number_of(value_of(one, "start"), 1, _MOST),
        )
        for one in node.findall("lvl")
    }


def _written(level: int, levels: dict[int, Level], counts: dict[int, int]) -> str:
    shape = levels.get(level, Level("decimal"))
    number = counts.get(level, shape.start)
    match shape.kind:
        case "lowerLetter":
            return _letters(number)
        case "upperLetter":
            return _letters(number).upper()
        case "lowerRoman":
            return roman(number)
        case "upperRoman":
            return roman(number).upper()
        case _:
            return str(number)


def _letters(number: int) -> str:
    """Return a to z, then aa to zz, as Word counts on."""
    if number < 1:
        return str(number)
    turns, letter = divmod(number - 1, 26)
    return chr(ord("a") + letter) * min(turns + 1, 10)


def roman(number: int) -> str:
    """Return `number` in small Roman digits; as it is where they have none for it."""
    if not 1 <= number <= _MOST_ROMAN:
        return str(number)
    digits = ""
    for value, sign in _ROMAN:
        count, number = divmod(number, value)
        digits += sign * count
    return digits
