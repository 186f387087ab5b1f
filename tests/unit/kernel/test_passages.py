"""Passages: how their place is said."""

import pytest

from buttress.kernel.passages import page_range


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        pytest.param(3, None, "page 3", id="one page"),
        pytest.param(3, 3, "page 3", id="begins and ends on one page"),
        pytest.param(3, 5, "pages 3-5", id="several pages"),
    ],
)
def test_pages_are_said_as_people_say_them(first: int, last: int | None, words: str) -> None:
    assert page_range(first, last) == words
