"""HTML to blocks: what a reader of the page would read, without navigation and without what is hidden."""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborHTMLParser, LexborNode

from buttress.knowledge.errors import BrokenFile
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.cleaning import clean, in_lines, on_one_line
from buttress.knowledge.parsing.decoding import decode_html
from buttress.knowledge.parsing.html_tables import read_table
from buttress.knowledge.parsing.html_walk import BLOCKS, is_boilerplate, is_hidden, one_space, walk
from buttress.knowledge.parsing.titles import usable_title
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import BlockKind, ParsedDocument

MAX_DEPTH = 1_000
"""Tags nested deeper are refused: the library's time grows with the square of the depth (20 s at 100,000)."""

_NESTING_TAG = re.compile(
    r"<(?P<close>/?)(?:div|span|section|article|table|ul|ol|dl|blockquote|form|fieldset|details|figure|center|font"
    r"|main|header|b|i|u|em|strong|small|big|sub|sup|code|tt|ins|del|label|svg|g|math|object|ruby|[\w-]+:\w+)\b",
    re.IGNORECASE,
)
_XML_PROLOG = re.compile(r"\s*<\?xml\b")
_EMPTY_TAG = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\b)"
    r"(?P<tag>[a-z][\w:.-]*)(?P<attributes>[^<>]*)/>",
    re.IGNORECASE,
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def parse_html(data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
    """See `ports.Parser`. A page that is all navigation and asides is read with them."""
    text = decode_html(data, path)
    if _XML_PROLOG.match(text):
        text = close_empty_tags(text)
    refuse_deep_nesting(text, path)
    page = LexborHTMLParser(text)
    builder = DocumentBuilder(path, limits)
    if page.body:
        _Reader(builder, skip=lambda node: is_hidden(node) or is_boilerplate(node)).read(page.body)
        if builder.is_empty:
            _Reader(builder, skip=is_hidden).read(page.body)
    title = page.css_first("head > title")
    return builder.finish("html", usable_title(title.text()) if title else "")


def add_fragment(builder: DocumentBuilder, text: str, path: str) -> None:
    """Add the blocks of a piece of HTML that stands in another document.

    Raises:
        BrokenFile: see `refuse_deep_nesting`.
    """
    refuse_deep_nesting(text, path)
    body = LexborHTMLParser(text).body
    if body:
        _Reader(builder, skip=_is_navigation_or_hidden).read(body)


def close_empty_tags(text: str) -> str:
    """Return a page written as XML with `<a/>` as `<a></a>`: to HTML the first is an open element."""
    return _EMPTY_TAG.sub(r"<\g<tag>\g<attributes>></\g<tag>>", text)


def refuse_deep_nesting(text: str, path: str) -> None:
    """Look at the tags alone, before anything is built of them.

    Raises:
        BrokenFile: more than `MAX_DEPTH` elements stand open at one place.
    """
    depth = 0
    for tag in _NESTING_TAG.finditer(text):
        depth = max(0, depth + (-1 if tag["close"] else 1))
        if depth > MAX_DEPTH:
            raise BrokenFile(
                f"{path} has more than {MAX_DEPTH:,} tags open inside one another at character {tag.start()}"
            )


def _is_navigation_or_hidden(node: LexborNode) -> bool:
    return node.tag == "nav" or is_hidden(node)


class _Reader:
    """Collects the text between the borders of block elements."""

    def __init__(self, builder: DocumentBuilder, skip: Callable[[LexborNode], bool]) -> None:
        self._builder = builder
        self._skip = skip
        self._inline: list[str] = []
        self._lists: list[int | None] = []
        self._marker = ""

    def read(self, root: LexborNode) -> None:
        walk(root, self._enter, self._leave)
        self._flush()

    def _enter(self, node: LexborNode) -> bool:
        """Take the node in; say whether its children are to be read one by one."""
        if node.is_text_node:
            self._inline.append(one_space(node.text_content or ""))
            return False
        if not node.is_element_node or self._skip(node):
            return False
        tag = node.tag or ""
        if tag in BLOCKS:
            self._flush()
            return self._enter_block(tag, node)
        self._inline.append(_standing_for(tag, node))
        return True

    def _enter_block(self, tag: str, node: LexborNode) -> bool:
        match tag:
            case "pre":
                self._builder.add("code", clean(node.text()))
                return False
            case "table":
                return not self._table(node)
            case "ul" | "menu":
                self._lists.append(None)
            case "ol":
                self._lists.append(0)
            case "li":
                self._marker = self._next_marker()
            case _:
                pass  # a border, and nothing more
        return True

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in _HEADINGS:
            self._builder.heading(_HEADINGS[tag], on_one_line(self._take()))
        elif tag in BLOCKS:
            self._flush()
        if tag in {"ul", "ol", "menu"}:
            self._lists.pop()
        if tag == "li":
            self._marker = ""

    def _next_marker(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number + 1}. "

    def _table(self, node: LexborNode) -> bool:
        """Add a table of data as one block; say whether it was one."""
        table = read_table(node, self._skip)
        if table is None:
            return False
        self._builder.add("paragraph", table.caption)
        for row in table.rows:
            if table.is_list:
                self._builder.add("list_item", row)
        if not table.is_list:
            self._builder.add("table", "\n".join(table.rows))
        return True

    def _take(self) -> str:
        text = clean("".join(self._inline))
        self._inline.clear()
        return text

    def _flush(self) -> None:
        text = in_lines(self._take())
        if not text:
            return
        kind: BlockKind = "list_item" if self._marker else "paragraph"
        indent = 2 * max(0, len(self._lists) - 1) if self._marker else 0
        self._builder.add(kind, self._marker + text, indent=indent)
        self._marker = ""


def _standing_for(tag: str, node: LexborNode) -> str:
    """Return the text that an element without text of its own stands for."""
    if tag == "br":
        return "\n"
    return (node.attributes.get("alt") or "") if tag == "img" else ""
