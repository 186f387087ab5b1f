"""Words in a form that can be compared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.words import STOP_WORDS, content_terms, plain_number, stem, words


@pytest.mark.parametrize(
    "alike",
    [
        "refund refunds refunded refunding refundable Refund",
        "cancel cancelled cancels cancellation",
        "pay pays payment payments payable paying",
        "price prices pricing priced",
        "plan plans planned planning",
        "bill bills billing billed",
        "company companies",
        "invoice invoices invoiced",
        "apply applies applied",
    ],
)
def test_endings_do_not_count(alike: str) -> None:
    assert len({stem(word) for word in alike.split()}) == 1


@pytest.mark.parametrize("different", ["status state", "access accent", "3.2.1 321"])
def test_other_words_stay_other_words(different: str) -> None:
    first, second = different.split()
    assert stem(first) != stem(second)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("What's the price?", ["what", "the", "price"], id="an apostrophe"),
        pytest.param("I don't, can’t, won't", ["i", "do", "ca", "wo"], id="a shortened not"),
        pytest.param("€1,490.50 for v3.2.1", ["1490.5", "for", "v", "3.2.1"], id="numbers"),
        pytest.param("e-mail_address", ["e", "mail", "address"], id="what joins words"),
        pytest.param("Größe ÉTÉ", ["größe", "été"], id="letters with marks"),
        pytest.param("返金は", ["返金", "金は"], id="no blanks between words: pairs"),
        pytest.param("金", ["金"], id="a single character"),
        pytest.param(" .,!?", [], id="no words"),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1,000", "1000"),
        ("1,000,000.00", "1000000"),
        ("4.50", "4.5"),
        ("4,5", "4.5"),
        ("007", "7"),
        ("0", "0"),
        ("0.0", "0"),
        ("100", "100"),
        ("100.0", "100"),
        ("3.2.1", "3.2.1"),
        ("12,34,56", "12,34,56"),
    ],
)
def test_plain_number(text: str, plain: str) -> None:
    assert plain_number(text) == plain


def test_words_that_say_nothing_are_left_out() -> None:
    assert content_terms("How do I get a refund of the plans?") == ["refund", "plan"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_has_its_words(text: str) -> None:
    assert all(words(text))
    assert all(content_terms(text))
    assert len(content_terms(text)) <= len(words(text))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abcdegilmnorstuy", min_size=1, max_size=15))
def test_a_stem_begins_its_word_and_is_never_empty(word: str) -> None:
    assert word.startswith(stem(word))
    assert len(stem(word)) >= min(len(word), 2)
    assert stem(word.upper()) == stem(word)


def test_stop_words_are_lower_case() -> None:
    assert {word.lower() for word in STOP_WORDS} == STOP_WORDS
