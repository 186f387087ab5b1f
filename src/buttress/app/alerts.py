"""What of budgets and calls is an alert: the rooms' own rules put together. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from buttress.kernel.usage import NanoDollars, format_dollars
from buttress.releases.types import Release
from buttress.spend.alerts import WHOLE, Standing, quiet_until, reached
from buttress.spend.budgets import Budget, current_window
from buttress.tracing.figures import Figures
from buttress.watch.rules import Missed, Reading, cost_reading, latency_reading
from buttress.watch.settings import WatchSettings
from buttress.watch.types import Alert

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Until when a target that is missed is not told again, unless it was kept in between."""


def budget_alerts(budgets: Iterable[Budget], standings: Iterable[Standing], now: datetime) -> list[Alert]:
    """Return an alert for each share of a budget that an account has reached `now`."""
    by_name = {budget.name: budget for budget in budgets}
    return [
        _budget_alert(by_name[standing.budget], standing, share.percent, now, is_told=share.is_news)
        for standing in standings
        for share in reached(by_name[standing.budget], standing)
    ]


def _budget_alert(
    budget: Budget, standing: Standing, percent: float, now: datetime, *, is_told: bool
) -> Alert:
    window = current_window(budget, now)
    owner = dict(zip(budget.per, standing.owner, strict=False))
    return Alert(
        kind="budget",
        subject=budget.name,
        owner=owner,
        # With the amount: a limit that was raised is told of again.
        mark=f"{percent:g}% of {format_dollars(budget.limit)}",
        text=_budget_text(budget, standing, owner),
        figures={
            "limit_nanodollars": budget.limit,
            "used_nanodollars": standing.used,
            "used_percent": _percent(budget, standing.used),
            "threshold_percent": percent,
        },
        window_start=window.start,
        window_end=window.end,
        quiet_until=quiet_until(budget, window, now),
        is_told=is_told,
    )


def _budget_text(budget: Budget, standing: Standing, owner: Mapping[str, str]) -> str:
    whose = ", ".join(f"{name} {value or 'none'}" for name, value in owner.items())
    used, limit = format_dollars(standing.used), format_dollars(budget.limit)
    percent = _percent(budget, standing.used)
    spent = f"{used} of {limit} spent ({percent:.0f} %), window: {budget.window}"
    refuses = budget.hard and standing.is_refusing and percent < WHOLE
    more = "; calls are refused, what is left does not pay for them" if refuses else ""
    return f"budget {budget.name}{f' ({whose})' if whose else ''}: {spent}{more}"


def _percent(budget: Budget, used: NanoDollars) -> float:
    return round(100 * used / budget.limit, 3)


def watched_features(releases: Mapping[str, Release]) -> dict[str, bool]:
    """Return the features with a target; True where it is (also) one of time."""
    return {
        name: release.latency is not None
        for name, release in releases.items()
        if release.cost is not None or release.latency is not None
    }


def readings(
    releases: Mapping[str, Release], figures: Mapping[str, Figures], settings: WatchSettings
) -> list[Reading]:
    """Return each target of each feature beside what its calls came to."""
    return [
        reading
        for name, found in figures.items()
        for reading in (*_costs(releases[name], found, settings), *_times(releases[name], found, settings))
    ]


def _costs(release: Release, found: Figures, settings: WatchSettings) -> Iterator[Reading]:
    if release.cost is not None:
        yield cost_reading(
            release.feature,
            release.cost.per_interaction,
            mean=found.mean_nanodollars,
            calls=found.priced,
            unpriced=found.calls - found.priced,
            over_s=settings.figures_over_s,
        )


def _times(release: Release, found: Figures, settings: WatchSettings) -> Iterator[Reading]:
    budget = release.latency
    limits = {"first_token_ms": budget.first_token_ms, "total_ms": budget.total_ms} if budget else {}
    for name, limit_ms in limits.items():
        if limit_ms is not None:
            told = Missed(limit=name, budget_ms=limit_ms, missed=found.missed[name], calls=found.calls)
            yield latency_reading(release.feature, told, settings.missed_percent, settings.figures_over_s)
