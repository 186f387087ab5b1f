"""Words that deny, and words that stand against each other."""

import pytest

from buttress.guardrails.scales import DENIALS, LIGHT, NEAR_DENIALS, POLES


@pytest.mark.parametrize(
    ("word", "other", "opposed"),
    [
        pytest.param("more", "less", True, id="more and less"),
        pytest.param("increases", "reduced", True, id="verbs, in any form"),
        pytest.param("increases", "raised", False, id="words for the same"),
        pytest.param("all", "most", True, id="how many"),
        pytest.param("before", "after", True, id="when"),
        pytest.param("north", "west", True, id="one of four"),
    ],
)
def test_poles_of_one_scale_stand_against_each_other(word: str, other: str, *, opposed: bool) -> None:
    mine, theirs = dict(POLES[word]), dict(POLES[other])
    shared = mine.keys() & theirs.keys()
    assert shared
    assert any(mine[scale] != theirs[scale] for scale in shared) == opposed


def test_a_word_has_one_pole_of_a_scale() -> None:
    assert {word for word, poles in POLES.items() if len(dict(poles)) < len(set(poles))} == set()


def test_what_denies_is_never_light() -> None:
    assert not LIGHT & (DENIALS | NEAR_DENIALS)
