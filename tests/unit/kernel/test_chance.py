"""Chance: in its bounds, and the same for the same seed."""

from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance


@given(st.integers(), st.integers(1, 200))
def test_the_same_seed_draws_the_same(seed: int, bits: int) -> None:
    one, other = SeededChance(seed), SeededChance(seed)
    assert (one.fraction(), one.bits(bits)) == (other.fraction(), other.bits(bits))


@given(st.integers(), st.integers(1, 200))
def test_draws_stay_in_their_bounds(seed: int, bits: int) -> None:
    chance = SeededChance(seed)
    assert 0 <= chance.fraction() < 1
    assert 0 <= chance.bits(bits) < 2**bits
