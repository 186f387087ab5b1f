"""PDF to blocks."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fpdf import FPDF

from buttress.knowledge.checking import check_blocks, check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.errors import EmptyDocument
from buttress.knowledge.parsing.from_pdf import parse_pdf
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ChunkSettings, ParsedDocument, document_id
from buttress.testing.contracts.parser import ParserContract

PdfMaker = Callable[..., bytes]
LIMITS = ParseLimits()

TEXT = [
    "This is a line of text that is broken where the page ends, as lines are",
    "and it goes on here until it ends. Then there is more, and an exam-",
    "ple of a word that was cut.",
]


class TestContract(ParserContract):
    """PDF keeps the contract."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_pdf

    @pytest.fixture
    def sample(self, make_pdf: PdfMaker) -> bytes:
        """Return two pages of text under headings."""
        return make_pdf([["# One", *TEXT], ["# Two", *TEXT]])

    @pytest.fixture
    def blank(self, make_pdf: PdfMaker) -> bytes:
        """Return two pages with nothing on them, as scans have."""
        return make_pdf([[], []])


def pages_of(document: ParsedDocument) -> list[str]:
    """Return the text of each page."""
    return [document.text[start:end].strip() for start, end in document.page_spans]


@pytest.mark.parametrize("bookmarks", [True, False])
def test_pages_sections_and_paragraphs(make_pdf: PdfMaker, bookmarks: bool) -> None:  # noqa: FBT001 - parametrised
    """Headings by bookmarks, or by their looks: the same sections."""
    data = make_pdf([["# One", *TEXT], ["# Two", *TEXT]], bookmarks=bookmarks, title="Guide")
    document = parse_pdf(data, "a.pdf", LIMITS)
    whole = (
        "This is a line of text that is broken where the page ends, as lines are and it goes on here until "
        "it ends. Then there is more, and an example of a word that was cut."
    )
    assert document.title == "Guide"
    assert pages_of(document) == [f"One\n\n{whole}", f"Two\n\n{whole}"]
    assert [(block.kind, block.page, block.section) for block in document.blocks] == [
        ("heading", 1, ("One",)),
        ("paragraph", 1, ("One",)),
        ("heading", 2, ("Two",)),
        ("paragraph", 2, ("Two",)),
    ]


def test_heads_and_numbers_are_dropped_and_pages_kept(make_pdf: PdfMaker) -> None:
    """What is cited says the page; the number printed on it is no text."""
    data = make_pdf(
        [[f"Text of page {'abcdefgh'[n]}."] for n in range(8)], header="Manual 2024", numbers=True
    )
    document = parse_pdf(data, "a.pdf", LIMITS)
    assert pages_of(document) == [f"Text of page {'abcdefgh'[n]}." for n in range(8)]


def test_a_page_without_text_is_named(make_pdf: PdfMaker) -> None:
    """It was not read, and whoever put it there should know."""
    document = parse_pdf(make_pdf([["text"], ["more"], [], ["end"], [], []]), "a.pdf", LIMITS)
    assert document.warnings == ("pages 3, 5-6 have no text",)
    assert parse_pdf(make_pdf([["text"], []]), "a.pdf", LIMITS).warnings == ("page 2 has no text",)
    assert len(document.page_spans) == 6
    check_blocks(document)


def test_a_scan_without_any_text_is_refused(make_pdf: PdfMaker) -> None:
    """With its number of pages, and a hint at text recognition."""
    with pytest.raises(EmptyDocument, match=r"scan\.pdf has no text on any of its 3 pages") as caught:
        parse_pdf(make_pdf([[], [], []]), "scan.pdf", LIMITS)
    assert "OCR" in caught.value.hint


def words(text: str) -> list[int]:
    """Return where words begin: a token counter for tests."""
    return [at for at in range(len(text)) if not text[at].isspace() and (at == 0 or text[at - 1].isspace())]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pages", "seconds"),
    [
        pytest.param("GeoTopo.pdf", 117, 15, id="mathematics in German"),
        pytest.param("pdf2image-400p.pdf", 400, 40, id="400 pages of forms"),
        pytest.param("filings/3M_2018_10K.pdf", 160, 30, id="an annual report without bookmarks"),
    ],
)
def test_real_documents(shared_data: Path, name: str, pages: int, seconds: int) -> None:
    """Every page is there, and every chunk says where it stands, within a minute."""
    began = time.perf_counter()
    document = parse_pdf((shared_data / "documents" / name).read_bytes(), name, LIMITS)
    chunks = chunk(document, document_id("k", "s", name), ChunkSettings(), words)
    assert time.perf_counter() - began < seconds
    assert len(document.page_spans) == pages
    check_document(document, chunks)


def figures(text: str) -> set[str]:
    """Return the longer words and the figures of a text."""
    return set(re.findall(r"[a-z]{4,}|\d[\d,.]*\d", text.lower()))


@pytest.mark.long
def test_evidence_stands_on_the_page_where_people_found_it(shared_data: Path) -> None:
    """Thirty questions over filings: the page that holds most of the evidence is the one they name."""
    folder = shared_data / "documents" / "filings"
    pages: dict[str, list[set[str]]] = {}
    for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        name = f"{question['doc_name']}.pdf"
        if name not in pages:
            document = parse_pdf((folder / name).read_bytes(), name, LIMITS)
            pages[name] = [figures(text) for text in pages_of(document)]
        for evidence in question["evidence"]:
            wanted = figures(evidence["text"])
            found = [len(wanted & page) for page in pages[name]]
            assert found.index(max(found)) + 1 == evidence["page"], name
            numbers = {figure for figure in wanted if figure[0].isdigit()}
            lost = numbers - pages[name][evidence["page"] - 1]
            assert len(lost) <= 3, f"{name}: besides the page's number {lost} are missing"


def test_a_table_of_figures_is_rows_of_cells() -> None:
    """Cells are where gaps are wide; a sign that stands by itself belongs to its number."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    rows: tuple[tuple[float, tuple[str, ...]], ...] = (
        (70, ("2023", "", "2022", "")),
        (20, ("Revenue", "$", "1,250", "$", "1,100")),
        (20, ("Cost of sales and the like", "", "(840)", "", "(760)")),
        (20, ("Margin", "", "32.8%", "", "30.9%")),
    )
    for at, (left, cells) in enumerate(rows):
        for place, cell in zip((left, 85, 95, 125, 135), cells, strict=False):
            pdf.text(place, 30 + 6 * at, cell)
    document = parse_pdf(bytes(pdf.output()), "a.pdf", LIMITS)
    (table,) = [block for block in document.blocks if block.kind == "table"]
    assert document.text[table.start : table.end].splitlines() == [
        "| 2023 | 2022",
        "Revenue | $1,250 | $1,100",
        "Cost of sales and the like | (840) | (760)",
        "Margin | 32.8% | 30.9%",
    ]
    check_blocks(document)
