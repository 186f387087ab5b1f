"""The clock turned by hand."""

from datetime import timedelta

import pytest

from buttress.testing.clock import NOON, ManualClock


def test_it_stands_still_until_told() -> None:
    clock = ManualClock()
    assert (clock.now(), clock.monotonic()) == (NOON, 0.0)
    assert (clock.now(), clock.monotonic()) == (NOON, 0.0)


def test_both_of_its_hands_move_together() -> None:
    clock = ManualClock()
    clock.advance(1.5)
    clock.advance(2)
    assert clock.now() - NOON == timedelta(seconds=3.5)
    assert clock.monotonic() == 3.5


def test_it_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards: -1 s"):
        ManualClock().advance(-1)
