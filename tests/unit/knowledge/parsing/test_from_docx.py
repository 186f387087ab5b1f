"""DOCX to blocks."""

import io
import time
from contextlib import suppress
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import PARSE_ERRORS, BrokenFile, EmptyDocument
from buttress.knowledge.parsing.cleaning import clean, in_lines
from buttress.knowledge.parsing.from_docx import parse_docx
from buttress.knowledge.parsing.table_rows import cell_text, row_text
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract
from buttress.testing.files import docx_of


def parse(data: bytes) -> ParsedDocument:
    """Parse a file as `a.docx`; the promises are checked each time."""
    document = parse_docx(data, "a.docx", ParseLimits())
    check_blocks(document)
    return document


def shown(document: ParsedDocument) -> list[tuple[str, str]]:
    """Return kind and text of each block."""
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def paragraph(text: str, properties: str = "") -> str:
    """Write a paragraph."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def table(*rows: list[str]) -> str:
    """Write a table; a cell is text, or XML."""
    cells = (
        "".join(f"<w:tc>{cell if cell.startswith('<') else paragraph(cell)}</w:tc>" for cell in row)
        for row in rows
    )
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def saved(document: "docx.document.Document") -> bytes:
    """Return the bytes of a file written by python-docx."""
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


class TestContract(ParserContract):
    """DOCX keeps the contract; the files are those of another program."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_docx

    @pytest.fixture
    def sample(self) -> bytes:
        """Return a file with one of each kind."""
        document = docx.Document()
        document.add_heading("Manual", 1)
        document.add_paragraph("A paragraph that says a lot about how the machine is to be used. " * 3)
        document.add_paragraph("an item", style="List Bullet")
        document.add_table(2, 2).cell(0, 0).text = "cell"
        return saved(document)

    @pytest.fixture
    def blank(self) -> bytes:
        """Return a file of an empty paragraph and an empty table."""
        document = docx.Document()
        document.add_paragraph("  ")
        document.add_table(1, 2)
        return saved(document)


def test_what_another_program_writes_is_read() -> None:
    """Title, headings below it, lists, tables, pictures aside; page headers and comments left out."""
    document = docx.Document()
    document.core_properties.title = "Handbook"
    document.sections[0].header.paragraphs[0].text = "running head"
    document.add_heading("The title", 0)
    document.add_heading("Fees", 1)
    document.add_paragraph("Fees are due.").add_run(" Twice.").bold = True
    document.add_paragraph("first", style="List Number")
    document.add_paragraph("second", style="List Number")
    document.add_paragraph("bullet", style="List Bullet 2")
    document.add_heading("Late fees", 2)
    grid = document.add_table(0, 2)
    for row in (["who", "how much"], ["you", "5 €"]):
        for cell, text in zip(grid.add_row().cells, row, strict=True):
            cell.text = text
    document.add_comment(document.paragraphs[0].runs, text="a remark")
    found = parse(saved(document))
    assert found.title == "Handbook"
    assert shown(found) == [
        ("heading", "The title"),
        ("heading", "Fees"),
        ("paragraph", "Fees are due. Twice."),
        ("list_item", "1. first"),
        ("list_item", "2. second"),
        ("list_item", "- bullet"),
        ("heading", "Late fees"),
        ("table", "who | how much\nyou | 5 €"),
    ]
    assert found.blocks[-1].section == ("The title", "Fees", "Late fees")
    assert found.page_spans == ()
    assert {block.page for block in found.blocks} == {None}


