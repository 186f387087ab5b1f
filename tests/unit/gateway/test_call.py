"""What a call keeps of itself: the model that spoke, what all attempts used, and what they cost."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.call import Call
from buttress.gateway.types import FailedModel, Reply, Sentence
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.types import Attempt
from buttress.testing.clock import NOON
from tests.unit.gateway.world import World, a_call, a_passage


def an_attempt(**changes: object) -> Attempt:
    """Return an attempt that answered, for 5 nano-dollars."""
    attempt = Attempt(
        model="writer",
        provider="openai",
        started_at=NOON,
        first_token_ms=1.0,
        duration_ms=2.0,
        usage=Usage(input=1, output=1),
        cost=NanoDollars(5),
        outcome="answered",
        error_code=None,
    )
    return msgspec.structs.replace(attempt, **changes)


@pytest.fixture
def call(world: World) -> Call:
    """A call that has just begun."""
    return a_call(world.ports)


def test_a_call_that_asked_nobody_costs_nothing(call: Call) -> None:
    assert (call.model, call.usage, call.cost) == (None, Usage(), 0)


@pytest.mark.parametrize("outcome", ["answered", "cut", "cancelled"])
def test_the_model_is_the_one_whose_text_was_released(call: Call, outcome: str) -> None:
    call.attempts.append(an_attempt(model="first", first_token_ms=None, outcome="failed"))
    call.attempts.append(an_attempt(model="second", outcome=outcome))
    assert call.model is None  # nothing of it was released yet
    call.has_model_spoken = True
    assert call.model == "second"


costs = st.lists(st.none() | st.integers(0, 10**12).map(NanoDollars))


@given(costs=costs)
def test_a_cost_is_the_sum_of_all_or_unknown(costs: list[NanoDollars | None]) -> None:
    """One attempt whose cost nobody knows makes the whole unknown: never less than was paid."""
    call = Call.__new__(Call)
    call.attempts = [an_attempt(cost=cost) for cost in costs]
    known = [cost for cost in costs if cost is not None]
    assert call.cost == (sum(known) if len(known) == len(costs) else None)


@given(usages=st.lists(st.none() | st.builds(Usage, input=st.integers(0, 99), output=st.integers(0, 99))))
def test_the_usage_is_that_of_every_attempt_that_told(usages: list[Usage | None]) -> None:
    call = Call.__new__(Call)
    call.attempts = [an_attempt(usage=usage) for usage in usages]
    assert call.usage.total == sum(usage.total for usage in usages if usage)


def test_what_was_released_is_the_answer(call: Call) -> None:
    call.released(Sentence("One. ", ()))
    call.released(Sentence("Two.", ()))
    assert call.answer().text == "One. Two."


def test_a_reply_without_passages_leaves_those_that_were_found(call: Call) -> None:
    call.passages = (a_passage("A text."),)
    call.replied(Reply(sentences=(), outcome="fallback", reason="because"))
    assert (call.outcome, call.reason, len(call.passages)) == ("fallback", "because", 1)


def test_an_answer_before_a_release_was_chosen_has_none(call: Call) -> None:
    assert call.answer().release_id == ""


def test_a_model_whose_last_attempt_failed_is_told_with_the_reason(call: Call) -> None:
    """One that answered when asked again did not fail, nor one that honestly has nothing to quote."""
    call.attempts += [
        an_attempt(model="a", outcome="failed", error_code="models.timeout"),
        an_attempt(model="a", outcome="failed", error_code="models.unavailable"),
        an_attempt(model="b", outcome="failed", error_code="models.unavailable"),
        an_attempt(model="b"),
        an_attempt(model="quotes", outcome="failed", error_code="models.nothing_to_quote"),
    ]
    assert call.answer().failed == (FailedModel("a", "models.unavailable"),)


def test_a_model_that_was_stopped_has_not_failed(call: Call) -> None:
    """A withheld sentence ends its model, and so does an asker who leaves."""
    call.attempts.append(an_attempt(outcome="cancelled", error_code=None))
    assert call.failed == ()
