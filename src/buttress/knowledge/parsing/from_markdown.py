"""Markdown (CommonMark with tables) to blocks: the readable text, without the marks."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

from buttress.kernel.errors import Mistake
from buttress.kernel.located import parse_yaml
from buttress.knowledge.errors import BrokenFile
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.cleaning import clean, in_lines, on_one_line
from buttress.knowledge.parsing.decoding import decode
from buttress.knowledge.parsing.from_html import add_fragment
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_BREAK_TAG = re.compile(r"<br\b", re.IGNORECASE)
_MAX_NESTING = 100
"""The library leaves out what is nested deeper, by default 20; Python's own stack ends at a few hundred."""


class FrontMatter(msgspec.Struct, frozen=True):
    """What stands before a Markdown text: its title, if any; the text itself; what was wrong."""

    title: str
    body: str
    warnings: tuple[str, ...] = ()


def parse_markdown(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`. The title is the front matter's, else the first heading of level 1.

    Raises:
        BrokenFile: lists or quotations stand too deep in one another; see `_MAX_NESTING`.
    """
    front = split_front_matter(clean(decode(data, path)), path)
    builder = DocumentBuilder(path, limits)
    markdown = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    tokens = markdown.parse(front.body)
    _refuse_deep_nesting(tokens, path)
    _Reader(builder, path).read(tokens)
    return builder.finish("markdown", front.title, warnings=front.warnings)


def _refuse_deep_nesting(tokens: Sequence[Token], path: str) -> None:
    deepest = max(tokens, key=lambda token: token.level, default=None)
    if deepest and deepest.level >= _MAX_NESTING - 2:
        line = deepest.map[0] + 1 if deepest.map else 1
        raise BrokenFile(
            f"{path} has lists or quotations more than {_MAX_NESTING // 2} deep near line {line}"
        )


def split_front_matter(text: str, path: str) -> FrontMatter:
    """Take the YAML between `---` lines off the top of `text`; what is no mapping is text like any other."""
    found = _FRONT_MATTER.match(text)
    if not found:
        return FrontMatter("", text)
    front = parse_yaml(found["yaml"], Path(path), first_line=2)
    if isinstance(front, Mistake):
        line = front.where.line or 1
        return FrontMatter(
            "", text[found.end() :], (f"{path}:{line}: front matter left out: {front.message}",)
        )
    if not isinstance(front.value, dict):
        return FrontMatter("", text)
    title = front.get("title")
    return FrontMatter(clean(str(title)) if title else "", text[found.end() :])


class _Reader:
    """Turns the library's flat list of tokens into blocks."""

    def __init__(self, builder: DocumentBuilder, path: str) -> None:
        self._builder = builder
        self._path = path
        self._lists: list[str] = []
        self._marker = ""

    def read(self, tokens: Sequence[Token]) -> None:
        rest = iter(tokens)
        for token in rest:
            match token.type:
                case "heading_open":
                    self._builder.heading(int(token.tag[1:]), on_one_line(_inline(next(rest))))
                case "inline":
                    self._paragraph(in_lines(_inline(token)))
                case "fence" | "code_block":
                    self._builder.add("code", token.content)
                case "html_block":
                    add_fragment(self._builder, token.content, self._path)
                case "table_open":
                    self._builder.add("table", "\n".join(_rows(rest)))
                case _:
                    self._list(token)

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                self._lists.append(token.type)
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._marker = "- " if self._lists[-1] == "bullet_list_open" else f"{token.info}. "
            case "list_item_close":
                self._marker = ""
            case _:
                pass  # closing tokens, quotations: their inner tokens say all that is needed

    def _paragraph(self, text: str) -> None:
        if not self._marker:
            self._builder.add("paragraph", text)
        elif text:
            self._builder.add("list_item", self._marker + text, indent=2 * (len(self._lists) - 1))
            self._marker = ""


def _rows(rest: Iterator[Token]) -> Iterator[str]:
    """Take the tokens of a table; give its rows, header row first."""
    cells: list[str] = []
    for token in rest:
        match token.type:
            case "table_close":
                return
            case "tr_open":
                cells = []
            case "inline":
                cells.append(on_one_line(_inline(token)))
            case "tr_close":
                yield " | ".join(cells)
            case _:
                pass  # tokens around a cell


def _inline(token: Token) -> str:
    """Return the readable text of an inline token: no marks, no tags, the description of a picture."""
    return "".join(_piece(child) for child in token.children or ())


def _piece(token: Token) -> str:
    match token.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return "\n" if _BREAK_TAG.match(token.content) else ""
        case _:
            return token.content
