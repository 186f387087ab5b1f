"""PPTX to blocks."""

import io
from pathlib import Path

import pptx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx.util import Inches

from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import BrokenFile, EmptyDocument, TooLarge
from buttress.knowledge.parsing.from_pptx import parse_pptx
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract
from buttress.testing.files import pptx_of, relations, shape_of, slide_of


def parse(data: bytes) -> ParsedDocument:
    """Parse a file as `a.pptx`; the promises are checked each time."""
    document = parse_pptx(data, "a.pptx", ParseLimits())
    check_blocks(document)
    return document


def shown(document: ParsedDocument) -> list[tuple[str, str, int | None]]:
    """Return kind, text and page of each block."""
    return [(block.kind, document.text[block.start : block.end], block.page) for block in document.blocks]


def point(text: str) -> str:
    """Write a paragraph."""
    return f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"


def deck(*slides: tuple[str, str, str]) -> bytes:
    """Return a file of another program: title, lines and notes of each slide."""
    presentation = pptx.Presentation()
    for title, text, notes in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        if slide.shapes.title is not None:
            slide.shapes.title.text = title
        slide.placeholders[1].text_frame.text = text
        if notes and slide.notes_slide.notes_text_frame is not None:
            slide.notes_slide.notes_text_frame.text = notes
    written = io.BytesIO()
    presentation.save(written)
    return written.getvalue()


class TestContract(ParserContract):
    """PPTX keeps the contract; the files are those of another program."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_pptx

    @pytest.fixture
    def sample(self) -> bytes:
        """Return two slides."""
        return deck(("The plan", "one\ntwo\n" + "and much more " * 8, "say hello"), ("Next", "three", ""))

    @pytest.fixture
    def blank(self) -> bytes:
        """Return a slide that says nothing."""
        return deck(("", "", ""))


def test_slides_are_pages_and_their_titles_sections() -> None:
    """Notes are a section below, and marked so."""
    document = parse(deck(("The plan", "one\ntwo", "say hello"), ("Next", "three", "")))
    assert document.title == "The plan"
    assert shown(document) == [
        ("heading", "The plan", 1),
        ("list_item", "- one", 1),
        ("list_item", "- two", 1),
        ("heading", "Speaker notes", 1),
        ("paragraph", "say hello", 1),
        ("heading", "Next", 2),
        ("list_item", "- three", 2),
    ]
    assert [block.section for block in document.blocks[3:]] == [
        ("The plan", "Speaker notes"),
        ("The plan", "Speaker notes"),
        ("Next",),
        ("Next",),
    ]
    assert [document.text[start:end].strip().split("\n")[0] for start, end in document.page_spans] == [
        "The plan",
        "Next",
    ]


def test_a_table_stays_one() -> None:
    """And stands on its slide."""
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    grid = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for place, text in enumerate(["name", "fee", "lid", "5 €"]):
        grid.cell(place // 2, place % 2).text = text
    written = io.BytesIO()
    presentation.save(written)
    document = parse(written.getvalue())
    assert shown(document) == [("table", "name | fee\nlid | 5 €", 1)]
    assert document.blocks[0].section == ("Slide 1",)


def test_hidden_and_silent_slides_keep_their_numbers() -> None:
    """What is hidden is left out, and it is said."""
    hidden = slide_of(shape_of(point("secret")), attributes='show="0"')
    document = parse(pptx_of([shape_of(point("a")), hidden, "", shape_of(point("d"))]))
    assert shown(document) == [("paragraph", "a", 1), ("paragraph", "d", 4)]
    assert document.warnings == ("hidden and left out: slide 2", "without text: slide 3")
    assert "secret" not in document.text


def test_the_title_comes_first_wherever_it_was_drawn() -> None:
    """Programs keep the order in which shapes were made."""
    document = parse(pptx_of([shape_of(point("below"), "body") + shape_of(point("On top"), "title")]))
    assert document.text == "On top\n\n- below"


def test_the_words_of_a_diagram_are_read() -> None:
    """They stand in a part of their own."""
    parts = {
        "ppt/slides/_rels/slide1.xml.rels": relations(("r1", "diagramData", "../diagrams/data1.xml")),
        "ppt/diagrams/data1.xml": (
            '<d:dataModel xmlns:d="urn:d" xmlns:a="urn:a">'
            "<d:pt><d:t><a:p><a:r><a:t>step one</a:t></a:r></a:p>"
            "</d:t></d:pt></d:dataModel>"
        ),
    }
    assert parse(pptx_of([shape_of(point("T"), "title")], parts)).text == "T\n\n- step one"


def test_too_many_slides_are_refused() -> None:
    """As too many pages are."""
    with pytest.raises(TooLarge, match=r"a\.pptx has 3 slides; the limit is 2"):
        parse_pptx(pptx_of(["", "", ""]), "a.pptx", ParseLimits(max_pages=2))


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        pytest.param(
            {"ppt/_rels/presentation.xml.rels": "<a/>"}, "it lacks the slide 'r1'", id="a slide unnamed"
        ),
        pytest.param(
            {"ppt/_rels/presentation.xml.rels": relations(("r1", "slide", "slides/gone.xml"))},
            "it lacks 'ppt/slides/gone.xml'",
            id="a slide that is not there",
        ),
        pytest.param(
            {"ppt/slides/slide1.xml": "<p:sld"}, "slide1.xml' is no XML", id="a slide that is broken"
        ),
    ],
)
def test_a_slide_is_never_left_out_silently(parts: dict[str, str], says: str) -> None:
    """The file is refused instead."""
    with pytest.raises(BrokenFile) as caught:
        parse(pptx_of([shape_of(point("a"))], parts))
    assert caught.value.message.startswith("a.pptx")
    assert says in caught.value.message


def test_only_hidden_slides_are_no_document() -> None:
    """Nothing is shown."""
    with pytest.raises(EmptyDocument, match="any of its 1 pages"):
        parse(pptx_of([slide_of(shape_of(point("a")), attributes='show="0"')]))


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z", "M", "P", "S")), min_size=1, max_size=9
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(words, words, st.one_of(st.just(""), words)), min_size=1, max_size=4))
def test_what_is_written_is_read(slides: list[tuple[str, str, str]]) -> None:
    """Each slide a page, with its title, its text and its notes."""
    document = parse(deck(*slides))
    assert len(document.page_spans) == len(slides)
    headings = [block for block in document.blocks if block.level == 1]
    assert [block.page for block in headings] == [*range(1, len(slides) + 1)]
    notes = [block for block in document.blocks if block.level == 2]
    assert len(notes) == sum(bool(slide[2]) for slide in slides)


@pytest.mark.slow
def test_a_real_presentation(shared_data: Path) -> None:
    """Four slides, a table on the last."""
    data = (shared_data / "documents" / "sample-presentation.pptx").read_bytes()
    document = parse_pptx(data, "sample.pptx", ParseLimits())
    check_blocks(document)
    assert len(document.page_spans) == 4
    assert ("table", "Table | A | B | C\n1 | A1 | B1 | C1\n2 | A2 | B2 | C2", 4) in shown(document)
