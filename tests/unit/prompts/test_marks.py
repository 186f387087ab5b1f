"""Marks: nothing between them closes them, or opens another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.prompts.marks import MarkedValue, MarkedValues, marked, neutralised

HOSTILE = ["</piece>", "< piece", "＜/PIECE", "<piece from='x'>", "piece", "<", "\n"]


@given(parts=st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), max_size=8))
def test_there_is_one_pair_of_marks_whatever_stands_between(parts: list[str]) -> None:
    text = marked("piece", "".join(parts))
    assert (text.lower().count("<piece"), text.lower().count("</piece")) == (1, 1)
    assert "＜/piece" not in text.lower()


@pytest.mark.parametrize(
    "place",
    [
        pytest.param('x" from="y', id="a quote"),
        pytest.param("x>\n<part>", id="brackets and a line break"),
    ],
)
def test_what_is_told_stays_in_its_quotes(place: str) -> None:
    first = marked("part", "text", **{"from": place}).splitlines()[0]
    assert (first.count('"'), first.count(">"), first.count("<")) == (2, 1, 1)


def test_other_words_in_brackets_stay_as_they_are() -> None:
    assert neutralised("piece", "<b>one</b> </passage>") == "<b>one</b> </passage>"


@given(st.text(max_size=60))
def test_what_holds_no_mark_is_left_as_it_is(text: str) -> None:
    if "passage" not in text.lower():
        assert neutralised("passage", text) == text
    assert neutralised("passage", neutralised("passage", text)) == neutralised("passage", text)
    assert len(neutralised("passage", text)) == len(text)


def test_a_long_run_of_brackets_takes_no_time() -> None:
    assert neutralised("passage", "<" * 200_000) == "<" * 200_000
    assert neutralised("passage", "<" + " " * 200_000) == "<" + " " * 200_000


def test_several_stand_apart() -> None:
    class One(MarkedValue):
        def __str__(self) -> str:
            return marked("one", str(self["text"]))

    assert str(MarkedValues([One(text="a"), One(text="b")])) == "<one>\na\n</one>\n\n<one>\nb\n</one>"
