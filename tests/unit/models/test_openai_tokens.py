"""OpenAI's tokenizers, offline: which model counts with which, and counts that are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.openai_tokens import encoding_of, load_openai_counter


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        pytest.param("gpt-4o-mini", "o200k_base", id="gpt-4o"),
        pytest.param("gpt-5.2", "o200k_base", id="gpt-5"),
        pytest.param("o3-mini", "o200k_base", id="one that reasons"),
        pytest.param("openai/gpt-4.1", "o200k_base", id="with its vendor before it"),
        pytest.param("ft:gpt-4o-mini-2024-07-18:acme::8abc", "o200k_base", id="fine-tuned"),
        pytest.param("ft:gpt-3.5-turbo-0125:acme::8abc", "cl100k_base", id="fine-tuned, older"),
        pytest.param("gpt-4", "cl100k_base", id="gpt-4"),
        pytest.param("gpt-4-turbo-preview", "cl100k_base", id="gpt-4 turbo"),
        pytest.param("gpt-4x", None, id="one that there is not"),
        pytest.param("scripted", None, id="somebody else's"),
        pytest.param("meta-llama/Llama-3.1-8B-Instruct", None, id="an open model"),
        pytest.param("", None, id="no id"),
    ],
)
def test_what_a_model_counts_with(model: str, encoding: str | None) -> None:
    assert encoding_of(model) == encoding


@pytest.mark.parametrize(
    ("encoding", "text", "tokens"),
    [
        pytest.param("cl100k_base", "tiktoken is great!", 6, id="OpenAI's own example, older"),
        pytest.param("o200k_base", "tiktoken is great!", 6, id="OpenAI's own example"),
        pytest.param("o200k_base", "お誕生日おめでとう", 8, id="OpenAI's example in Japanese"),
        pytest.param("cl100k_base", "お誕生日おめでとう", 9, id="the same, older"),
        pytest.param("o200k_base", "", 0, id="nothing"),
    ],
)
def test_counts_that_are_known(encoding: str, text: str, tokens: int) -> None:
    assert load_openai_counter(encoding).count(text) == tokens


@given(st.text(st.characters(), max_size=200))
def test_any_text_has_at_most_a_token_a_byte(text: str) -> None:
    assert (
        0 <= load_openai_counter("o200k_base").count(text) <= len(text.encode("utf-8", "replace")) + len(text)
    )


def test_a_mark_is_text() -> None:
    assert load_openai_counter("o200k_base").count("<|endoftext|>") > 1


def test_a_long_text_is_counted() -> None:
    assert load_openai_counter("o200k_base").count("word " * 400_000) >= 400_000
