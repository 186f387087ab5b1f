"""`models.breaker`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.breaker import Breaker, Effect, after, entered, recovered, rested
from buttress.models.settings import BreakerSettings

SETTINGS = BreakerSettings(failures=3, open_s=2.0, open_cap_s=10.0)
EFFECTS = st.sampled_from(["good", "ill", "neither"])


def broken(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(SETTINGS.failures):
        breaker = after(breaker, "ill", now, SETTINGS)
    return breaker


def test_enough_failures_in_a_row_open_it() -> None:
    breaker = broken()
    assert (breaker.state(0), breaker.admits(1.9)) == ("open", False)


def test_a_success_between_begins_the_count_anew() -> None:
    breaker = Breaker()
    for effect in ("ill", "ill", "good", "ill", "ill"):
        breaker = after(breaker, effect, 0, SETTINGS)
    assert breaker.state(0) == "closed"


def test_when_its_time_is_over_one_probe_goes_and_no_second() -> None:
    breaker = broken()
    assert breaker.state(2) == "half_open"
    assert breaker.admits(2)
    assert not entered(breaker, 2).admits(2)


def test_a_probe_that_succeeds_closes_it_for_all() -> None:
    breaker = after(entered(broken(), 2), "good", 2.5, SETTINGS)
    assert breaker == Breaker()


@pytest.mark.parametrize(
    ("trips", "open_s"),
    [
        pytest.param(1, 2.0, id="the first time"),
        pytest.param(2, 4.0, id="twice as long the second time"),
        pytest.param(3, 8.0, id="and again"),
        pytest.param(4, 10.0, id="up to the cap"),
        pytest.param(9, 10.0, id="and no further"),
    ],
)
def test_each_probe_that_fails_doubles_the_time(trips: int, open_s: float) -> None:
    breaker, now = broken(), 0.0
    for _ in range(trips - 1):
        now = breaker.until or now
        breaker = after(entered(breaker, now), "ill", now, SETTINGS)
    assert (breaker.until or 0) - now == open_s


def test_a_probe_that_says_nothing_leaves_the_place_to_the_next() -> None:
    assert after(entered(broken(), 2), "neither", 2.5, SETTINGS).admits(2.5)


def test_a_late_success_of_a_call_that_went_before_does_not_close_it() -> None:
    assert after(broken(), "good", 1, SETTINGS).state(1) == "open"


def test_late_failures_of_calls_that_went_before_do_not_lengthen_it() -> None:
    assert after(broken(), "ill", 1, SETTINGS) == broken()


def test_what_asks_to_be_left_alone_is_left_alone_and_the_later_moment_counts() -> None:
    breaker = rested(Breaker(), 5)
    assert (breaker.admits(4.9), breaker.admits(5)) == (False, True)
    assert rested(breaker, 3) == breaker
    assert recovered().admits(0)


@given(st.lists(st.tuples(EFFECTS, st.floats(0, 30)), max_size=60))
def test_it_is_never_open_for_longer_than_the_cap_and_admits_one_at_a_time(
    steps: list[tuple[Effect, float]],
) -> None:
    breaker, now, admitted = Breaker(), 0.0, False
    for effect, passed in steps:
        now += passed
        admitted = breaker.admits(now)
        if admitted:
            was_closed = breaker.state(now) == "closed"
            breaker = entered(breaker, now)
            assert was_closed or not breaker.admits(now)
            breaker = after(breaker, effect, now, SETTINGS)
        assert breaker.until is None or breaker.until <= now + SETTINGS.open_cap_s
    assert breaker.admits(now + SETTINGS.open_cap_s)
