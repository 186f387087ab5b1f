"""What words tell, and how much of a question is covered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.stages.terms import TermStatistics, count_terms, coverage, terms

WORDS = st.text(min_size=1, max_size=5)


def test_stop_words_are_no_terms() -> None:
    assert terms("what is the of and") == frozenset()
    assert terms("What is the refund?") == {"refund"}


def test_a_rare_word_tells_more() -> None:
    """And one that nobody ever wrote tells most."""
    statistics = count_terms(["refund plan", "refund rule", "refund"])
    assert statistics.texts == 3
    assert statistics.most == statistics.idf("zebra") > statistics.idf("plan") > statistics.idf("refund") > 0


def test_coverage_counts_what_tells_something() -> None:
    statistics = TermStatistics(1_000, {"common": 900, "rare": 1})
    asked = {term: statistics.idf(term) for term in ("common", "rare")}
    assert coverage(asked, frozenset({"rare"})) > 0.9
    assert coverage(asked, frozenset({"common"})) < 0.1


@given(st.dictionaries(WORDS, st.floats(1e-3, 10)), st.frozensets(WORDS))
def test_coverage_is_a_share(asked: dict[str, float], passage: frozenset[str]) -> None:
    share = coverage(asked, passage)
    assert 0 <= share <= 1
    assert share == pytest.approx(1 if asked and asked.keys() <= passage else share)
    assert coverage(asked, passage.union(asked)) == pytest.approx(1 if asked else 0)


@given(st.text())
def test_any_text_has_terms(text: str) -> None:
    """None of them empty; and for plain letters the case never counts."""
    assert all(term and not term.isspace() for term in terms(text))
    assert not text.isascii() or terms(text) == terms(text.swapcase())
