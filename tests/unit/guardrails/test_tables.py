"""Numbers of the right row and column."""

import pytest

from buttress.guardrails.reading import read_text
from buttress.guardrails.tables import is_displaced

TABLE = """Prices of 2026:

| Limit | Studio | Practice |
| --- | --- | --- |
| Requests per minute | 60 | 240 |
| Tokens | 3 | 1,000 |

A token lives for 90 days."""


@pytest.mark.parametrize(
    ("sentence", "displaced"),
    [
        pytest.param("Studio has 60 requests per minute.", False, id="row and column"),
        pytest.param("Studio has 240 requests per minute.", True, id="another column"),
        pytest.param("There are 1000 requests per minute.", True, id="another row"),
        pytest.param("Practice has 1,000 tokens, Studio 3 tokens.", False, id="two columns"),
        pytest.param("Tokens live for 90 days.", False, id="a number outside of the table"),
        pytest.param("Prices of 2026 are low.", False, id="nothing of the table"),
        pytest.param("Studio has 77 tokens.", False, id="a number of no table"),
    ],
)
def test_a_number_belongs_to_its_row_and_column(sentence: str, *, displaced: bool) -> None:
    assert is_displaced(read_text(sentence), TABLE) == displaced


@pytest.mark.parametrize("head", ["| 2023 | 2022", "| | 2023 | 2022 |", "Year | 2023 | 2022"])
def test_a_head_without_a_label_still_heads_its_columns(head: str) -> None:
    table = f"{head}\nRevenue | 1,250 | 1,100\nCost | 840 | 760"
    assert not is_displaced(read_text("Revenue was 1,250 in 2023."), table)
    assert is_displaced(read_text("Revenue was 840."), table)
    assert not is_displaced(read_text("In 2022 cost was 760."), table)


def test_without_a_table_nothing_is_displaced() -> None:
    assert not is_displaced(read_text("It takes 5 days."), "It takes 6 days.")