NOTES = '<w:footnote w:id="1"><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:footnote>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            paragraph("a") + paragraph("no", '<w:pStyle w:val="TOC1"/>'),
            [("paragraph", "a")],
            id="no contents",
        ),
        pytest.param(
            paragraph("h", '<w:outlineLvl w:val="0"/>') + paragraph("x" * 301, '<w:outlineLvl w:val="0"/>'),
            [("heading", "h"), ("paragraph", "x" * 301)],
            id="a paragraph of 301 characters is no heading",
        ),
        pytest.param(
            "<w:p><w:r><w:t>a</w:t><w:footnoteReference w:id='1'/></w:r></w:p>" + paragraph("b"),
            [("paragraph", "a"), ("paragraph", "Note 1: See § 4."), ("paragraph", "b")],
            id="a note follows its paragraph",
        ),
        pytest.param(
            table(["a", "<w:p><w:r><w:t>b</w:t><w:footnoteReference w:id='1'/></w:r></w:p>"]),
            [("table", "a | b"), ("paragraph", "Note 1: See § 4.")],
            id="a note follows its table",
        ),
        pytest.param(
            table([paragraph("a") + paragraph("b")]), [("paragraph", "a"), ("paragraph", "b")], id="a frame"
        ),
        pytest.param(
            table([paragraph("h", '<w:outlineLvl w:val="0"/>') + paragraph("a"), "b"]),
            [("heading", "h"), ("paragraph", "a"), ("paragraph", "b")],
            id="a table that arranges the page",
        ),
        pytest.param(
            table(["a", "b"], ["<w:tcPr><w:gridSpan w:val='2'/></w:tcPr>" + paragraph("both"), "c"]),
            [("table", "a | b\nboth |  | c")],
            id="a cell over two columns",
        ),
        pytest.param(
            table(["a", table(["b", "c"]) + paragraph("d")]), [("table", "a | b c d")], id="a table in a cell"
        ),
        pytest.param(
            "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p/></w:tc></w:tr></w:tbl>"
            + table(["a", "b"]).replace("<w:tr>", "<w:tr><w:trPr><w:del/></w:trPr>")
            + paragraph("z"),
            [("paragraph", "z")],
            id="a deleted row",
        ),
        pytest.param(
            "<w:p><w:r><w:t>a</w:t><mc:AlternateContent><mc:Choice><w:txbxContent>"
            + paragraph("box")
            + "</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
            + paragraph("box")
            + "</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
            [("paragraph", "a"), ("paragraph", "box")],
            id="a text box, once",
        ),
        pytest.param(
            f"<w:sdt><w:sdtContent>{paragraph('a')}{table(['b', 'c'])}</w:sdtContent></w:sdt>",
            [("paragraph", "a"), ("table", "b | c")],
            id="what a form wraps",
        ),
    ],
)
def test_blocks(body: str, expected: list[tuple[str, str]]) -> None:
    """In the order they are read."""
    styles = '<w:style w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>'
    assert shown(parse(docx_of(body, {"styles": styles, "footnotes": NOTES.format("See § 4.")}))) == expected


def test_without_a_title_headings_keep_their_level() -> None:
    """And the only one of the first is the title."""
    document = parse(docx_of(paragraph("One", '<w:outlineLvl w:val="0"/>') + paragraph("a")))
    assert (document.title, document.blocks[0].level) == ("One", 1)


def test_embedded_files_are_not_read_and_it_is_said() -> None:
    """Pages of HTML may stand in a DOCX file as they are."""
    document = parse(docx_of(paragraph("a") + '<w:altChunk r:id="r9" xmlns:r="urn:x"/>'))
    assert document.warnings == ("embedded and not read: 1 other documents",)


def test_macros_and_templates_from_elsewhere_are_left_alone() -> None:
    """They are parts that nobody asks for."""
    settings_rels = (
        '<Relationships><Relationship Id="a" Type="x/attachedTemplate" Target="http://a.invalid/t.dotm" '
        'TargetMode="External"/></Relationships>'
    )
    parts: dict[str, str | bytes] = {
        "word/vbaProject.bin": b"\xff\xfe",
        "word/_rels/settings.xml.rels": settings_rels,
    }
    assert parse(docx_of(paragraph("a"), parts)).text == "a"


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        pytest.param(docx_of(""), EmptyDocument, "a.docx has no text", id="an empty body"),
        pytest.param(docx_of("<w:p>"), BrokenFile, "a.docx: 'word/document.xml' is no XML", id="broken XML"),
        pytest.param(
            docx_of("a", {"word/document.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}),
            BrokenFile,
            "declares XML entities",
            id="entities",
        ),
        pytest.param(
            docx_of("", {"_rels/.rels": "<a/>"}), BrokenFile, "which part is the document", id="no way in"
        ),
    ],
)
def test_refused(data: bytes, error: type[ButtressError], says: str) -> None:
    """One line that names the file."""
    with pytest.raises(error) as caught:
        parse(data)
    assert says in caught.value.message
    assert "a.docx" in caught.value.message


