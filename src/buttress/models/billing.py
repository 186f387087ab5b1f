"""What the attempts of one call used and cost together. Pure."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.types import Attempt

_MILLISECOND = timedelta(milliseconds=1)


class Sums(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All attempts of a call together; times in milliseconds.

    `model` was heard: the one that answered, else the last that spoke; None when none did. `busy_ms` is how
    long any was under way, `queued_ms` how long they waited for their turns, `provider_ms` how long providers
    had them.
    """

    model: str | None
    usage: Usage
    cost: NanoDollars | None
    busy_ms: float
    queued_ms: float
    provider_ms: float


def sums_of(attempts: Sequence[Attempt]) -> Sums:
    """Return the sums of `attempts`; mostly there is one, and each call asks."""
    if len(attempts) == 1:
        return _of_one(attempts[0])
    queued_ms = sum(attempt.queued_ms for attempt in attempts)
    return Sums(
        model=_heard(attempts),
        usage=total_usage(attempts),
        cost=total_cost(attempts),
        busy_ms=busy_ms(attempts),
        queued_ms=round(queued_ms, 3),
        provider_ms=round(sum(attempt.duration_ms for attempt in attempts) - queued_ms, 3),
    )


def _of_one(attempt: Attempt) -> Sums:
    spoke = attempt.outcome == "answered" or attempt.first_token_ms is not None
    return Sums(
        model=attempt.model if spoke else None,
        usage=attempt.usage or Usage(),
        cost=attempt.cost,
        busy_ms=attempt.duration_ms,
        queued_ms=attempt.queued_ms,
        provider_ms=round(attempt.duration_ms - attempt.queued_ms, 3),
    )


def _heard(attempts: Sequence[Attempt]) -> str | None:
    answered = [one for one in attempts if one.outcome == "answered"]
    heard = answered or [one for one in attempts if one.first_token_ms is not None]
    return heard[-1].model if heard else None


def total_usage(attempts: Iterable[Attempt]) -> Usage:
    """Return the tokens of every attempt: failed ones are paid for, too."""
    return sum((attempt.usage for attempt in attempts if attempt.usage), start=Usage())


def busy_ms(attempts: Sequence[Attempt]) -> float:
    """Return for how many milliseconds any attempt was under way; those beside each other count once."""
    if len(attempts) == 1:
        return attempts[0].duration_ms
    busy, until = 0.0, None
    for began, took_ms in sorted((one.started_at, one.duration_ms) for one in attempts):
        ended = began + timedelta(milliseconds=took_ms)
        if until is None or ended > until:
            busy += took_ms if until is None else min(took_ms, (ended - until) / _MILLISECOND)
            until = ended
    return busy


def total_cost(attempts: Iterable[Attempt]) -> NanoDollars | None:
    """Return the cost of every attempt; unknown when that of one is."""
    costs = [attempt.cost for attempt in attempts]
    return None if None in costs else NanoDollars(sum(cost for cost in costs if cost is not None))
