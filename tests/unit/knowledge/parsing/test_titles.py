"""Titles that are none."""

import pytest

from buttress.knowledge.parsing.titles import usable_title


@pytest.mark.parametrize(
    ("title", "usable"),
    [
        pytest.param("Annual Report 2023", "Annual Report 2023", id="a title"),
        pytest.param("Microsoft Word - draft.doc", "", id="what a word processor fills in"),
        pytest.param("PowerPoint Presentation", "", id="what a slide program fills in"),
        pytest.param("untitled", "", id="untitled"),
        pytest.param("glxz-10k_20211231.htm", "", id="a file's name"),
        pytest.param("0000012927-19-000010", "", id="a number"),
        pytest.param(" \n", "", id="white space"),
    ],
)
def test_usable_title(title: str, usable: str) -> None:
    """What programs leave behind is no title."""
    assert usable_title(title) == usable
