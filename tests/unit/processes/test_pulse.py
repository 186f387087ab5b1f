"""When a child is taken for hung."""

from collections.abc import Sequence
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.processes.pulse import LEAST_LOOKS, SILENT_LOOKS, Pulse, after_look, is_hung


def looked(beats: Sequence[int | None]) -> Pulse:
    """Return the pulse after a look for each of `beats`."""
    return reduce(after_look, beats, Pulse())


@pytest.mark.parametrize(
    ("beats", "silent_looks"),
    [
        pytest.param([], 0, id="not looked at yet"),
        pytest.param([7], 0, id="its first beat"),
        pytest.param([7, 8, 9], 0, id="it beats"),
        pytest.param([7, 7, 7], 2, id="no newer one at two looks"),
        pytest.param([7, 7, 8], 0, id="late, but there"),
        pytest.param([8, 8, 7], 0, id="the clock was set back: it moved all the same"),
        pytest.param([None, None, None], 0, id="it never said anything"),
        pytest.param([7, 7, None, 7, 7], 1, id="for a moment nobody could beat"),
        pytest.param([7, 7, None], 0, id="it withdrew what it said"),
    ],
)
def test_looks_without_a_beat_are_counted(beats: Sequence[int | None], silent_looks: int) -> None:
    """Only those that could have found one."""
    assert looked(beats).silent_looks == silent_looks


@pytest.mark.parametrize(
    ("silent_looks", "hang_timeout_s", "hung"),
    [
        pytest.param(29, 30.0, False, id="a second too early"),
        pytest.param(30, 30.0, True, id="as asked"),
        pytest.param(30, 30.5, False, id="rounded up"),
        pytest.param(10**6, 0.0, False, id="never, as asked"),
        pytest.param(LEAST_LOOKS - 1, 0.1, False, id="two looks may fall between two beats"),
        pytest.param(LEAST_LOOKS, 0.1, True, id="the least there is"),
    ],
)
def test_it_hangs_after_so_many_seconds_of_looking(
    silent_looks: int, hang_timeout_s: float, *, hung: bool
) -> None:
    """A second for each look."""
    assert is_hung(Pulse(last=1, silent_looks=silent_looks), hang_timeout_s) is hung


def test_others_hear_of_a_silent_child_before_it_is_killed() -> None:
    """With the time that is the default."""
    silent = Pulse(last=1, silent_looks=SILENT_LOOKS)
    assert silent.is_silent
    assert not is_hung(silent, 30.0)
    assert not Pulse(last=1, silent_looks=SILENT_LOOKS - 1).is_silent


@given(st.lists(st.integers(1, 29), max_size=30))
def test_who_beats_within_the_time_is_never_taken_for_hung(gaps: list[int]) -> None:
    """However irregularly: each number is how many looks find the same beat."""
    pulse = Pulse()
    for beat, looks in enumerate(gaps):
        for _ in range(looks):
            pulse = after_look(pulse, beat)
            assert not is_hung(pulse, 29.0)


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=40), st.integers(LEAST_LOOKS, 40))
def test_who_does_not_beat_is_found_whatever_was_before(before: list[int | None], seconds: int) -> None:
    """At exactly the look after that time: the first one only sees its last beat."""
    pulse = looked(before)
    pulse = reduce(after_look, [9] * seconds, pulse)
    assert not is_hung(pulse, float(seconds))
    assert is_hung(after_look(pulse, 9), float(seconds))
