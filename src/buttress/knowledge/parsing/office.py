"""What DOCX and PPTX files share: parts, and the relationships that lead from one to the next.

A relationship to a place outside of the file (a link, a remote template) is none here: nothing is fetched.
"""

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import msgspec

from buttress.knowledge.errors import BrokenFile
from buttress.knowledge.parsing.archives import Archive, place_in
from buttress.knowledge.parsing.titles import usable_title
from buttress.knowledge.parsing.xml_parts import elements, first_text
from buttress.knowledge.settings import ParseLimits

_RELATIONSHIP = frozenset({"Relationship"})
_OFF = frozenset({"0", "false", "off"})
_CORE = "docProps/core.xml"


class Relationship(msgspec.Struct, frozen=True):
    """Where a part leads: the last step of the relationship's type, and the part's name."""

    kind: str
    part: str


class Package:
    """An Office file, opened."""

    def __init__(self, data: bytes, path: str, limits: ParseLimits) -> None:
        """See `archives.Archive`."""
        self._archive = Archive(data, path, limits)
        self._path = path

    def main_part(self) -> str:
        """Return the name of the part everything begins with.

        Raises:
            BrokenFile: there is none.
        """
        part = self.related("", "officeDocument")
        if part is None:
            raise BrokenFile(f"{self._path} is not whole: it does not say which part is the document")
        return part

    def has(self, part: str) -> bool:
        """Say whether a part is there."""
        return part in self._archive

    def related(self, part: str, kind: str) -> str | None:
        """Return the first part of that kind that `part` leads to, if it is there."""
        found = (one.part for one in self.relationships(part).values() if one.kind == kind)
        return next((name for name in found if name in self._archive), None)

    def relationships(self, part: str) -> dict[str, Relationship]:
        """Return where a part leads, by id; the package's own where `part` is empty."""
        folder, name = posixpath.split(part)
        where = posixpath.join(folder, "_rels", f"{name}.rels")
        if where not in self._archive:
            return {}
        return {
            one.get("Id", ""): Relationship(
                kind=one.get("Type", "").rpartition("/")[2],
                part=_resolve(folder, one.get("Target", "")),
            )
            for one in self.each(where, _RELATIONSHIP)
            if one.get("TargetMode") != "External"
        }

    def each(self, part: str | None, names: frozenset[str]) -> Iterator[Element]:
        """Give the outermost elements of these names in a part; none where there is no part."""
        if part is not None:
            yield from elements(self._archive.pieces(part), names, place_in(self._path, part))

    def title(self) -> str:
        """Return the title in the file's properties, if it is one."""
        if _CORE not in self._archive:
            return ""
        core = next(self.each(_CORE, frozenset({"coreProperties"})), None)
        return usable_title(first_text(core, "title")) if core is not None else ""


def is_on(switch: Element | None) -> bool | None:
    """Return what a switch says: an element without a value is on; None where there is no such element."""
    return None if switch is None else switch.get("val", "1") not in _OFF


def value_of(node: Element, path: str) -> str | None:
    """Return the attribute `val` of what stands at `path` below `node`."""
    found = node.find(path)
    return None if found is None else found.get("val")


def number_of(text: str | None, default: int, most: int) -> int:
    """Return the number that `text` is, between 0 and `most`; else `default`."""
    if text is None or not text.isascii() or not text.isdigit():
        return default
    return min(int(text[:9]), most)


def _resolve(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")
