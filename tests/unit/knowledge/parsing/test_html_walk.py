"""Walking an HTML tree."""

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from buttress.knowledge.parsing.html_walk import is_boilerplate, is_hidden, one_space, text_below, walk


def body(text: str) -> LexborNode:
    """Return the body of a page."""
    found = LexborHTMLParser(text).body
    assert found is not None
    return found


def test_every_element_is_entered_and_left_in_the_order_of_the_page() -> None:
    """Once each, and children before their parent is left."""
    events: list[str] = []

    def enter(node: LexborNode) -> bool:
        events.append(f"+{node.tag}")
        return node.tag != "i"

    walk(body("<p><b></b><i><u></u></i></p><br>"), enter, lambda node: events.append(f"-{node.tag}"))
    assert events == ["+p", "+b", "-b", "+i", "-i", "-p", "+br", "-br"]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        pytest.param("<p>a</p><p>b</p>", "a b", id="blocks are apart"),
        pytest.param("a<b>b</b>", "ab", id="letters in bold belong to their word"),
        pytest.param("a<br>b", "a b", id="lines are apart"),
        pytest.param("a<script>x</script>b<p hidden>c</p>", "ab", id="hidden text is not there"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_text_below(page: str, text: str) -> None:
    """What is shown."""
    assert one_space(text_below(body(page), is_hidden)).strip() == text


@pytest.mark.parametrize(
    ("tag", "hidden", "frame"),
    [
        pytest.param("<p>", False, False, id="a paragraph"),
        pytest.param("<p hidden>", True, False, id="hidden by an attribute"),
        pytest.param("<p style='color: red; DISPLAY :none'>", True, False, id="hidden by a style"),
        pytest.param("<p aria-hidden=true>", True, False, id="hidden from readers"),
        pytest.param("<p style='opacity: 0'>", True, False, id="let through"),
        pytest.param("<p style='opacity:0.5'>", False, False, id="half let through"),
        pytest.param("<p style='color:red;font-size:0px;'>a</p>", True, False, id="without a size"),
        pytest.param("<p style='font-size:0.9em'>a</p>", False, False, id="smaller than the rest"),
        pytest.param(
            "<div style='font-size:0'><b style='font-size:12px'>a</b></div>",
            False,
            False,
            id="a frame of none",
        ),
        pytest.param("<nav>", False, True, id="navigation"),
        pytest.param("<div role=navigation>", False, True, id="navigation by its role"),
        pytest.param("<textarea>", True, False, id="what is typed in"),
    ],
)
def test_what_is_not_seen(tag: str, hidden: bool, frame: bool) -> None:  # noqa: FBT001 - a table's columns
    """Hidden, or the page's frame."""
    node = body(tag).first_child
    assert node is not None
    assert is_hidden(node) == hidden
    assert is_boilerplate(node) == frame
