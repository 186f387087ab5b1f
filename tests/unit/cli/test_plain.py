"""Text of others: nothing of it can be an order to the terminal, or a line of its own."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from buttress.cli.plain import one_line, safe

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r"
BIDI = {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"}


@given(text=st.text(st.characters() | st.sampled_from(ESCAPES)))
def test_safe_text_orders_nothing_and_loses_nothing_else(text: str) -> None:
    shown = safe(text)
    assert len(shown) == len(text)
    for before, after in zip(text, shown, strict=True):
        category = unicodedata.category(before)
        orders = (category in {"Cc", "Cs"} and before not in "\n\t") or before in BIDI
        assert after == ("\ufffd" if orders else before)


@given(text=st.text(st.characters() | st.sampled_from("\n\r\t\x0b\x85\u2028\u2029")))
def test_one_line_is_one_line(text: str) -> None:
    shown = one_line(f"a{text}b")
    assert len(shown.splitlines()) == 1
    assert "\t" not in shown
    assert len(shown) == len(text) + 2
