"""`access.buckets`: what is let in, in any order of moments."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.buckets import (
    MAX_DEBT_S,
    WINDOW_S,
    given_back,
    left,
    taken,
    until_full_s,
    wait_s,
)

limits = st.integers(1, 1_000)
pauses = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), max_size=60)


@pytest.mark.parametrize(
    ("amounts", "rest"),
    [
        pytest.param((), 60.0, id="a bucket that nobody took from is full"),
        pytest.param((20,), 40.0, id="what was taken is gone"),
        pytest.param((60,), 0.0, id="all of it may be taken at once"),
        pytest.param((60, 30), -30.0, id="what cost more than there was is owed"),
    ],
)
def test_what_is_left(amounts: tuple[int, ...], rest: float) -> None:
    until_s = 0.0
    for amount in amounts:
        until_s = taken(60, amount, until_s)
    assert left(60, until_s) == pytest.approx(rest)
    assert left(60, until_full_s(100.0 + until_s, 110.0)) == pytest.approx(min(60, rest + 10))


@given(limit=limits, asked=pauses)
def test_no_minute_lets_in_more_than_twice_the_limit_and_a_long_time_no_more_than_it(
    limit: int, asked: list[tuple[float, int]]
) -> None:
    now, full_at = 1_000.0, 0.0
    admitted: list[tuple[float, int]] = []
    for pause, amount in asked:
        now += pause
        until_s = until_full_s(full_at, now)
        if wait_s(limit, amount, until_s) == 0:
            full_at = now + taken(limit, amount, until_s)
            admitted.append((now, amount))
    for begin, _ in admitted:
        within = sum(amount for at, amount in admitted if begin <= at < begin + WINDOW_S)
        assert within <= 2 * limit + 1e-6
    if admitted:
        lasted = now - admitted[0][0]
        assert sum(amount for _, amount in admitted) <= limit * (1 + lasted / WINDOW_S) * (1 + 1e-9) + 1e-6


@given(now=st.floats(1, 1e7), behind=st.floats(0, 5))
def test_what_is_owed_is_owed_to_who_looked_at_the_clock_sooner_too(now: float, behind: float) -> None:
    full_at = now + taken(60, 10**9, 0.0)
    until_s = until_full_s(full_at, now - behind)
    assert until_s == pytest.approx(MAX_DEBT_S)
    assert now - behind + taken(60, 1, until_s) >= full_at - behind - 1e-6


@given(limit=limits, taken_before=st.integers(0, 2_000), amount=st.integers(1, 1_000))
def test_who_waits_as_long_as_told_is_let_in_and_who_comes_sooner_is_not(
    limit: int, taken_before: int, amount: int
) -> None:
    until_s = taken(limit, taken_before, 0.0)
    pause = wait_s(limit, amount, until_s)
    if amount > limit:
        assert math.isinf(pause)
    else:
        assert wait_s(limit, amount, max(0.0, until_s - pause)) == pytest.approx(0, abs=1e-6)
        assert pause < 1e-3 or wait_s(limit, amount, until_s - pause * 0.9) > 0


@given(limit=limits, reserved=st.integers(0, 1_000), used=st.integers(0, 1_000))
def test_what_is_settled_is_as_if_only_that_had_been_taken(limit: int, reserved: int, used: int) -> None:
    reserved, used = min(reserved, 9 * limit), min(used, 9 * limit)
    change = taken if used > reserved else given_back
    settled = change(limit, abs(used - reserved), taken(limit, reserved, 0.0))
    assert settled == pytest.approx(taken(limit, used, 0.0))


@given(limit=limits, moments=st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_a_clock_that_jumps_leaves_a_bucket_between_owing_and_full(limit: int, moments: list[float]) -> None:
    full_at = 0.0
    for now in moments:
        until_s = until_full_s(full_at, now)
        assert 0 <= until_s <= MAX_DEBT_S
        assert -limit * (MAX_DEBT_S / WINDOW_S) <= left(limit, until_s) <= limit
        full_at = now + taken(limit, limit, until_s)


def test_nothing_is_owed_for_longer_than_ten_minutes() -> None:
    assert taken(1, 10**9, 0.0) == MAX_DEBT_S
    assert until_full_s(50.0 + MAX_DEBT_S, 50.0) == MAX_DEBT_S
