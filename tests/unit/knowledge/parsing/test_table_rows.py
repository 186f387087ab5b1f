"""Rows of cells to table blocks."""

import pytest

from buttress.knowledge.checking import check_blocks
from buttress.knowledge.parsing.building import DocumentBuilder
from buttress.knowledge.parsing.table_rows import ROWS_OF_A_BLOCK, add_rows, cell_text, compact, row_text
from buttress.knowledge.settings import ParseLimits


def blocks(rows: list[list[str]]) -> list[str]:
    """Return the texts of the blocks that a table gives."""
    builder = DocumentBuilder("a.csv", ParseLimits())
    builder.add("paragraph", "before")
    add_rows(builder, rows)
    document = builder.finish("csv", "")
    check_blocks(document)
    assert {block.kind for block in document.blocks[1:]} <= {"table"}
    return [document.text[block.start : block.end] for block in document.blocks[1:]]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([["a", "b"], ["c", "d"]], ["a | b\nc | d"], id="a grid"),
        pytest.param(
            [["a", "b"], ["", ""], ["", "d"]], ["a | b\n | d"], id="empty rows go, empty cells stay"
        ),
        pytest.param([["a", "b", ""], ["c"]], ["a | b\nc"], id="what is empty at a row's end goes"),
        pytest.param([["a"]], ["a"], id="a header alone"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_rows(rows: list[list[str]], expected: list[str]) -> None:
    """The first is the header."""
    assert blocks(rows) == expected


@pytest.mark.parametrize("count", [99, 100, 101, 200, 201, 950])
def test_a_long_table_says_its_header_again(count: int) -> None:
    """Each block begins with it, and no row is lost or said twice."""
    found = [block.split("\n") for block in blocks([["h", "k"], *([str(n), "x"] for n in range(count))])]
    assert all(block[0] == "h | k" and 1 < len(block) <= ROWS_OF_A_BLOCK + 1 for block in found)
    assert [row for block in found for row in block[1:]] == [f"{n} | x" for n in range(count)]


def test_cells_stand_on_one_line() -> None:
    """A cell of two lines would look like two rows."""
    assert cell_text(" a\r\nb\u200b\t c ") == "a b c"
    assert row_text(["", ""]) == ""


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(["a", "$", "1", "$", "2"], ["a", "$1", "$2"], id="a sign before its number"),
        pytest.param(["a", "(1", ")", "2", "%"], ["a", "(1)", "2%"], id="a sign behind it"),
        pytest.param(["a", "24.3 % $", "7"], ["a", "24.3 %", "$7"], id="a sign left in the cell before"),
        pytest.param(["a", "", "2"], ["a", "", "2"], id="an empty cell stays"),
        pytest.param(["a", "$"], ["a", "$"], id="a sign alone"),
    ],
)
def test_signs_are_joined_to_their_numbers(row: list[str], expected: list[str]) -> None:
    assert compact(row) == expected
