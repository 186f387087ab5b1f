"""A text as the rules read it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.reading import read_text, term_of


@pytest.mark.parametrize(
    ("word", "other"),
    [
        pytest.param("refunds", "refunded", id="endings"),
        pytest.param("activates", "activating", id="endings of verbs"),
        pytest.param("Vertrag", "Verträge", id="accents"),
        pytest.param("Rückerstattung", "Rückerstattungen", id="endings of other languages"),
    ],
)
def test_forms_of_a_word_are_the_same(word: str, other: str) -> None:
    assert term_of(word) == term_of(other)


def test_other_words_are_not() -> None:
    assert term_of("contract") != term_of("contrast")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("Now Marit Oosterling pays.", {"marit", "oosterl"}, id="a name of two words"),
        pytest.param("Here is IRG1.", {"irg1"}, id="letters and digits are one name"),
        pytest.param("Kestrel is here. So Kestrel pays.", {"kestrel"}, id="at the beginning, too"),
        pytest.param("The server pays.", set(), id="none"),
    ],
)
def test_names_are_seen(text: str, names: set[str]) -> None:
    assert {slot.value for slot in read_text(text).slots.get("name", ())} == names


@pytest.mark.parametrize(
    ("text", "denials"),
    [
        pytest.param("It is not so.", 1, id="not"),
        pytest.param("It isn't so, and never was.", 2, id="in short, and never"),
        pytest.param("No more than 40 GB.", 0, id="no more than a number"),
        pytest.param("It is not higher than before.", 1, id="not more than something else"),
        pytest.param("Das ist nicht so.", 1, id="in German"),
        pytest.param("Owner | no", 0, id="a cell of a table"),
    ],
)
def test_denials_are_seen(text: str, denials: int) -> None:
    assert len(read_text(text).denials) == denials


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_places_lie_in_the_text_and_hold_its_words(text: str) -> None:
    reading = read_text(text)
    assert {place for found in reading.places.values() for place in found} == set(range(len(reading.terms)))
    assert list(reading.ends) == sorted(reading.ends)
    assert not reading.ends or reading.ends[-1] == len(reading.terms)
