"""Texts that were cut between the halves of a surrogate pair."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.dialects.chat.chunks import Chunk
from buttress.models.dialects.halves import Halves, decode_with_halves


@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers(0, 60)))
def test_a_text_cut_anywhere_in_utf_16_is_the_same_text(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le")
    ends = [*sorted({2 * one for one in cuts if 2 * one < len(units)}), len(units)]
    pieces = [units[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    halves = Halves()
    whole = [halves.join(one.decode("utf-16-le", "surrogatepass")) for one in pieces]
    assert "".join(whole) + halves.rest() == text


@given(st.lists(st.text(st.characters())))
def test_what_comes_out_is_always_unicode(pieces: list[str]) -> None:
    halves = Halves()
    "".join([*(halves.join(one) for one in pieces), halves.rest()]).encode()


def test_only_halves_are_looked_at_a_second_time() -> None:
    told = decode_with_halves(b'{"choices": [{"delta": {"content": "\\uD83D"}}]}', Chunk)
    assert told.choices is not None
    with pytest.raises(ValueError, match="no half"):
        decode_with_halves('{"choices": 3}', Chunk)
    with pytest.raises(ValueError, match="Expected"):
        decode_with_halves('{"choices": 3, "model": "\\ud83d"}', Chunk)
