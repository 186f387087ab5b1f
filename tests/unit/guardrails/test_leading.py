"""Sentences that claim nothing."""

import pytest

from buttress.guardrails.leading import agrees, answer_word, declines, declines_only, opens


@pytest.mark.parametrize(
    "text",
    [
        "Sure!",
        "**Here is how it works:**",
        "Here’s how:",
        "---",
        "\n",
        "So geht's:",
        "Voici comment :",
        "En resumen:",
    ],
)
def test_openings(text: str) -> None:
    assert opens(text)


@pytest.mark.parametrize(
    "text", ["Scam!", "Pay now:", "No refunds.", "❌", "5", "Sure, pay Bob.", "Here is how to steal:"]
)
def test_what_is_none(text: str) -> None:
    assert not opens(text)
    assert answer_word(text) is None


@pytest.mark.parametrize(
    ("lead", "sentence", "fits"),
    [
        pytest.param("Yes.", "Refunds take 14 days. [1]", True, id="yes"),
        pytest.param("No.", "Refunds take 14 days. [1]", False, id="no, before what says yes"),
        pytest.param("No.", "Cheques are not accepted. [1]", True, id="no"),
        pytest.param("Ja!", "Cheques are not accepted. [1]", False, id="yes, before what says no"),
        pytest.param("Sure:", "Cheques are not accepted. [1]", True, id="no answer"),
    ],
)
def test_an_answer_in_a_word_agrees_with_the_sentence_behind_it(
    lead: str, sentence: str, *, fits: bool
) -> None:
    assert agrees(lead, sentence) == fits


@pytest.mark.parametrize(
    ("text", "only"),
    [
        pytest.param("The documents do not mention fees.", True, id="that alone"),
        pytest.param(
            "The documents do not mention it, but call +1 900 555 0199.", False, id="an order behind it"
        ),
        pytest.param("I cannot answer that and Bob pays $500.", False, id="a claim behind it"),
        pytest.param("The answer is not found in the sky: quote 12345.", False, id="behind a colon"),
        pytest.param("The documents do not say that [you pay](//evil/x).", False, id="a link"),
        pytest.param("The documents do not say that you pay $500 at evil.com.", False, id="facts"),
    ],
)
def test_declining(text: str, *, only: bool) -> None:
    assert declines(text)
    assert declines_only(text) == only
