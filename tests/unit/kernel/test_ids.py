"""Ids: those of happenings sort by time, those of contents are the same for the same content."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import content_hash, hash_of, new_id


class At:
    """A clock that stands still."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the moment it was made with."""
        return self._now

    def monotonic(self) -> float:
        """Return nothing of interest."""
        return 0.0


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(), st.integers())
def test_a_later_id_sorts_behind(first_ms: int, later_ms: int, seed: int, other: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=first_ms)
    early = new_id("tr", At(start), SeededChance(seed))
    late = new_id("tr", At(start + timedelta(milliseconds=later_ms)), SeededChance(other))
    assert early < late
    assert len(early) == len("tr_") + 32


def test_two_ids_of_one_moment_differ() -> None:
    clock, chance = At(datetime(2026, 1, 1, tzinfo=UTC)), SeededChance(1)
    assert len({new_id("tr", clock, chance) for _ in range(1000)}) == 1000


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_hashes_are_equal_only_for_equal_parts(one: list[str], other: list[str]) -> None:
    assert (content_hash(*one) == content_hash(*other)) == (one == other)


def test_the_order_of_keys_does_not_change_a_hash() -> None:
    assert hash_of({"a": 1, "b": {"c": 2, "d": 3}}) == hash_of({"b": {"d": 3, "c": 2}, "a": 1})
