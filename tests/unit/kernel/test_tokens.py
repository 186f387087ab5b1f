"""The estimate of tokens errs on the safe side, and grows with the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.tokens import EstimatedTokens, WorstTokens
from buttress.models.openai_tokens import load_openai_counter


@given(st.text(max_size=300), st.text(max_size=300))
def test_more_text_is_never_fewer_tokens(one: str, other: str) -> None:
    count = EstimatedTokens().count
    assert count(one + other) >= max(count(one), count(other)) - 1


def test_english_is_counted_with_a_margin() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20
    assert 200 <= EstimatedTokens().count(text) <= 400


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Refunds take 14 days; ask for one in writing. " * 20, id="English"),
        pytest.param("Die Rückerstattung erfolgt binnen vierzehn Werktagen. " * 20, id="German"),
        pytest.param("退款将在收到文件后的十四天内完成。" * 20, id="Chinese"),
        pytest.param("Возврат производится в течение четырнадцати дней. " * 20, id="Russian"),
        pytest.param("การคืนเงินจะดำเนินการภายในสิบสี่วัน " * 20, id="Thai"),
        pytest.param("12.3 45.6 (7.8) — 9,123 4,567\n" * 40, id="a table of figures"),
        pytest.param('{"a": [1, 2, {"b": null}], "c": "x"}, ' * 40, id="JSON"),
        pytest.param("3f9a0c77e1b24d5e8a6f" * 40, id="hexadecimal"),
        pytest.param("#!$%&/()=?*+~;:<>|^" * 40, id="signs"),
        pytest.param("🎉👩‍👩‍👧‍👦🇩🇪" * 40, id="emoji"),
        pytest.param("def f(x):\n        return x ** 2  # ok\n" * 40, id="code"),
    ],
)
def test_it_is_never_less_than_what_a_model_counts(text: str, encoding: str) -> None:
    assert EstimatedTokens().count(text) >= load_openai_counter(encoding).count(text)


def test_text_of_wide_characters_is_a_token_each() -> None:
    assert EstimatedTokens().count("漢字" * 50) >= 100


def test_the_worst_of_several_counters_counts() -> None:
    class Characters:
        def count(self, text: str) -> int:
            return len(text)

    worst = WorstTokens([EstimatedTokens(), Characters()])
    assert worst.count("a" * 100) == 100
    assert worst.count("a b c") == EstimatedTokens().count("a b c")
