"""`models.breaker`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from buttress.models.breaker import Breaker, Effect, after, entered, recovered, rested, spoken
from buttress.models.settings import BreakerSettings

SETTINGS = BreakerSettings(failures=3, open_s=2.0, open_cap_s=10.0)
PROBE_S = 5.0
EFFECTS = st.sampled_from(["good", "ill", "neither"])


def ended(breaker: Breaker, effect: Effect, now: float, term: int | None = None) -> Breaker:
    """Return it after a call ended, which was let in just now unless `term` says otherwise."""
    return after(breaker, effect, breaker.term if term is None else term, now, SETTINGS)


def broken(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(SETTINGS.failures):
        breaker = ended(breaker, "ill", now)
    return breaker


def probed(now: float = 2.0) -> Breaker:
    return entered(broken(), now, PROBE_S)


def test_enough_failures_in_a_row_open_it() -> None:
    breaker = broken()
    assert (breaker.state(0), breaker.admits(1.9)) == ("open", False)


def test_a_success_between_begins_the_count_anew() -> None:
    breaker = Breaker()
    for effect in ("ill", "ill", "good", "ill", "ill"):
        breaker = ended(breaker, effect, 0)
    assert breaker.state(0) == "closed"


def test_a_call_that_goes_well_while_all_is_well_makes_nothing_new() -> None:
    breaker = Breaker()
    assert ended(entered(breaker, 0, PROBE_S), "good", 1) is breaker


def test_when_its_time_is_over_one_probe_goes_and_no_second() -> None:
    breaker = broken()
    assert breaker.state(2) == "half_open"
    assert breaker.admits(2)
    assert not probed().admits(2)


def test_a_probe_that_succeeds_closes_it_for_all() -> None:
    breaker = ended(probed(), "good", 2.5)
    assert (breaker.state(2.5), breaker.failures, breaker.trips) == ("closed", 0, 0)


def test_a_probe_that_speaks_lets_all_others_in_however_long_it_goes_on() -> None:
    probe = probed()
    breaker = spoken(probe, probe.term, SETTINGS)
    assert all(breaker.admits(2 + seconds) for seconds in range(100))


def test_on_trial_the_next_failure_opens_it_for_twice_as_long() -> None:
    probe = probed()
    breaker = ended(spoken(probe, probe.term, SETTINGS), "ill", 3)
    assert (breaker.until or 0) - 3 == 4


def test_on_trial_a_whole_answer_ends_the_trial() -> None:
    probe = probed()
    breaker = ended(spoken(probe, probe.term, SETTINGS), "good", 3)
    assert (breaker.failures, breaker.trips) == (0, 0)


def test_a_probe_of_which_nothing_is_heard_leaves_its_place_in_time() -> None:
    assert [probed().admits(now) for now in (2.0, 6.9, 7.0)] == [False, False, True]


@pytest.mark.parametrize("effect", ["good", "ill", "neither"])
@pytest.mark.parametrize("speaks", [pytest.param(True, id="speaks"), pytest.param(False, id="is silent")])
def test_who_entered_before_it_opened_cannot_speak_for_the_probe(effect: Effect, *, speaks: bool) -> None:
    probe = probed()
    late = spoken(probe, 0, SETTINGS) if speaks else probe
    assert ended(late, effect, 3, term=0) == probe


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
        breaker = ended(entered(breaker, now, PROBE_S), "ill", now)
    assert (breaker.until or 0) - now == open_s


def test_a_probe_that_says_nothing_leaves_the_place_to_the_next() -> None:
    assert ended(probed(), "neither", 2.5).admits(2.5)


def test_a_late_success_of_a_call_that_went_before_does_not_close_it() -> None:
    assert ended(broken(), "good", 1, term=0).state(1) == "open"


def test_late_failures_of_calls_that_went_before_do_not_lengthen_it() -> None:
    assert ended(broken(), "ill", 1, term=0) == broken()


def test_late_failures_do_not_count_after_it_was_closed_again() -> None:
    breaker = ended(probed(), "good", 2.5)
    assert ended(breaker, "ill", 3, term=0) == breaker


def test_what_asks_to_be_left_alone_is_left_alone_and_the_later_moment_counts() -> None:
    breaker = rested(Breaker(), 5)
    assert (breaker.admits(4.9), breaker.admits(5)) == (False, True)
    assert rested(breaker, 3).until == 5
    assert recovered(breaker).admits(0)


class AnyCalls(RuleBasedStateMachine):
    """Calls that enter, speak and end in any order while time passes and other workers talk."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker()
        self.under_way: list[int] = []

    @rule(seconds=st.floats(0, 6))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_call_asks(self) -> None:
        if not self.breaker.admits(self.now):
            return
        was_closed = self.breaker.state(self.now) == "closed"
        self.breaker = entered(self.breaker, self.now, PROBE_S)
        self.under_way.append(self.breaker.term)
        assert was_closed or not self.breaker.admits(self.now), "one probe at a time"

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def one_speaks(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.under_way) - 1))
        before, term = self.breaker, self.under_way[at]
        self.breaker = spoken(before, term, SETTINGS)
        if term != before.term:
            assert self.breaker == before, "its term is over"
        else:
            self.under_way[at] = self.breaker.term
            assert self.breaker.admits(self.now), "it answers: all may go"

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), effect=EFFECTS)
    def one_ends(self, data: st.DataObject, effect: Effect) -> None:
        term = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        before = self.breaker
        self.breaker = after(before, effect, term, self.now, SETTINGS)
        if term != before.term or (effect == "neither" and before.until is None):
            assert self.breaker == before, "it has no say"
        elif effect == "good":
            assert self.breaker.admits(self.now)

    @rule(seconds=st.floats(0, SETTINGS.open_cap_s))
    def it_is_to_rest(self, seconds: float) -> None:
        self.breaker = rested(self.breaker, self.now + seconds)

    @rule()
    def another_worker_saw_it_answer(self) -> None:
        self.breaker = recovered(self.breaker)

    @invariant()
    def it_is_never_left_alone_for_ever(self) -> None:
        assert self.breaker.admits(self.now + SETTINGS.open_cap_s + PROBE_S)
        assert self.breaker.failures < SETTINGS.failures
        assert self.breaker.until is None or self.breaker.until <= self.now + SETTINGS.open_cap_s


TestAnyCalls = AnyCalls.TestCase
TestAnyCalls.settings = settings(max_examples=30, stateful_step_count=20)


@given(st.lists(st.tuples(EFFECTS, st.floats(0, 30)), max_size=60))
def test_terms_only_rise(steps: list[tuple[Effect, float]]) -> None:
    breaker, now = Breaker(), 0.0
    for effect, passed in steps:
        now += passed
        before = breaker
        if breaker.admits(now):
            breaker = ended(entered(breaker, now, PROBE_S), effect, now)
        assert breaker.term >= before.term
        assert (breaker.term > before.term) >= (breaker.state(now) != before.state(now))
