"""Recollecting: the exchange with the rarest of the words that are asked; nothing by chance."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.prompts.recollecting import MAX_ASKED, MAX_PLACES, MAX_WORDS, asked_words, held_words, nearest


def alike(places: Mapping[str, Sequence[int]]) -> dict[str, dict[int, float]]:
    """Return places that are all alike much about their words."""
    return {word: dict.fromkeys(held, 1.0) for word, held in places.items()}


@pytest.mark.parametrize(
    ("places", "found"),
    [
        pytest.param({"basil": [40], "water": [2, 10, 20, 40, 60]}, [40], id="both words"),
        pytest.param({"basil": [40], "water": [2, 10, 20, 60]}, [40], id="the rarer word"),
        pytest.param({"basil": [40, 60]}, [60, 40], id="of two alike the newer"),
        pytest.param({"basil": []}, [], id="a word that nobody said"),
        pytest.param({}, [], id="no word"),
        pytest.param({"basil": [], "water": [60]}, [60], id="what nobody said does not count"),
    ],
)
def test_the_nearest_is_told_by_the_words_it_shares(places: dict[str, list[int]], found: list[int]) -> None:
    assert nearest(alike(places), 1_000, 3)[: len(found)] == found
    assert bool(nearest(alike(places), 1_000, 3)) == bool(found)


def test_what_is_more_about_a_word_comes_first() -> None:
    assert nearest({"basil": {40: 2.0, 60: 0.5}}, 1_000, 3) == [40, 60]


def test_one_common_word_of_several_is_chance() -> None:
    often = list(range(0, 900, 2))[-MAX_PLACES:]
    found = nearest(alike({"often": often, "basil": [10], "oleander": [10]}), 1_000, 50)
    assert found == [10]


def test_a_word_of_which_not_all_places_were_read_weighs_by_how_far_back_they_reach() -> None:
    everywhere = list(range(29_600, 30_000, 2))
    spread = list(range(2, 30_000, 150))
    assert len(everywhere) == len(spread) == MAX_PLACES
    assert nearest(alike({"everywhere": everywhere, "spread": spread}), 30_000, 1)[0] in spread


@given(
    places=st.dictionaries(st.text(min_size=1), st.lists(st.integers(0, 500), unique=True), max_size=5),
    limit=st.integers(0, 6),
)
def test_at_most_so_many_each_once_and_each_holds_a_word(places: dict[str, list[int]], limit: int) -> None:
    found = nearest(alike(places), 1_000, limit)
    assert len(found) == len(set(found)) <= limit
    assert set(found) <= {one for held in places.values() for one in held}


def test_words_are_bounded_in_number_and_length() -> None:
    assert asked_words("Where does the Basil stand? basil, stands") == ["basil", "stand"]
    many = " ".join(f"w{chr(97 + at % 26)}{'x' * at}" for at in range(500))
    assert len(asked_words(many)) <= MAX_ASKED
    assert len(held_words(many)) <= MAX_WORDS
    assert max(map(len, held_words("a" * 10_000))) <= 64
    assert held_words("\0 ??") == {}


def test_an_exchange_is_more_about_what_it_says_often_and_says_little_beside() -> None:
    often, once = held_words("basil basil basil sun"), held_words("basil sun")
    long = held_words("basil " + "other words stand here " * 50)
    assert often["basil"] > once["basil"] > long["basil"] > 0
