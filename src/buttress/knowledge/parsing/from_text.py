"""Plain text to blocks: paragraphs between blank lines; headings only where they are plain to see."""

import re
from collections.abc import Iterator

import msgspec

from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.cleaning import clean, in_lines, on_one_line
from buttress.knowledge.parsing.decoding import decode
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument

_BLANK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_UNDERLINED = re.compile(r"(?P<title>[^\n]{1,100})\n(?P<line>=+|-+|~+)(?:\n(?P<rest>.*))?", re.DOTALL)
_NUMBERED = re.compile(r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,4})\.? +(?P<title>[A-Z][^\n]{1,79})")
_NAMED = re.compile(
    r"(?:chapter|part|book|section|appendix|article) +(?:[ivxlc]+|\d+|[a-z])\b[^\n]{0,80}", re.IGNORECASE
)
_ITEM = re.compile(r"(?:[-*•+]|\d{1,3}[.)])\s+\S")
_LETTERS = re.compile(r"[^\W\d_]")
_ENDS_SENTENCE = re.compile(r"[.,;:!?\"'”’)]$")
_MAX_HEADING = 80
_LONG_LINE = 200
"""A line longer than this was not broken by hand: then each line is a paragraph of its own."""
_MAX_HEADING_SHARE = 0.34
"""Where more of the groups look like headings than this (telegrams, forms), none is one."""


class Heading(msgspec.Struct, frozen=True):
    """A line that is plainly a heading, and what follows it without a blank line."""

    level: int
    title: str
    rest: str = ""


def parse_text(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`."""
    groups = [group for group in _BLANK.split(clean(decode(data, path)).strip()) if group.strip()]
    headings = [find_heading(group.strip()) for group in groups]
    believed = sum(map(bool, headings)) <= max(1, _MAX_HEADING_SHARE * len(groups))
    builder = DocumentBuilder(path, limits)
    for group, heading in zip(groups, headings, strict=True):
        if heading and believed:
            builder.heading(heading.level, on_one_line(heading.title))
            _add_group(builder, heading.rest)
        else:
            _add_group(builder, group)
    return builder.finish("text", "")


def find_heading(group: str) -> Heading | None:
    """Return the heading that a group of lines between blank lines is, or begins with.

    Underlined lines, and lines that stand alone and are numbered, named (`Chapter 3`) or all capitals.
    """
    if found := _UNDERLINED.fullmatch(group):
        if abs(len(found["title"].strip()) - len(found["line"])) <= 3 and _LETTERS.search(found["title"]):
            return Heading(1 if found["line"][0] == "=" else 2, found["title"], found["rest"] or "")
        return None
    if "\n" in group or len(group) > _MAX_HEADING or _ENDS_SENTENCE.search(group):
        return None
    if found := _NUMBERED.fullmatch(group):
        return Heading(2 + found["number"].count("."), group)
    if _NAMED.fullmatch(group):
        return Heading(1, group)
    is_caps = group.upper() == group != group.lower() and len(_LETTERS.findall(group)) >= 4
    return Heading(2, group) if is_caps else None


def add_plain(builder: DocumentBuilder, text: str) -> None:
    """Add clean text in which nothing is a heading (a mail): paragraphs and items of lists."""
    for group in _BLANK.split(text.strip()):
        _add_group(builder, group)


def _add_group(builder: DocumentBuilder, group: str) -> None:
    for paragraph in _paragraphs(group):
        builder.add("list_item" if _ITEM.match(paragraph.lstrip()) else "paragraph", in_lines(paragraph))


def _paragraphs(group: str) -> Iterator[str]:
    """Cut a group of lines where an item of a list begins; line by line where lines are long."""
    lines = group.split("\n")
    if any(len(line) > _LONG_LINE for line in lines):
        yield from lines
        return
    held: list[str] = []
    for line in lines:
        if held and _ITEM.match(line.lstrip()):
            yield "\n".join(held)
            held = []
        held.append(line)
    yield "\n".join(held)
