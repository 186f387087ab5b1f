"""Places of pieces, for people."""

import pytest

from buttress.prompts.reading_types import Piece


@pytest.mark.parametrize(
    ("page", "page_end", "place"),
    [
        pytest.param(3, 3, "page 3", id="one page"),
        pytest.param(3, 5, "pages 3-5", id="several pages"),
        pytest.param(None, None, "part 7", id="a text without pages"),
    ],
)
def test_a_place_is_told_in_pages_where_there_are_any(
    page: int | None, page_end: int | None, place: str
) -> None:
    assert Piece(number=7, start=0, end=1, page=page, page_end=page_end).place == place
