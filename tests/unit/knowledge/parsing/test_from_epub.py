"""EPUB to blocks."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import BrokenFile, EmptyDocument, Encrypted
from buttress.knowledge.parsing.from_epub import parse_epub
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract
from buttress.testing.files import epub_of, zipped


def parse(data: bytes) -> ParsedDocument:
    """Parse a file as `a.epub`; the promises are checked each time."""
    document = parse_epub(data, "a.epub", ParseLimits())
    check_blocks(document)
    return document


class TestContract(ParserContract):
    """EPUB keeps the contract."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_epub

    @pytest.fixture
    def sample(self) -> bytes:
        """Return a book of two chapters."""
        return epub_of(
            {"1.xhtml": "<h1>One</h1>" + "<p>A page of text.</p>" * 9, "2.xhtml": "<h1>Two</h1><p>a"}
        )

    @pytest.fixture
    def blank(self) -> bytes:
        """Return a book of one picture."""
        return epub_of({"1.xhtml": "<img src='cover.jpg'/>"})


def test_chapters_in_reading_order() -> None:
    """Headings give the sections, tables stay tables, what is hidden and the list of contents go."""
    chapter = (
        '<?xml version="1.0"?><!DOCTYPE html><html><head><title/></head><body><nav>no</nav><h1>Second</h1>'
        '<p style="display:none">no</p>'
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
        '<aside epub:type="footnote">A note.</aside></body></html>'
    )
    document = parse(
        epub_of({"z.xhtml": "<h1>First</h1><h2>Part</h2><p>x</p>", "a.xhtml": chapter}, title="The book")
    )
    assert document.title == "The book"
    assert document.text == "First\n\nPart\n\nx\n\nSecond\n\na | b\n1 | 2\n\nA note."
    assert [block.section for block in document.blocks][2:4] == [("First", "Part"), ("Second",)]
    assert document.page_spans == ()
    assert document.format == "epub"


def test_a_page_without_heading_is_named_by_the_table_of_contents() -> None:
    """Its own heading is better, where it has one."""
    contents = (
        "<!DOCTYPE ncx PUBLIC '-//NISO//DTD ncx 2005-1//EN' 'http://a.invalid/ncx.dtd'><ncx><navMap>"
        "<navPoint><navLabel><text>Preface</text></navLabel><content src='a.xhtml#top'/>"
        "<navPoint><navLabel><text>Other</text></navLabel><content src='b.xhtml'/></navPoint></navPoint>"
        "</navMap></ncx>"
    )
    document = parse(
        epub_of({"a.xhtml": "<p>x</p>", "b.xhtml": "<h1>Own</h1><p>y</p>"}, {"OPS/toc.ncx": contents})
    )
    assert [block.section for block in document.blocks] == [("Preface",), ("Own",), ("Own",)]


def test_pages_are_xml_even_where_they_do_not_say_so() -> None:
    """To HTML, `<title/>` begins a title that never ends."""
    page = (
        '<html xmlns="urn:x"><head><title/><script src="x"/></head><body><a id="t"/><p>text</p></body></html>'
    )
    assert parse(epub_of({"a.xhtml": page})).text == "text"


def test_a_page_that_is_missing_is_said() -> None:
    """The rest of the book is read."""
    data = epub_of({"a.xhtml": "<p>x</p>", "../../../etc/passwd": "<p>no</p>"})
    document = parse(data)
    assert document.text == "x"
    assert document.warnings == ("missing, though the book names it: '../../etc/passwd'",)


def test_a_page_that_is_named_again_is_read_once() -> None:
    """A spine of a million names would take for ever."""
    item = '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
    named = '<itemref idref="a"/>' * 100
    package = f"<package><manifest>{item}</manifest><spine>{named}</spine></package>"
    assert parse(epub_of({"a.xhtml": "<p>x</p>"}, {"OPS/book.opf": package})).text == "x"


SCRAMBLED = '<encryption><CipherReference URI="{}"/></encryption>'


def test_scrambled_fonts_do_no_harm() -> None:
    """Pages can be read."""
    parts = {"META-INF/encryption.xml": SCRAMBLED.format("OPS/font.otf")}
    assert parse(epub_of({"a.xhtml": "<p>x</p>"}, parts)).text == "x"


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        pytest.param(
            zipped({"mimetype": "application/epub+zip"}),
            BrokenFile,
            "META-INF/container.xml",
            id="no container",
        ),
        pytest.param(
            epub_of({"a.xhtml": ""}, {"META-INF/container.xml": "<container/>"}),
            BrokenFile,
            "its container does not lead to a book",
            id="a container that leads nowhere",
        ),
        pytest.param(epub_of({}), BrokenFile, "no page in its reading order", id="no spine"),
        pytest.param(
            epub_of({}, {"OPS/book.opf": "<other/>"}), BrokenFile, "describes no book", id="no package"
        ),
        pytest.param(
            epub_of({"a.xhtml": "<p>x"}, {"META-INF/encryption.xml": SCRAMBLED.format("OPS/a.xhtml")}),
            Encrypted,
            "DRM",
            id="protected",
        ),
        pytest.param(
            epub_of({"a.xhtml": "<div>" * 2_000}),
            BrokenFile,
            "more than 1,000 tags open",
            id="tags without end",
        ),
        pytest.param(epub_of({"a.xhtml": "<p> </p>"}), EmptyDocument, "no text", id="no text"),
    ],
)
def test_refused(data: bytes, error: type[ButtressError], says: str) -> None:
    """One line that names the file."""
    with pytest.raises(error) as caught:
        parse(data)
    assert "a.epub" in caught.value.message
    assert says in caught.value.message
    assert "\n" not in caught.value.message


words = st.text("abc äß", min_size=1, max_size=20).map(str.strip).filter(bool)


@settings(max_examples=40)
@given(st.lists(st.tuples(words, st.lists(words, max_size=3)), min_size=1, max_size=5))
def test_what_is_written_is_read(chapters: list[tuple[str, list[str]]]) -> None:
    """Chapter after chapter, each paragraph under its heading."""
    pages = {
        f"{number}.xhtml": f"<h1>{name}</h1>" + "".join(f"<p>{text}</p>" for text in texts)
        for number, (name, texts) in enumerate(chapters)
    }
    document = parse(epub_of(pages))
    expected = [" ".join(text.split()) for name, texts in chapters for text in (name, *texts)]
    assert [document.text[block.start : block.end] for block in document.blocks] == expected


@pytest.mark.slow
def test_a_real_book(shared_data: Path) -> None:
    """Its chapters are sections."""
    data = (shared_data / "documents" / "winter-sports.epub").read_bytes()
    document = parse_epub(data, "book.epub", ParseLimits())
    check_blocks(document)
    assert document.title == "Winter Sports in Switzerland"
    assert ("WINTER SPORTS IN SWITZERLAND", "CHAPTER I THE SUN-SEEKER") in {
        block.section for block in document.blocks
    }
    assert document.warnings == ()
