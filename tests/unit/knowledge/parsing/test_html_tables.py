"""Tables of HTML."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from buttress.knowledge.parsing.html_tables import Table, read_table
from buttress.knowledge.parsing.html_walk import is_hidden


def table(rows: str) -> Table | None:
    """Read a table; rows are given as `a,b/c,d`."""
    cells = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row.split(",")) + "</tr>" for row in rows.split("/")
    )
    return read(f"<table>{cells}</table>")


def read(page: str) -> Table | None:
    """Read the first table of a page."""
    node = LexborHTMLParser(page).css_first("table")
    assert node is not None
    return read_table(node, is_hidden)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param("a,b/c,d", ("a | b", "c | d"), id="a plain grid"),
        pytest.param("a,b,c/x,,5", ("a | b | c", "x |  | 5"), id="a missing value keeps its column"),
        pytest.param("a,,b/c,,d", ("a | b", "c | d"), id="an empty column is a spacer"),
        pytest.param(",,2021/Sales,$,5", ("2021", "Sales | $5"), id="signs join their numbers"),
        pytest.param("Loss,(5,)/Gain,6,", ("Loss | (5)", "Gain | 6"), id="brackets, too"),
        pytest.param("a,b/,/c,d", ("a | b", "c | d"), id="empty rows go"),
    ],
)
def test_rows(rows: str, expected: tuple[str, ...]) -> None:
    """Filings draw columns with empty cells; people leave cells empty."""
    found = table(rows)
    assert found is not None
    assert found.rows == expected
    assert not found.is_list


def test_a_table_of_bullets_is_a_list() -> None:
    """Word processors write lists so."""
    found = table("•,one thing/•,another")
    assert found is not None
    assert found.is_list
    assert found.rows == ("• one thing", "• another")


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("<table><tr><td><h1>a</h1></td><td>b</td></tr></table>", id="it holds a heading"),
        pytest.param("<table><tr><td><table><tr><td>a<td>b</table></table>", id="it holds a table"),
        pytest.param("<table role=presentation><tr><td>a<td>b</table>", id="it says so"),
        pytest.param("<table><tr><td>a<tr><td>b</table>", id="it has one column"),
        pytest.param("<table></table>", id="it is empty"),
    ],
)
def test_a_table_that_arranges_a_page_is_none(page: str) -> None:
    """Its cells are read as the blocks they are."""
    assert read(page) is None


def test_caption_and_hidden_cells() -> None:
    """The caption is kept apart, what is hidden is not there."""
    found = read("<table><caption>Fees</caption><tr><th>a<th hidden>x<th>b<tr><td>1<td>2</table>")
    assert found is not None
    assert found.caption == "Fees"
    assert found.rows == ("a | b", "1 | 2")
