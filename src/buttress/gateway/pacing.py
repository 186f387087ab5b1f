"""The latency budget of a feature: what is left of it for the models, and whether it was kept. Pure."""

from buttress.models.types import Pace
from buttress.releases.types import LatencyBudget


def pace_of(budget: LatencyBudget | None, elapsed_ms: float, hedge_after_ms: int | None) -> Pace:
    """Return what the models may take when `elapsed_ms` of the call are over; what came before counts."""
    if budget is None:
        return Pace(hedge_after_ms=hedge_after_ms)
    return Pace(
        first_token_ms=_left(budget.first_token_ms, elapsed_ms),
        total_ms=_left(budget.total_ms, elapsed_ms),
        hedge_after_ms=hedge_after_ms,
    )


def _left(budget_ms: int | None, elapsed_ms: float) -> float | None:
    return None if budget_ms is None else max(0.0, budget_ms - elapsed_ms)


def told(budget: LatencyBudget, first_token_ms: float | None, total_ms: float) -> dict[str, object]:
    """Return what the trace says: each limit, how long it was, and whether that was too long.

    Both times are counted from the beginning of the call, in milliseconds; `first_token_ms` None: none came.
    """
    waited_ms = total_ms if first_token_ms is None else first_token_ms
    lines = (
        ("first_token_ms", budget.first_token_ms, first_token_ms, waited_ms),
        ("total_ms", budget.total_ms, total_ms, total_ms),
    )
    return {
        name: {"budget": limit, "was": None if was is None else round(was, 3), "missed": waited >= limit}
        for name, limit, was, waited in lines
        if limit is not None
    }
