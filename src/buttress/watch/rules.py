"""When a feature's cost or lateness is worth an alert, when it is over; when a webhook is tried again. Pure.

A target is missed from the moment that the mean (or the share) is above it, and until it is well below, so
that a figure that swings around its target is told once and not each time it passes.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from buttress.kernel.usage import NanoDollars, format_dollars
from buttress.watch.types import Alert, Kind

WELL_BELOW = 0.8
"""At how much of its target a figure is well again."""

FIRST_RETRY_S, LONGEST_RETRY_S = 5.0, 3_600.0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What `calls` of a feature came to of late: `value` against `target`, in the same unit."""

    kind: Kind
    feature: str
    mark: str
    text: str
    value: float
    target: float
    calls: int
    figures: dict[str, int | float]


def cost_reading(
    feature: str, target: NanoDollars, *, mean: float, calls: int, unpriced: int, over_s: int
) -> Reading:
    """Return the reading of a cost target: the `mean` of `calls` whose cost is known, in nano-dollars."""
    shown, limit = format_dollars(NanoDollars(round(mean))), format_dollars(target)
    unknown = f"; of {unpriced:,} more nobody knows the cost" if unpriced else ""
    return Reading(
        kind="cost",
        feature=feature,
        mark=f"{limit} per interaction",
        text=f"{feature}: {shown} per interaction, the target is {limit} ({_over(calls, over_s)}{unknown})",
        value=mean,
        target=target,
        calls=calls,
        figures={
            "target_nanodollars": target,
            "mean_nanodollars": round(mean),
            "calls": calls,
            "unpriced_calls": unpriced,
        },
    )


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of a latency budget (`first_token_ms` or `total_ms`), and how many of `calls` missed it."""

    limit: str
    budget_ms: int
    missed: int
    calls: int


def latency_reading(feature: str, told: Missed, missed_percent: float, over_s: int) -> Reading:
    """Return the reading of a limit that is to be missed by no more than `missed_percent` of all calls."""
    percent = 100 * told.missed / told.calls if told.calls else 0.0
    return Reading(
        kind="latency",
        feature=feature,
        mark=f"{told.limit} of {told.budget_ms:,}",
        text=f"{feature}: {percent:.1f} % of its calls missed {told.limit} of {told.budget_ms:,} ms, "
        f"more than {missed_percent:g} % ({_over(told.calls, over_s)})",
        value=percent,
        target=missed_percent,
        calls=told.calls,
        figures={
            "budget_ms": told.budget_ms,
            "missed_calls": told.missed,
            "calls": told.calls,
            "missed_percent": round(percent, 3),
        },
    )


def _over(calls: int, over_s: int) -> str:
    return f"{calls:,} calls in {over_s / 60:,.0f} minutes"


def is_missed(reading: Reading, min_calls: int) -> bool:
    """Say whether the target is missed, by calls enough to say so."""
    return reading.calls >= min_calls and reading.value > reading.target


def goes_on(reading: Reading, min_calls: int) -> bool:
    """Say whether a target that was missed still is: not while the figure is well below, or few are left."""
    return reading.calls >= min_calls and reading.value > WELL_BELOW * reading.target


def missed_alerts(readings: Iterable[Reading], min_calls: int, now: datetime, end: datetime) -> list[Alert]:
    """Return an alert for each target that is missed `now`; it holds until `end`, or until it is over."""
    return [
        Alert(
            kind=one.kind,
            subject=one.feature,
            mark=one.mark,
            text=one.text,
            figures=one.figures,
            window_start=now,
            quiet_until=end,
        )
        for one in readings
        if is_missed(one, min_calls)
    ]


def retry_delay_s(tries: int, fraction: float) -> float:
    """Return the seconds to wait after `tries` tries that came to nothing (at least 1).

    Five seconds, doubled each time up to an hour, of which the second half is chance (`fraction` in [0, 1)):
    receivers that come back are not asked by all at once.
    """
    longest_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(tries - 1, 20))
    return longest_s * (0.5 + fraction / 2)
