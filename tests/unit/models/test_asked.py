"""Whether quotes can answer a question with words that nobody wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.words import AskedWord, content_words
from buttress.models.asked import is_beyond, names, unknown_words
from buttress.models.settings import QuoteSettings

RULES = QuoteSettings(max_unknown_share=0.35, same_word=0.7, other_word=0.3)


def asked(question: str, *unknown: str, weight: float = 3.0) -> list[AskedWord]:
    """Return the words of `question`; those that are unknown weigh 6."""
    return [
        AskedWord(text=word, weight=6.0 if word in unknown else weight, is_known=word not in unknown)
        for word in content_words(question).values()
    ]


@pytest.mark.parametrize(
    ("question", "nearness", "beyond"),
    [
        pytest.param("Can I book a table?", {}, False, id="every word is known"),
        pytest.param("Can I book a giraffe?", {"giraffe": 0.2}, True, id="what it is about is unknown"),
        pytest.param("Can I book a settee?", {"settee": 0.7}, False, id="the quotes say it otherwise"),
        pytest.param(
            "How long after the payment can our clinic reclaim the deposit of a patient?",
            {"reclaim": 0.2},
            False,
            id="one word of many is unknown",
        ),
        pytest.param(
            "How long after the payment can our clinic in Gotham get the deposit of a patient?",
            {"gotham": 0.6},
            True,
            id="a name among many words is unknown",
        ),
        pytest.param(
            "How does the clinic in Gotham pay?", {"gotham": 0.75}, False, id="a name said otherwise"
        ),
        pytest.param(
            "Why do the screens of the clinic and of the patients say KS-999?",
            {"999": 0.9},
            True,
            id="of a code no other number is the name",
        ),
        pytest.param("Do you ship 37 boxes?", {"37": 0.8}, False, id="of a plain number another one is near"),
        pytest.param("", {}, False, id="no question"),
    ],
)
def test_is_beyond(question: str, nearness: dict[str, float], *, beyond: bool) -> None:
    assert is_beyond(question, asked(question, *nearness), nearness, RULES) == beyond


def test_a_word_in_between_counts_in_part() -> None:
    """A weight of 6 among 9: halfway between the same and another word it is 3 of 9, below the bound."""
    question = "Can I book a settee?"
    words = asked(question, "settee")
    assert not is_beyond(question, words, {"settee": 0.5}, RULES)
    assert is_beyond(question, words, {"settee": 0.45}, RULES)


@given(st.floats(-1, 1), st.floats(-1, 1), st.sampled_from(["Can I book a giraffe?", "Is Gotham open?"]))
def test_nearer_is_never_more_beyond(first: float, second: float, question: str) -> None:
    unknown = "giraffe" if "giraffe" in question else "gotham"
    words, (low, high) = asked(question, unknown), sorted((first, second))
    far, near = (is_beyond(question, words, {unknown: cosine}, RULES) for cosine in (low, high))
    assert far >= near


@pytest.mark.parametrize(
    ("question", "found"),
    [
        pytest.param("Who is the CEO?", {"ceo"}, id="capitals throughout"),
        pytest.param("Can we pay with PayPal?", {"paypal"}, id="a capital inside"),
        pytest.param("Does it run on Azure?", {"azure"}, id="a capital inside a sentence"),
        pytest.param("Refunds are late. Why? Can I wait?", set(), id="the first word of a sentence"),
        pytest.param("The screen says KS-208.", {"ks", "208"}, id="a code"),
        pytest.param("It was in 2024.", set(), id="a plain number"),
        pytest.param("I know What I want", set(), id="words that say nothing"),
        pytest.param("How Do I Reset My Password Here?", set(), id="capitals everywhere tell nothing"),
        pytest.param("WHERE IS MY REFUND", set(), id="shouting"),
        pytest.param("who is the ceo?", set(), id="no capitals"),
        pytest.param("What is the CEO's pay?", {"ceo"}, id="of somebody"),
        pytest.param("", set(), id="nothing"),
    ],
)
def test_names(question: str, found: set[str]) -> None:
    assert names(question) == found


@given(st.text())
def test_names_of_any_text(text: str) -> None:
    assert all(name == name.lower() for name in names(text))


def test_unknown_words_are_in_no_text_and_no_quote() -> None:
    words = asked("Can I book giraffes or zebras at noon?", "giraffes", "zebras")
    assert [word.text for word in unknown_words(words, "A zebra stands here.")] == ["giraffes"]


def test_all_may_be_quoted_where_the_team_says_so() -> None:
    question = "Can I book a giraffe on Azure?"
    rules = QuoteSettings(max_unknown_share=1.0)
    far = {"giraffe": 0.0, "azure": 0.0}
    assert not is_beyond(question, asked(question, *far), far, rules)
    assert is_beyond(question, asked(question, *far), far, RULES)
