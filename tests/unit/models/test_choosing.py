"""`models.choosing`."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Ladder, Step, plain_ladder
from buttress.kernel.chance import SeededChance
from buttress.models.choosing import Candidate, ordered

NAMES = ("a", "b", "c", "d")
CANDIDATES = st.builds(
    Candidate,
    name=st.just("x"),
    rests=st.booleans(),
    expected_ms=st.none() | st.floats(0, 10_000),
    running=st.integers(0, 500),
)
STEPS = st.lists(
    st.builds(
        lambda names, weights: Step(tuple(names), tuple(weights[: len(names)])),
        st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
        st.just(()) | st.lists(st.floats(0.01, 100), min_size=4, max_size=4),
    ),
    max_size=4,
)


@given(STEPS, st.lists(CANDIDATES, min_size=4, max_size=4), st.integers(0, 10_000))
def test_each_rung_is_a_permutation_with_who_rests_at_its_end(
    steps: list[Step], known: list[Candidate], seed: int
) -> None:
    by_name = {
        name: Candidate(name=name, rests=one.rests, expected_ms=one.expected_ms, running=one.running)
        for name, one in zip(NAMES, known, strict=True)
    }
    order = ordered(Ladder(tuple(steps)), by_name.__getitem__, SeededChance(seed))
    for step in steps:
        rung, order = order[: len(step.models)], order[len(step.models) :]
        assert sorted(rung) == sorted(step.models)
        rests = [by_name[name].rests for name in rung]
        assert len(rung) == 1 or rests == sorted(rests)
    assert not order


def firsts(step: Step, *known: Candidate, draws: int = 4_000) -> Counter[str]:
    by_name = {one.name: one for one in known}
    chance = SeededChance(7)
    return Counter(ordered(Ladder((step,)), by_name.__getitem__, chance)[0] for _ in range(draws))


def test_weights_hold() -> None:
    step = Step(("a", "b", "c"), (3.0, 1.0, 1.0))
    found = firsts(step, *(Candidate(name=name) for name in "abc"))
    assert found["a"] == pytest.approx(2_400, abs=150)
    assert found["b"] == pytest.approx(800, abs=120)


def test_the_quicker_of_two_is_chosen() -> None:
    quick, slow = Candidate(name="a", expected_ms=100), Candidate(name="b", expected_ms=300)
    assert firsts(Step(("a", "b")), quick, slow) == {"a": 4_000}


def test_calls_under_way_count() -> None:
    busy, slow = Candidate(name="a", expected_ms=100, running=5), Candidate(name="b", expected_ms=300)
    assert firsts(Step(("a", "b")), busy, slow) == {"b": 4_000}


def test_one_that_was_never_asked_is_tried() -> None:
    assert firsts(Step(("a", "b")), Candidate(name="a", expected_ms=1), Candidate(name="b")) == {"b": 4_000}


def test_among_equals_each_has_its_share() -> None:
    found = firsts(Step(NAMES), *(Candidate(name=name, expected_ms=100) for name in NAMES))
    assert min(found.values()) > 800


def test_of_several_the_slowest_is_never_first_and_the_others_share() -> None:
    known = [Candidate(name=name, expected_ms=at * 100) for at, name in enumerate(NAMES, 1)]
    found = firsts(Step(NAMES), *known)
    assert found["d"] == 0
    assert found["a"] > found["b"] > found["c"] > 0


def test_a_ladder_of_single_models_is_as_it_is_written() -> None:
    assert ordered(plain_ladder("c", "a"), lambda name: Candidate(name=name), SeededChance(1)) == ["c", "a"]
