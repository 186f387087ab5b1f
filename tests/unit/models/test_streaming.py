"""`models.streaming`: every order of what may happen."""

import asyncio
from itertools import pairwise, product
from typing import get_args

import pytest

from buttress.models.errors import ModelTimeout, ModelUnavailable, RateLimited, StreamCut
from buttress.models.streaming import (
    TABLE,
    UNSENT,
    Happening,
    Standing,
    State,
    after,
    happening_of,
    outcome_of,
)

HAPPENINGS: tuple[Happening, ...] = get_args(Happening)
UNDER_WAY = {"unsent", "waiting", "speaking"}


def ways(length: int) -> list[list[Standing]]:
    """Return how it stands at each step of every order of `length` happenings, from the start."""
    found = []
    for happenings in product(HAPPENINGS, repeat=length):
        standings = [UNSENT]
        for happening in happenings:
            standings.append(after(standings[-1], happening))
        found.append(standings)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("length", [pytest.param(length, id=f"of {length}") for length in range(1, 7)])
def test_every_order_of_happenings_keeps_what_is_promised(length: int) -> None:
    for standings in {tuple(way) for way in ways(length)}:
        states = [one.state for one in standings]
        last = standings[-1]
        assert (last.paid is None) == (last.state in UNDER_WAY), "what has ended is paid for, once"
        if "waiting" not in states:
            assert last.paid in (None, "free"), "what was not sent is free"
        if "speaking" in states:
            assert last.paid != "free", "what was said is never free"
        if last.state == "cut":
            assert "speaking" in states
        if last.state == "failed":
            assert "speaking" not in states
        assert (last.paid == "told") == (last.state == "answered")


@pytest.mark.slow
@pytest.mark.parametrize("length", [pytest.param(length, id=f"of {length}") for length in range(1, 7)])
def test_in_no_order_is_anything_taken_back(length: int) -> None:
    for before, then in {pair for way in ways(length) for pair in pairwise(way)}:
        if before.state not in UNDER_WAY:
            assert then == before, "what has ended stays as it ended"
        if before.state == "speaking":
            assert then.state not in ("failed", "waiting", "unsent"), "what was said is not taken back"


def test_every_state_is_reached() -> None:
    assert {way[-1].state for way in ways(3)} == set(get_args(State))


def test_each_state_under_way_has_its_row_and_no_other() -> None:
    assert set(TABLE) == UNDER_WAY


@pytest.mark.parametrize(
    ("error", "happening"),
    [
        pytest.param(asyncio.CancelledError(), "gone", id="cancelled"),
        pytest.param(GeneratorExit(), "gone", id="closed"),
        pytest.param(ModelTimeout("late"), "late", id="a time limit"),
        pytest.param(RateLimited("429"), "refused", id="refused"),
        pytest.param(ModelUnavailable("no connection", may_have_worked=False), "refused", id="never sent"),
        pytest.param(ModelUnavailable("500"), "fault", id="a server error"),
        pytest.param(StreamCut("cut"), "fault", id="broken off"),
        pytest.param(KeyError("bug"), "fault", id="a bug"),
    ],
)
def test_what_an_error_means_for_the_answer(error: BaseException, happening: Happening) -> None:
    assert happening_of(error) == happening


def test_one_that_is_left_where_it_stands_is_cancelled() -> None:
    assert outcome_of(UNSENT) == "cancelled"
    assert outcome_of(Standing("cut", "estimated")) == "cut"
