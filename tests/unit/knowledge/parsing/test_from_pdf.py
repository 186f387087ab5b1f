"""PDF to blocks."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from fpdf import FPDF

from buttress.knowledge.checking import check_blocks, check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.errors import EmptyDocument, OcrFailed
from buttress.knowledge.parsing.from_pdf import parse_pdf
from buttress.knowledge.parsing.ocr import open_ocr
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import OcrSettings, ParseLimits
from buttress.knowledge.types import ChunkSettings, ParsedDocument, document_id
from buttress.testing.contracts.parser import ParserContract
from tests.unit.knowledge.parsing.scans import (
    HEAD,
    TABLE,
    printing,
    program,
    scan_of,
    with_scripts,
    with_tesseract,
)

PdfMaker = Callable[..., bytes]
LIMITS = ParseLimits()

TEXT = [
    "This is a line of text that is broken where the page ends, as lines are",
    "and it goes on here until it ends. Then there is more, and an exam-",
    "ple of a word that was cut.",
]


SEASONS = {
    "Autumn": (
        "Leaves fall from the trees when the days become short, and the",
        "garden is covered with straw. Tools are cleaned and hung up in",
        "the shed, where the mice have their home until the first warm",
        "days come.",
    ),
    "Winter": (
        "Nothing grows under the snow, so there is time to read about",
        "other gardens than this one. Birds are given seeds and fat in",
        "the morning, and water that is not frozen, until they can find",
        "more by themselves.",
    ),
    "Spring": (
        "Seeds are sown in rows as soon as the ground can be worked, and",
        "water is carried to them in the evening. What comes up between",
        "the rows is pulled out while it is small, with the whole of its",
        "root.",
    ),
    "Summer": (
        "Fruit is picked in the morning while it is cool, and what nobody",
        "eats is kept in jars. The gate stands open for the neighbours,",
        "who may take as many plums as they can carry home in their two",
        "hands.",
    ),
}


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


@with_tesseract
@pytest.mark.slow
def test_scanned_pages_are_read_as_others_are(make_pdf: PdfMaker) -> None:
    """Four pictures around a typed page: words on the right page, sections, no frame, citations."""
    pages = [[f"# {name}", *lines] for name, lines in SEASONS.items()]
    scanned = scan_of(make_pdf([*pages[:2], [], *pages[2:]], header="Manual 2024", numbers=True), texts=(3,))
    ocr = open_ocr(OcrSettings(engine="tesseract", page_timeout_s=300))
    document = parse_pdf(scanned, "a.pdf", LIMITS, ocr)
    texts = [f"{name}\n\n{' '.join(lines)}" for name, lines in SEASONS.items()]
    assert pages_of(document) == [*texts[:2], "Typed.", *texts[2:]]
    assert document.warnings == ("pages 1-2, 4-5 were read by OCR",)
    assert [(block.page, block.section) for block in document.blocks if block.kind == "heading"] == [
        (number, (name,)) for number, name in zip((1, 2, 4, 5), SEASONS, strict=True)
    ]
    check_document(document, chunk(document, document_id("k", "s", "a.pdf"), ChunkSettings(), words))


@pytest.mark.slow
@with_scripts
@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("exit 1", "`{}` ended with code 1", id="a program that fails"),
        pytest.param("echo garbage", "what came back is not a table of words", id="one that prints garbage"),
        pytest.param("exec sleep 600", "`{}` took longer than 0.5 s", id="one that hangs"),
    ],
)
def test_what_could_not_be_read_is_named_and_the_rest_taken_in(
    make_pdf: PdfMaker, tmp_path: Path, script: str, says: str
) -> None:
    """A page of text is a document; where pictures are all there is, what was taken in before may stay."""
    settings = msgspec.structs.replace(program(tmp_path, script), page_timeout_s=0.5)
    data = make_pdf([["lost"], [], ["lost"]])
    document = parse_pdf(scan_of(data, texts=(2,)), "a.pdf", LIMITS, open_ocr(settings))
    assert document.text == "Typed."
    why = says.format(settings.program)
    assert document.warnings == (f"pages 1, 3 are pictures not read by OCR: {why}",)
    with pytest.raises(OcrFailed, match=r"a\.pdf has no text but in pictures") as caught:
        parse_pdf(scan_of(data), "a.pdf", LIMITS, open_ocr(settings))
    assert why in caught.value.message


@with_scripts
def test_pictures_of_nothing_are_an_empty_document(make_pdf: PdfMaker, tmp_path: Path) -> None:
    """The program did its work."""
    ocr = open_ocr(program(tmp_path, printing(tmp_path, HEAD)))
    with pytest.raises(EmptyDocument, match=r"a\.pdf has no text on any of its 2 pages"):
        parse_pdf(scan_of(make_pdf([["lost"], []])), "a.pdf", LIMITS, ocr)


@pytest.mark.slow
@with_scripts
@pytest.mark.parametrize(
    ("table", "text", "warnings"),
    [
        pytest.param(
            TABLE.replace("Hello", "Hello-from-all-of-the-page"),
            "Hello-from-all-of-the-page",
            ("page 1 was read by OCR",),
            id="there is more",
        ),
        pytest.param(TABLE, "Scanned by somebody", (), id="there is no more"),
        pytest.param(HEAD, "Scanned by somebody", (), id="there is nothing"),
        pytest.param(
            "oh",
            "Scanned by somebody",
            ("page 1 is a picture not read by OCR: what came back is not a table of words",),
            id="it fails",
        ),
        pytest.param(
            None,
            "Scanned by somebody",
            ("page 1 is a picture with hardly any text: a scan?",),
            id="nobody looks",
        ),
    ],
)
def test_a_picture_with_a_stamp_is_read(
    make_pdf: PdfMaker, tmp_path: Path, table: str | None, text: str, warnings: tuple[str, ...]
) -> None:
    """What the program of a scanner writes on it, or a number, is not what the page says."""
    ocr = open_ocr(program(tmp_path, printing(tmp_path, table))) if table else None
    document = parse_pdf(scan_of(make_pdf([["lost"]]), stamp="Scanned by somebody"), "a.pdf", LIMITS, ocr)
    assert (document.text, document.warnings) == (text, warnings)
    check_blocks(document)


@with_scripts
def test_words_of_a_picture_are_lines_of_their_page(make_pdf: PdfMaker, tmp_path: Path) -> None:
    """Whatever the program is: one word, of which it is sure."""
    ocr = open_ocr(program(tmp_path, printing(tmp_path, TABLE)))
    document = parse_pdf(scan_of(make_pdf([["lost"], [], []]), texts=(1, 3)), "a.pdf", LIMITS, ocr)
    assert pages_of(document) == ["Typed.", "Hello", "Typed."]
    assert document.warnings == ("page 2 was read by OCR",)
    check_blocks(document)
