"""Plain text to blocks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import EmptyDocument
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.from_text import add_plain, find_heading, parse_text
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract


def parse(text: str) -> ParsedDocument:
    """Parse a text as `a.txt`."""
    return parse_text(text.encode(), "a.txt", ParseLimits())


class TestContract(ParserContract):
    """Plain text keeps the contract."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_text

    @pytest.fixture
    def sample(self) -> bytes:
        """Return paragraphs under a heading."""
        return b"Manual\n======\n\n" + b"A paragraph of two lines,\nwhich goes on.\n\n" * 5

    @pytest.fixture
    def blank(self) -> bytes:
        """Return nothing but control characters."""
        return b"\x01\x02 \n"


@pytest.mark.parametrize(
    ("group", "level"),
    [
        pytest.param("Manual\n======", 1, id="underlined twice"),
        pytest.param("Setup\n-----\nAnd text.", 2, id="underlined once, text right below"),
        pytest.param("GETTING STARTED", 2, id="all capitals"),
        pytest.param("3.2 Line types", 3, id="numbered"),
        pytest.param("Chapter IV", 1, id="named"),
        pytest.param("Dear Sir", None, id="a short line is no heading"),
        pytest.param("WARNING: HOT!", None, id="capitals that end a sentence"),
        pytest.param("OK", None, id="two capitals"),
        pytest.param("1. Open the lid, and look inside the box.", None, id="a numbered sentence"),
        pytest.param("Total\n-----------------------------", None, id="a rule much longer than the line"),
        pytest.param("FIRST LINE\nSECOND LINE", None, id="capitals on two lines"),
    ],
)
def test_find_heading(group: str, level: int | None) -> None:
    """Only what is plain to see."""
    heading = find_heading(group)
    assert (heading.level if heading else None) == level


def test_in_a_mail_nothing_is_a_heading() -> None:
    """Capitals are only loud there."""
    builder = DocumentBuilder("a.eml", ParseLimits())
    add_plain(builder, "HELLO BOB\n\n- one\n- two\n\n\nbye\n")
    document = builder.finish("eml", "")
    assert [block.kind for block in document.blocks] == ["paragraph", "list_item", "list_item", "paragraph"]


def test_a_text_of_headings_has_none() -> None:
    """Telegrams are written in capitals."""
    document = parse("COMING HOME\n\nSEND MONEY\n\nLOVE JOHN")
    assert {block.kind for block in document.blocks} == {"paragraph"}


def test_items_and_long_lines_are_blocks_of_their_own() -> None:
    """A list has items; a line that nobody broke by hand is a paragraph."""
    document = parse("To do:\n- one\n- two\n  more\n\n" + "long " * 60 + "\nshort")
    assert [block.kind for block in document.blocks] == [
        "paragraph",
        "list_item",
        "list_item",
        "paragraph",
        "paragraph",
    ]


def test_a_line_of_a_megabyte_is_one_paragraph() -> None:
    """Whatever its length."""
    document = parse("x" * 1_000_000)
    assert len(document.blocks) == 1
    check_blocks(document)


@settings(max_examples=100)
@given(st.text(alphabet="aB \n.-=1*\t", max_size=200))
def test_any_text_keeps_the_promises(text: str) -> None:
    """Nothing is lost but white space and rules."""
    try:
        check_blocks(parse(text))
    except EmptyDocument:
        assert not text.strip()
