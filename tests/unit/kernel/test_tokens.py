"""The estimate of tokens errs on the safe side, and grows with the text."""

from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.tokens import EstimatedTokens, WorstTokens


@given(st.text(max_size=300), st.text(max_size=300))
def test_more_text_is_never_fewer_tokens(one: str, other: str) -> None:
    count = EstimatedTokens().count
    assert count(one + other) >= max(count(one), count(other)) - 1


def test_english_is_counted_with_a_margin() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20
    assert 200 <= EstimatedTokens().count(text) <= 400


def test_text_of_wide_characters_is_a_token_each() -> None:
    assert EstimatedTokens().count("漢字" * 50) >= 100


def test_the_worst_of_several_counters_counts() -> None:
    class Characters:
        def count(self, text: str) -> int:
            return len(text)

    worst = WorstTokens([EstimatedTokens(), Characters()])
    assert worst.count("a" * 100) == 100
    assert worst.count("a b c") == EstimatedTokens().count("a b c")
