"""Walking an HTML tree without recursion, and which of its elements a reader does not see."""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborNode

BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details dialog dir div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre search
    section summary table tbody td tfoot th thead tr ul""".split()  # noqa: SIM905 - a list of words reads best as words
)
"""Elements that begin and end a block of text."""

_NEVER_SHOWN = frozenset(
    """audio base button canvas datalist embed head iframe input link math map meta noframes noscript object
    option param script select source style svg template textarea title track video ix:header""".split()  # noqa: SIM905
)
_BOILERPLATE = frozenset({"nav", "footer", "aside", "search"})
_BOILERPLATE_ROLES = frozenset(
    {"navigation", "contentinfo", "search", "complementary", "banner", "menu", "menubar"}
)
_HIDING_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|!|$)", re.IGNORECASE
)
_NO_SIZE = re.compile(r"font-size\s*:\s*0(?:\.0*)?(?:px|pt|em|rem|%)?\s*(?:;|!|$)", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


def one_space(text: str) -> str:
    """Return `text` with each run of white space as one blank, as HTML shows it."""
    return _SPACES.sub(" ", text)


def is_hidden(node: LexborNode) -> bool:
    """Say whether an element is never shown, or is hidden by an attribute or a style of its own."""
    if node.tag in _NEVER_SHOWN:
        return True
    attributes = node.attributes
    if not attributes:
        return False
    style = attributes.get("style") or ""
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(style and (_HIDING_STYLE.search(style) or _is_without_size(node, style)))
    )


def _is_without_size(node: LexborNode, style: str) -> bool:
    """Say whether letters have no size; a frame of none, in which others give themselves one, is shown."""
    if not _NO_SIZE.search(style):
        return False
    return all(inner.mem_id == node.mem_id for inner in node.css('[style*="font-size"]'))


def is_boilerplate(node: LexborNode) -> bool:
    """Say whether an element is a page's frame (navigation, footer, side bar), not its content."""
    return node.tag in _BOILERPLATE or (node.attributes.get("role") or "") in _BOILERPLATE_ROLES


def walk(root: LexborNode, enter: Callable[[LexborNode], bool], leave: Callable[[LexborNode], None]) -> None:
    """Visit what is below `root`, in the order of the page.

    `enter` is called for each node and says whether its children are visited; then `leave` is called for it.
    """
    depth = 0
    node = root.first_child
    while node is not None:
        inner = node.first_child if enter(node) else None
        if inner is not None:
            node, depth = inner, depth + 1
            continue
        leave(node)
        while node is not None and node.next is None and depth > 0:
            node, depth = node.parent, depth - 1
            if node is not None:
                leave(node)
        node = node.next if node is not None else None


def text_below(root: LexborNode, skip: Callable[[LexborNode], bool]) -> str:
    """Return the text that is shown below `root`, with blanks where blocks and lines end."""
    pieces: list[str] = []

    def enter(node: LexborNode) -> bool:
        if node.is_text_node:
            pieces.append(node.text_content or "")
            return False
        if not node.is_element_node or skip(node):
            return False
        if node.tag in BLOCKS or node.tag == "br":
            pieces.append(" ")
        return True

    walk(root, enter, lambda node: pieces.append(" ") if node.tag in BLOCKS else None)
    return "".join(pieces)
