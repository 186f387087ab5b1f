"""HTML to blocks."""

import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import BrokenFile, EmptyDocument
from buttress.knowledge.parsing.from_html import parse_html
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract

PAGE = """<!doctype html><html><head><title>Help centre</title><style>p {}</style></head><body>
<nav><a href="/">Home</a></nav><header><h1>Re<b>funds</b></h1></header>
<p>Within <em>30
days</em>.<br>Ask us.</p><script>alert(1)</script><p hidden>no</p><p style="display: none">no</p>
<ul><li>one<ul><li>inner</li></ul></li><li><p>two</p></li></ul><ol><li>first<li>second</ol>
<h2>Fees</h2><pre>a
  b</pre>loose text<div>in a div<p>and below</div>
<!-- comment --><img src=x alt="A chart of fees"><aside>advert</aside><footer>(c)</footer></body></html>"""


def parse(text: str, path: str = "a.html") -> ParsedDocument:
    """Parse a page."""
    return parse_html(text.encode(), path, ParseLimits())


def shown(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return kind and text of each block."""
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


class TestContract(ParserContract):
    """HTML keeps the contract."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_html

    @pytest.fixture
    def sample(self) -> bytes:
        """Return a page with one of each kind."""
        return PAGE.encode()

    @pytest.fixture
    def blank(self) -> bytes:
        """Return a page that shows nothing."""
        return b"<html><body><script>1</script><p hidden>x</p></body></html>"


def test_what_a_reader_sees_is_read() -> None:
    """Headings, paragraphs, lists, code; no frame of the page, nothing hidden."""
    document = parse(PAGE)
    assert document.title == "Help centre"
    assert shown(document) == [
        ("heading", "Refunds"),
        ("paragraph", "Within 30 days.\nAsk us."),
        ("list_item", "- one"),
        ("list_item", "- inner"),
        ("list_item", "- two"),
        ("list_item", "1. first"),
        ("list_item", "2. second"),
        ("heading", "Fees"),
        ("code", "a\n  b"),
        ("paragraph", "loose text"),
        ("paragraph", "in a div"),
        ("paragraph", "and below"),
        ("paragraph", "A chart of fees"),
    ]
    assert document.blocks[-1].section == ("Refunds", "Fees")


def test_a_page_that_is_all_frame_is_read_with_it() -> None:
    """Better navigation than nothing."""
    assert parse("<nav><p>Only this</p></nav>").text == "Only this"


def test_empty_tags_of_xml_do_not_swallow_the_page() -> None:
    """To HTML, `<script/>` begins a script that never ends."""
    page = (
        '<?xml version="1.0"?><html><head><script src="x"/></head><body><a id="t"/><p>text</p></body></html>'
    )
    assert parse(page).text == "text"


def test_deep_nesting_is_refused_at_once() -> None:
    """The library needs 20 s for 100,000 tags inside one another; to look at them first takes a moment."""
    began = time.perf_counter()
    with pytest.raises(BrokenFile, match="more than 1,000 tags"):
        parse("<html>" + "<div>" * 100_000 + "x")
    assert time.perf_counter() - began < 2


def test_nesting_below_the_limit_is_read_without_recursion() -> None:
    """A thousand open tags are no problem."""
    assert parse("<div>" * 900 + "deep").text == "deep"


def test_unclosed_paragraphs_are_not_nesting() -> None:
    """Old pages leave their tags open by right."""
    document = parse("<ul>" + "<li>item" * 3_000 + "</ul>" + "<p>x" * 3_000)
    assert len(document.blocks) == 6_000


@pytest.mark.slow
def test_a_filing_without_headings_gives_paragraphs_and_tables(shared_data: Path) -> None:
    """2.4 MB of styled paragraphs and tables, in a second or so."""
    data = (shared_data / "documents" / "example-10k.html").read_bytes()
    began = time.perf_counter()
    document = parse_html(data, "example-10k.html", ParseLimits())
    assert time.perf_counter() - began < 5
    check_blocks(document)
    kinds = [block.kind for block in document.blocks]
    assert kinds.count("paragraph") > 300
    assert kinds.count("table") > 40
    assert "North America and Caribbean | $10,024,537 | $5,757,143" in document.text
    assert "us-gaap" not in document.text


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            re.findall(
                r"<[^>]+>|a",
                "<p></p><div></div><table><tr><td></table><ul><li></ul><h1></h1><pre><b></b><br>a",
            )
        ),
        max_size=40,
    )
)
def test_any_soup_of_tags_keeps_the_promises(tags: list[str]) -> None:
    """Browsers read anything; so do we."""
    with suppress(EmptyDocument):
        check_blocks(parse("".join(tags)))
