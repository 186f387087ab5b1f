"""What the attempts of one call used and cost together. Pure."""

from collections.abc import Iterable

from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.types import Attempt


def total_usage(attempts: Iterable[Attempt]) -> Usage:
    """Return the tokens of every attempt: failed ones are paid for, too."""
    return sum((attempt.usage for attempt in attempts if attempt.usage), start=Usage())


def total_cost(attempts: Iterable[Attempt]) -> NanoDollars | None:
    """Return the cost of every attempt; unknown when that of one is."""
    costs = [attempt.cost for attempt in attempts]
    return None if None in costs else NanoDollars(sum(cost for cost in costs if cost is not None))
