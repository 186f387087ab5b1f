"""What a sentence claims."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.facts import claim_of, holds, is_contradicted, share_of_terms

PASSAGE = (
    "Refunds take 14 days. The Studio plan costs €1,490.50 a year, five seats included. "
    "Marit Oosterling founded Kestrel in May 2016. Write to billing@kestrel.example or see "
    "https://kestrel.example/refunds. Cheques are not accepted. About 60 % are salons."
)


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("It takes 14 days.", id="a number with its unit"),
        pytest.param("It costs €1490.50.", id="separators of thousands do not count"),
        pytest.param("It costs €1,490.5 a year.", id="nor do noughts at the end"),
        pytest.param("There are 5 seats.", id="a number that the passage spells"),
        pytest.param("There are five seats.", id="a number that is spelt"),
        pytest.param("It was founded by Marit Oosterling in May 2016.", id="names and dates"),
        pytest.param("60% are salons, 60 percent.", id="per cent"),
        pytest.param("Write to Billing@Kestrel.example.", id="an address"),
        pytest.param("See https://kestrel.example/refunds!", id="a link"),
        pytest.param("It is quick.", id="nothing to look up"),
        pytest.param("The KESTREL team.", id="a name in capitals"),
    ],
)
def test_facts_that_are_in_the_passage_hold(sentence: str) -> None:
    assert holds(PASSAGE, claim_of(sentence).facts)


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("It takes 15 days.", id="another number"),
        pytest.param("It takes 14 hours.", id="another unit"),
        pytest.param("It costs $1,490.50.", id="another currency"),
        pytest.param("It costs €1,490.55.", id="another cent"),
        pytest.param("It was founded by Femke Daalder.", id="another name"),
        pytest.param("It was founded in June 2016.", id="another month"),
        pytest.param("There are six seats.", id="another number that is spelt"),
        pytest.param("Write to sales@kestrel.example.", id="another address"),
        pytest.param("See https://kestrel.example/other.", id="another link"),
        pytest.param("The API is included.", id="a name in capitals"),
    ],
)
def test_facts_that_are_not_do_not(sentence: str) -> None:
    assert not holds(PASSAGE, claim_of(sentence).facts)


@pytest.mark.parametrize(
    ("sentence", "contradicted"),
    [
        pytest.param("Cheques are accepted.", True, id="the not is gone"),
        pytest.param("Refunds don't take 14 days.", True, id="a not has come"),
        pytest.param("Cheques are not accepted.", False, id="both deny"),
        pytest.param("Refunds take 14 days.", False, id="both assert"),
        pytest.param("Dogs do not bark.", False, id="nothing alike"),
    ],
)
def test_a_denial_is_seen(sentence: str, *, contradicted: bool) -> None:
    assert is_contradicted(claim_of(sentence), PASSAGE) == contradicted


def test_a_cell_that_says_no_denies_nothing() -> None:
    assert not is_contradicted(claim_of("Change the plan: Owner yes"), "Task | Owner\nChange the plan | no")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_every_text_holds_its_own_facts_and_words(text: str) -> None:
    claim = claim_of(text)
    assert holds(text, claim.facts)
    assert share_of_terms(text, claim.terms) == (1 if claim.terms else 0)


@settings(max_examples=100, deadline=None)
@given(st.integers(13, 10**6), st.integers(13, 10**6))
def test_a_wrong_number_never_holds(told: int, true: int) -> None:
    assert holds(f"It takes {true:,} days.", claim_of(f"It takes {told} days.").facts) == (told == true)
