"""CSV to blocks."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import BrokenFile, EmptyDocument, TooLarge, Undecodable
from buttress.knowledge.parsing.from_csv import NARROW_CHARACTERS, find_delimiter, parse_csv
from buttress.knowledge.parsing.table_rows import row_text
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import ParsedDocument
from buttress.testing.contracts.parser import ParserContract


def parse(text: str | bytes, limits: ParseLimits | None = None) -> ParsedDocument:
    """Parse a file as `a.csv`; the promises are checked each time."""
    data = text.encode() if isinstance(text, str) else text
    document = parse_csv(data, "a.csv", limits or ParseLimits())
    check_blocks(document)
    return document


class TestContract(ParserContract):
    """CSV keeps the contract."""

    @pytest.fixture
    def parser(self) -> Parser:
        """Return the parser."""
        return parse_csv

    @pytest.fixture
    def sample(self) -> bytes:
        """Return a table of 20 rows."""
        return b"name,fee\r\n" + b'"Lid, small",5\r\n' * 20

    @pytest.fixture
    def blank(self) -> bytes:
        """Return rows of empty cells."""
        return b",,\n , ,\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a,b\n1,2\n", "a | b\n1 | 2", id="commas"),
        pytest.param(
            "a;b\n1,5;2,5\n3,5;4\n", "a | b\n1,5 | 2,5\n3,5 | 4", id="semicolons, and commas in numbers"
        ),
        pytest.param("a\tb\n1, 2, 3\t4\n", "a | b\n1, 2, 3 | 4", id="tabs"),
        pytest.param("sep=|\r\na|b\r\n1|2\r\n", "a | b\n1 | 2", id="what a spreadsheet says of itself"),
        pytest.param('a,b\n"x, ""y""\nz",2\n', 'a | b\nx, "y" z | 2', id="quotes, and lines inside them"),
        pytest.param("\ufeffa,b\n1,2\n", "a | b\n1 | 2", id="a byte order mark"),
        pytest.param("name\nx\ny\n", "name\nx\ny", id="one column"),
        pytest.param("a,b\n\n,\n1,\n,2\n", "a | b\n1\n | 2", id="empty rows and cells"),
        pytest.param("a,b\n1,2,3\n", "a | b\n1 | 2 | 3", id="more cells than names"),
        pytest.param("a,b\n", "a | b", id="a header alone"),
        pytest.param("a,b\nx\u2028y,\u200bz\n", "a | b\nx y | z", id="line marks of other kinds end no row"),
        pytest.param("a,b\r1,2\r", "a | b\n1 | 2", id="lines of an old Mac"),
    ],
)
def test_tables(text: str, expected: str) -> None:
    """One block, the header its first row."""
    document = parse(text)
    assert document.text == expected
    assert [block.kind for block in document.blocks] == ["table"]
    assert (document.title, document.page_spans) == ("a", ())


def test_lines_above_the_table_are_paragraphs() -> None:
    """Programs write a title and a date there."""
    document = parse("Fees of 2024\nprinted on Monday,,\n\nname,fee,since\nLid,5,2020\n")
    assert [block.kind for block in document.blocks] == ["paragraph", "paragraph", "table"]
    assert document.text.endswith("name | fee | since\nLid | 5 | 2020")


def test_utf_16_with_its_mark() -> None:
    """As spreadsheets write Unicode text."""
    assert parse("a\tb\n1\tä\n".encode("utf-16")).text == "a | b\n1 | ä"


def test_a_wide_table_names_each_value() -> None:
    """Its header would not fit beside a row; empty cells go, cells without a name say their place."""
    names = [f"a column with a name {number}" for number in range(6)]
    document = parse(",".join(names) + "\n1,,3,,,6,7\n2\n")
    assert [document.text[block.start : block.end] for block in document.blocks] == [
        f"{names[0]}: 1 | {names[2]}: 3 | {names[5]}: 6 | column 7: 7",
        f"{names[0]}: 2",
    ]
    assert {block.kind for block in document.blocks} == {"table"}
    assert parse(",".join(names)).text == " | ".join(names)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        pytest.param("a,b,c\n1,2,3", ",", id="commas"),
        pytest.param("a;b\n1,2;3\n4,5;6", ";", id="commas in every row but the first"),
        pytest.param("Dear all,\na;b\n1;2\n3;4", ";", id="a line above"),
        pytest.param("just one column", ",", id="none at all"),
        pytest.param('"' + "a" * 200_000, ",", id="a quotation that never ends"),
    ],
)
def test_find_delimiter(text: str, delimiter: str) -> None:
    """By which most rows are equally wide."""
    assert find_delimiter(text) == (delimiter, text)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        pytest.param(b"a,b\n\xff,2\n", Undecodable, "byte 4 (0xff)", id="no UTF-8"),
        pytest.param(
            b'a,b\n"' + b"x" * 200_000, BrokenFile, "a.csv is no CSV near line 2", id="an open quotation"
        ),
        pytest.param(b"\n\n", EmptyDocument, "a.csv has no text", id="nothing"),
    ],
)
def test_refused(data: bytes, error: type[ButtressError], says: str) -> None:
    """One line that names the file and the place."""
    with pytest.raises(error) as caught:
        parse(data)
    assert says in caught.value.message


def test_too_many_rows_are_refused_not_cut_short() -> None:
    """The first thousand of a million rows would answer wrongly."""
    with pytest.raises(TooLarge, match=r"a\.csv has more than 10 rows"):
        parse("a,b\n" + "1,2\n" * 10, ParseLimits(max_rows=10))
    assert parse("a,b\n" + "1,2\n" * 9, ParseLimits(max_rows=10)).text.count("\n") == 9


cells = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z", "M")), max_size=8)
tables = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=3, max_size=8)
)


@settings(max_examples=150)
@given(tables, st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def test_what_is_written_is_read(rows: list[list[str]], delimiter: str, quoted: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever the sign between cells: each row is a line of the table, in its order."""
    header = [f"n{place}" for place in range(len(rows[0]))]
    safe = [[cell.translate(str.maketrans(",;|\t", "....")) for cell in row] for row in rows]
    written = io.StringIO()
    csv.writer(
        written, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    ).writerows([header, *safe])
    lines = parse(written.getvalue()).text.split("\n")
    assert lines[0] == " | ".join(header)
    assert len(lines) == 1 + sum(bool(row_text(row).strip()) for row in safe)
    assert len(" | ".join(header)) <= NARROW_CHARACTERS
