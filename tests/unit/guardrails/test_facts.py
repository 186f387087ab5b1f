"""Whether a text bears out a sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.facts import bears_out, holds, names_of_most, share_of_terms, speaks_against
from buttress.guardrails.reading import read_text

PASSAGE = (
    "Refunds take 14 days. The Studio plan costs €1,490.50 a year, five seats included. "
    "Marit Oosterling founded Kestrel in May 2016. Write to billing@kestrel.example or see "
    "https://kestrel.example/refunds. Cheques are not accepted. About 60 % are salons. An export holds at "
    "most 40 GB and 2,000 files. It runs on Windows 11 for 10 to 15 business days, says the European Space "
    "Agency. Sales were $1.2 million."
)


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("It takes 14 days.", id="a number with its unit"),
        pytest.param("It costs €1490.50.", id="separators of thousands do not count"),
        pytest.param(
            "It costs 1,490.5 euros a year.", id="nor noughts at the end, nor how a currency is written"
        ),
        pytest.param("There are 5 seats.", id="a number that the passage spells"),
        pytest.param("There are five seats.", id="a number that is spelt"),
        pytest.param("It was founded by Marit Oosterling in May 2016.", id="names and dates"),
        pytest.param("60% are salons, 60 percent, sixty per cent.", id="per cent"),
        pytest.param("It holds forty gigabytes.", id="a unit that is written out"),
        pytest.param("It holds two thousand files, 2.000 or 2 000.", id="a number in other formats"),
        pytest.param("It takes 10 days, or 15 days.", id="the unit of a range"),
        pytest.param("It was $1,200,000 or 1.2 million dollars.", id="millions"),
        pytest.param("The ESA says so.", id="an acronym of its words"),
        pytest.param("Write to Billing@Kestrel.example.", id="an address"),
        pytest.param("See https://kestrel.example/refunds!", id="a link"),
        pytest.param("It is quick.", id="nothing to look up"),
        pytest.param("The KESTREL team.", id="a name in capitals"),
        pytest.param("1) Write. 2) Wait.", id="the numbers of a list"),
    ],
)
def test_facts_that_are_in_the_passage_hold(sentence: str) -> None:
    assert holds(read_text(sentence), read_text(PASSAGE))


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("It takes 13 days.", id="another number"),
        pytest.param("It takes 14 hours.", id="another unit"),
        pytest.param("It takes 60 days.", id="a number of the passage with another unit"),
        pytest.param("It costs $1,490.50.", id="another currency"),
        pytest.param("It costs €1,490.55.", id="another cent"),
        pytest.param("It was $1.2 billion.", id="another magnitude"),
        pytest.param("It runs on Windows 10.", id="another version"),
        pytest.param("It was founded by Femke Daalder.", id="another name"),
        pytest.param("It was founded in June 2016.", id="another month"),
        pytest.param("There are six seats.", id="another number that is spelt"),
        pytest.param("Write to sales@kestrel.example.", id="another address"),
        pytest.param("See https://kestrel.example/other.", id="another link"),
        pytest.param("The API is included.", id="a name in capitals"),
    ],
)
def test_facts_that_are_not_do_not(sentence: str) -> None:
    assert not holds(read_text(sentence), read_text(PASSAGE))


def test_a_unit_in_the_head_of_a_table_belongs_to_its_numbers() -> None:
    table = read_text("Size | Memory (GB)\nsmall | 12")
    assert holds(read_text("It has 12 GB."), table)
    assert not holds(read_text("It has 12 MB."), table)


def test_words_count_only_near_each_other() -> None:
    far = "Refunds are paid. " + "We sell calendars to salons. " * 40 + "Cheques arrive by mail."
    claim = read_text("Refunds arrive by mail.")
    assert share_of_terms(claim, read_text("Refunds arrive by mail.")) == 1
    assert share_of_terms(claim, read_text(far)) < 1


def test_what_most_passages_name_is_given() -> None:
    names = names_of_most([read_text(f"Here {name} works.") for name in ("Kestrel", "Kestrel", "Osprey")])
    assert not names  # two are too few
    names = names_of_most([read_text(f"Here {name} works.") for name in ("Kestrel", "Kestrel", "Kestrel")])
    claim, source = (
        read_text("The Kestrel server restarts at night."),
        read_text("The server restarts at night."),
    )
    assert bears_out(claim, source, content_share=0.5, given=names)
    assert not bears_out(claim, source, content_share=0.5)


def test_only_what_speaks_of_the_same_speaks_against() -> None:
    claim = read_text("Cheques are accepted.")
    assert speaks_against(claim, read_text("Cheques are not accepted."))
    assert not speaks_against(claim, read_text("Dogs are not allowed."))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_every_text_holds_its_own_facts_and_words(text: str) -> None:
    claim = read_text(text)
    assert holds(claim, claim)
    assert share_of_terms(claim, claim) == (1 if claim.terms else 0)


@settings(max_examples=100, deadline=None)
@given(st.integers(13, 10**6), st.integers(13, 10**6))
def test_a_wrong_number_never_holds(told: int, true: int) -> None:
    claim, source = read_text(f"It takes {told} days."), read_text(f"It takes {true:,} days.")
    assert holds(claim, source) == (told == true)
