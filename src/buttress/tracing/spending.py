"""How spend is asked for: what the command line and HTTP take, and what it means. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

from buttress.kernel.located import did_you_mean
from buttress.tracing.errors import SpendingUnclear
from buttress.tracing.spent import DIMENSIONS, Asked, Dimension

MAX_DAYS, MAX_GROUPS = 3_660, 100_000

MAX_TOLD = 40
"""Characters of what was written that an error repeats."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Spend as somebody asks for it: the query of GET /api/spend, the options of `buttress spend`.

    `by` are names of dimensions with commas between them; `days` how many days back, the first one whole;
    `zone` whose days are meant; `most` how many groups at most, the dearest.
    """

    by: Annotated[str, Meta(max_length=200)] = "feature"
    days: Annotated[float, Meta(gt=0, le=MAX_DAYS)] = 30
    tenant: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    zone: Annotated[str, Meta(max_length=100)] = "UTC"
    most: Annotated[int, Meta(ge=1, le=MAX_GROUPS)] = 50


def asked_for(wanted: Wanted, now: datetime, sight: Mapping[str, Collection[str]] | None = None) -> Asked:
    """Return what is asked for by `wanted`; of what whoever asks may see: such values in these dimensions.

    Raises:
        SpendingUnclear: there is no such dimension or no such time zone.
    """
    zone = _zone(wanted.zone)
    only = {dimension: sight[dimension] for dimension in DIMENSIONS if sight and dimension in sight}
    if wanted.tenant is not None:
        only["tenant"] = {wanted.tenant} & set(only.get("tenant", {wanted.tenant}))
    return Asked(
        since=_whole_day(now - timedelta(days=wanted.days), zone),
        by=_by(wanted.by),
        only=only,
        zone=wanted.zone,
        most=wanted.most,
    )


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        hint = did_you_mean(name, sorted(available_timezones())) or "Write it like `Europe/Berlin`, or `UTC`."
        raise SpendingUnclear("zone", f"no time zone is called {name[:MAX_TOLD]!r}", hint)
    return ZoneInfo(name)


def _whole_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the beginning of the day that `moment` falls into: half a day would look like little."""
    return moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _by(written: str) -> list[Dimension]:
    names = [name.strip() for name in written.split(",") if name.strip()]
    for name in names:
        if name not in DIMENSIONS:
            hint = did_you_mean(name, DIMENSIONS) or f"There are: {', '.join(DIMENSIONS)}."
            raise SpendingUnclear("by", f"there is no {name[:MAX_TOLD]!r} to divide by", hint)
    return [dimension for dimension in DIMENSIONS if dimension in names]
