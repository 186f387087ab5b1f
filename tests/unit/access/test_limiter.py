"""`access.limiter`: let in, told, and settled."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.errors import RateLimited
from buttress.access.limiter import Limiter, Pass, as_duration
from buttress.access.limits import Asking, Limit
from buttress.access.table import Table
from buttress.kernel.principal import Payer
from buttress.testing.clock import ManualClock

NOWHERE = Path("/dev/null/no such folder/table")
"""A table of one process alone."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


Making = Callable[..., Limiter]


@pytest.fixture
def limiter(clock: ManualClock) -> Making:
    def made(**amounts: int) -> Limiter:
        limit = msgspec.convert({"name": "each-user", "per": ["user"], **amounts}, Limit)
        return Limiter(Table(NOWHERE, 0), clock, [limit])

    return made


def asking(user: str = "ada", tokens: int = 10) -> Asking:
    return Asking(payer=Payer(tenant="acme", feature="support", user=user), is_feature=True, tokens=tokens)


def told(found: Pass | RateLimited) -> dict[str, str]:
    return {name.decode().removeprefix("x-ratelimit-"): value.decode() for name, value in found.headers}


def refused(limiter: Limiter, given: Asking) -> RateLimited:
    with pytest.raises(RateLimited) as raised:
        limiter.admit(given)
    return raised.value


def test_requests_are_let_in_up_to_the_limit_and_each_user_has_their_own(
    limiter: Making, clock: ManualClock
) -> None:
    one = limiter(requests_per_minute=3)
    for remaining in ("2", "1", "0"):
        assert told(one.admit(asking()))["remaining-requests"] == remaining
    refusal = refused(one, asking())
    assert refusal.as_dict()["data"] == {"retry_after_s": 20.0}
    assert told(refusal) == {"limit-requests": "3", "remaining-requests": "0", "reset-requests": "1m0s"}
    assert "ada" not in refusal.message
    one.admit(asking("ben"))
    clock.advance(19.9)
    refused(one, asking())
    clock.advance(0.11)
    one.admit(asking())


def test_tokens_are_settled_at_what_was_used(limiter: Making) -> None:
    one = limiter(tokens_per_minute=100)
    first = one.admit(asking(tokens=80))
    assert told(first)["remaining-tokens"] == "20"
    assert refused(one, asking(tokens=30)).retryable
    first.end(5)
    second = one.admit(asking(tokens=95))
    assert told(second)["remaining-tokens"] == "0"
    second.end(195)
    assert refused(one, asking(tokens=1)).data["retry_after_s"] == pytest.approx(60.6, abs=0.1)


def test_a_request_that_can_never_be_let_in_is_told_so(limiter: Making) -> None:
    refusal = refused(limiter(tokens_per_minute=100), asking(tokens=101))
    assert (refusal.retryable, refusal.data) == (False, {})
    assert "101 tokens" in refusal.message


def test_so_many_are_under_way_and_no_more(limiter: Making) -> None:
    one = limiter(concurrent=2)
    first, second = one.admit(asking()), one.admit(asking())
    assert refused(one, asking()).data["retry_after_s"] == 1
    first.end(0)
    third = one.admit(asking())
    refused(one, asking())
    second.end(0)
    third.end(0)
    assert [one.admit(asking()) for _ in range(2)]


def test_who_is_refused_by_one_limit_takes_nothing_of_another(clock: ManualClock) -> None:
    limits = [Limit(name="a", requests_per_minute=100, concurrent=9), Limit(name="b", tokens_per_minute=5)]
    one = Limiter(Table(NOWHERE, 0), clock, limits)
    for _ in range(20):
        refused(one, asking(tokens=6))
    assert told(one.admit(asking(tokens=5)))["remaining-requests"] == "99"


def test_without_limits_everybody_is_let_in(clock: ManualClock) -> None:
    found = Limiter(Table(NOWHERE, 0), clock).admit(asking(tokens=10**9))
    assert found.headers == []
    found.end(10**9)


@given(steps=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), st.integers(0, 60)), max_size=30))
def test_what_was_used_and_let_in_never_goes_far_beyond_the_limit(steps: list[tuple[int, int, int]]) -> None:
    """Whatever is reserved and used: who is let in finds room for what they reserve, less what was used."""
    clock = ManualClock()
    one = Limiter(Table(NOWHERE, 0), clock, [Limit(name="a", tokens_per_minute=60)])
    balance = 60.0
    for pause, tokens, used in steps:
        clock.advance(pause)
        balance = min(60.0, balance + pause)
        try:
            found = one.admit(asking(tokens=tokens))
        except RateLimited:
            assert balance < tokens + 1e-6
        else:
            assert balance >= tokens - 1e-6
            found.end(used)
            balance -= used


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        pytest.param(0, "0ms", id="none"),
        pytest.param(0.0115, "12ms", id="milliseconds"),
        pytest.param(1, "1s", id="a second"),
        pytest.param(8.64, "8.64s", id="seconds and parts"),
        pytest.param(360, "6m0s", id="minutes"),
    ],
)
def test_lengths_of_time_are_written_as_openai_does(seconds: float, said: str) -> None:
    assert as_duration(seconds) == said