def test_tables_deep_inside_one_another_are_read() -> None:
    """As deep as the XML may be: 60 tables, each in a cell of the one before."""
    body = paragraph("deep")
    for _ in range(60):
        body = f"<w:tbl><w:tr><w:tc>{body}</w:tc></w:tr></w:tbl>"
    assert parse(docx_of(body)).text == "deep"
    wide = table(["a", "b"])
    for _ in range(60):
        wide = table(["x", wide])
    assert parse(docx_of(wide)).text == "x | " + "x " * 59 + "a b"


@pytest.mark.slow
def test_a_hundred_thousand_paragraphs_in_bounded_time() -> None:
    """About five seconds on a slow machine; quadratic work would take minutes."""
    body = "".join(paragraph(f"Paragraph {n} of many.") for n in range(100_000))
    began = time.perf_counter()
    assert len(parse(docx_of(body)).blocks) == 100_000
    assert time.perf_counter() - began < 50


words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
lines = st.lists(words, min_size=1, max_size=4).map(" ".join)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.one_of(lines, st.lists(st.tuples(words, words), min_size=1, max_size=4)), min_size=1, max_size=6
    )
)
def test_what_is_written_is_read(parts: list[str | list[tuple[str, str]]]) -> None:
    """Paragraphs and tables of another program come back as they were, in their order."""
    written = docx.Document()
    expected: list[tuple[str, str]] = []
    for part in parts:
        if isinstance(part, str):
            written.add_paragraph(part)
            expected.append(("paragraph", in_lines(clean(part))))
            continue
        grid = written.add_table(0, 2)
        for row in part:
            for cell, text in zip(grid.add_row().cells, row, strict=True):
                cell.text = text
        expected.append(("table", "\n".join(row_text([cell_text(cell) for cell in row]) for row in part)))
    assert shown(parse(saved(written))) == expected


soup = st.recursive(
    st.sampled_from(["<w:t>a</w:t>", "<w:tab/>", "<w:pPr/>", "<w:del/>", "<w:vanish/>", "b"]),
    lambda inner: st.tuples(
        st.sampled_from(
            ["p", "r", "tbl", "tr", "tc", "ins", "del", "rPr", "sdt", "txbxContent", "pPr", "numPr"]
        ),
        st.lists(inner, max_size=4),
    ).map(lambda pair: f"<w:{pair[0]}>{''.join(pair[1])}</w:{pair[0]}>"),
    max_leaves=25,
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(soup)
def test_any_soup_of_elements_keeps_the_promises(body: str) -> None:
    """A document, or a known error."""
    with suppress(*PARSE_ERRORS.values()):
        parse(docx_of(body))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "headings", "tables"),
    [
        pytest.param("handbook-872p.docx", 294, 2, id="a handbook with a heading tree"),
        pytest.param("docx_rich_tables_01.docx", 0, 2, id="large tables"),
    ],
)
def test_real_files(shared_data: Path, name: str, headings: int, tables: int) -> None:
    """Read whole, with their headings and tables."""
    document = parse_docx((shared_data / "documents" / name).read_bytes(), name, ParseLimits())
    check_blocks(document)
    kinds = [block.kind for block in document.blocks]
    assert (kinds.count("heading"), kinds.count("table")) == (headings, tables)


def test_white_letters_are_left_out_only_where_the_paper_is_white() -> None:
    """A table's cells, and paragraphs with a ground or a style of their own, may be dark."""
    white = '<w:r><w:rPr><w:color w:val="FFFFFF"/></w:rPr><w:t>white {}</w:t></w:r>'
    plain = f"<w:p>{white.format('on paper')}</w:p>"
    shaded = f'<w:p><w:pPr><w:shd w:fill="000000"/></w:pPr>{white.format("shaded")}</w:p>'
    styled = f'<w:p><w:pPr><w:pStyle w:val="Dark"/></w:pPr>{white.format("styled")}</w:p>'
    cells = table([f"<w:p>{white.format('in a cell')}</w:p>", "b"])
    document = parse(docx_of(paragraph("black") + plain + shaded + styled + cells))
    assert "on paper" not in document.text
    assert all(f"white {one}" in document.text for one in ("shaded", "styled", "in a cell"))
