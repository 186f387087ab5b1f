"""Whether two questions ask the same: what is definite must agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.caching.verifying import ask_the_same, differences


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("How can I reset my password?", "How do I reset my password?", id="a helping verb"),
        pytest.param("What is the refund period?", "what's the refund period", id="contractions, no mark"),
        pytest.param("Can I pay 1,000 EUR?", "May I pay 1000 eur", id="how a number is written"),
        pytest.param("Are two seats included?", "Are 2 seats included?", id="numbers in words"),
        pytest.param(
            "Does Acme ship to Norway?", "Do you at acme ship to norway?", id="names without capitals"
        ),
        pytest.param("I can't log in", "I cannot log in", id="denials in other words"),
        pytest.param("Is it open on Mondays?", "Is it open on monday?", id="a day"),
        pytest.param(
            "How do I protect my child from it?", "What can I do to protect my child?", id="how, and what"
        ),
        pytest.param("How does the virus spread?", "How is the virus spread?", id="a form of a word"),
        pytest.param("Is there someone to notify?", "Do I need to notify someone?", id="words moved about"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_same_in_other_words(one: str, other: str) -> None:
    assert differences(one, other) == []
    assert ask_the_same(other, one)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        pytest.param("Refund after 30 days?", "Refund after 60 days?", "number", id="another number"),
        pytest.param("What does plan 2 cost?", "What does the plan cost?", "number", id="a number more"),
        pytest.param("Is 10% off?", "Is 10 off?", "number", id="a unit"),
        pytest.param("Is it $10?", "Is it €10?", "number", id="a currency"),
        pytest.param("Since version 1.2?", "Since version 1.3?", "number", id="a version"),
        pytest.param("Are two seats free?", "Are three seats free?", "number", id="a number in words"),
        pytest.param("Can I cancel?", "Can't I cancel?", "negation", id="a denial"),
        pytest.param("Why is it working?", "Why is it not working?", "negation", id="a denial in full"),
        pytest.param("Does it work offline?", "Does it never work offline?", "negation", id="never"),
        pytest.param("Ist das erlaubt?", "Ist das nicht erlaubt?", "negation", id="in German"),
        pytest.param("Est-ce permis?", "Est-ce pas permis?", "negation", id="in French"),
        pytest.param("Are you open on Monday?", "Are you open on Sunday?", "date", id="another day"),
        pytest.param("What is due in March?", "What is due in May?", "date", id="another month"),
        pytest.param("Is it billed monthly?", "Is it billed yearly?", "date", id="another period"),
        pytest.param("Does it run on Linux?", "Does it run on Windows?", "name", id="another name"),
        pytest.param("Does it support OAuth?", "Does it support SAML?", "name", id="another abbreviation"),
        pytest.param("What does the E2 do?", "What does the E3 do?", "name", id="another product"),
        pytest.param("Can I ship to Paris?", "Can I ship?", "name", id="a name more"),
        pytest.param("How do I turn it on?", "How do I turn it off?", "opposite", id="on and off"),
        pytest.param("How do I enable it?", "How do I disable it?", "opposite", id="enable and disable"),
        pytest.param("Is it enabled?", "Is it blocked?", "opposite", id="other words for it"),
        pytest.param("Show unpaid bills", "Show paid bills", "opposite", id="a prefix"),
        pytest.param("Is it reversible?", "Is it irreversible?", "opposite", id="another prefix"),
        pytest.param("When does it arrive?", "Where does it arrive?", "opposite", id="what is asked for"),
        pytest.param("Does it cost more?", "Does it cost less?", "opposite", id="more and less"),
        pytest.param(
            "Can I pay before delivery?", "Can I pay after delivery?", "bound", id="before and after"
        ),
        pytest.param("Is it for members?", "Is it only for members?", "bound", id="a bound that one lacks"),
        pytest.param("What is the max size?", "What is the min size?", "bound", id="the other end"),
        pytest.param("Convert dollars to euros", "Convert euros to dollars", "order", id="the other way"),
        pytest.param("Does Ada report to Bob?", "Does Bob report to Ada?", "order", id="names turned round"),
        pytest.param("When should I be tested?", "Should I be tested?", "asked", id="whether, and when"),
        pytest.param("How long is it open?", "How much is it, open?", "asked", id="how long, how much"),
        pytest.param("Who is at risk?", "Who is at risk of death?", "more", id="one that asks for less"),
        pytest.param("Has the fox Ada seen Bob?", "Has the fox Bob seen Ada?", "order", id="without a to"),
    ],
)
def test_what_is_another_question(one: str, other: str, kind: str) -> None:
    assert kind in differences(one, other)
    assert kind in differences(other, one)


@given(st.text(max_size=60))
def test_every_question_asks_the_same_as_itself(text: str) -> None:
    assert differences(text, text) == []


@given(st.text(max_size=40), st.text(max_size=40))
def test_it_does_not_matter_which_was_first(one: str, other: str) -> None:
    assert differences(one, other) == differences(other, one)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_another_number_is_always_another_question(one: int, other: int) -> None:
    asked = "Can I return it within {} days and keep {:,} points?"
    assert ask_the_same(asked.format(one, 5), asked.format(other, 5)) == (one == other)
    assert ask_the_same(asked.format(7, one), asked.format(7, other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("!" * 20_000 + " a" * 2_000, id="marks without end"),
        pytest.param("Ab1 " * 5_000, id="names"),
        pytest.param("1." * 10_000, id="a number without end"),
        pytest.param("n't " * 5_000, id="denials"),
        pytest.param("go to " * 4_000, id="directions"),
    ],
)
def test_long_questions_are_compared_in_time_that_grows_as_they_do(text: str) -> None:
    """A second for 20,000 characters; what backtracks takes minutes."""
    assert differences(text, text + " b") != differences(text, text)
