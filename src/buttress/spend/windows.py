"""Windows of budgets: from when until when money counts, in a named time zone. Pure.

A day is what the calendar of the zone calls so: 23 or 25 hours where clocks change. A rolling window is cut
into parts; what was spent in a part counts until all of it is out of the window, so that never more is spent
within any stretch of the window's length than the limit.
"""

from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

Kind = Literal["day", "week", "month", "rolling", "total"]

PARTS = 24
"""Into how many parts a rolling window is cut: of a day, an hour each."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Window(msgspec.Struct, frozen=True):
    """A stretch of time, `start` inside and `end` not, in UTC. `end` None: it never ends.

    What is spent in it shares a limit with what was spent since `counts_from`: its own start, but for the
    parts of a rolling window.
    """

    start: datetime
    end: datetime | None
    counts_from: datetime

    @property
    def counts_until(self) -> datetime | None:
        """What was spent in windows from then on does not count: some clock was days ahead. None: all does.

        Of a rolling window it is so far ahead as `counts_from` is behind: clocks differ by parts of it.
        """
        return self.end and self.end + (self.start - self.counts_from)

    def holds(self, moment: datetime) -> bool:
        """Say whether `moment` is inside."""
        return self.start <= moment and (self.end is None or moment < self.end)


def window_at(kind: Kind, moment: datetime, zone: ZoneInfo, *, rolling_s: int = 86_400) -> Window:
    """Return the window that `moment` falls into; `rolling_s` is the length of a rolling one, in seconds."""
    if kind == "total":
        return Window(BEGINNING, None, BEGINNING)
    if kind == "rolling":
        return _part_at(moment, rolling_s)
    first, following = _days(kind, moment.astimezone(zone).date())
    start = _midnight(first, zone)
    return Window(start, _midnight(following, zone), start)


def _days(kind: Kind, day: date) -> tuple[date, date]:
    """Return the first day of the window around `day`, and the day after its last; weeks begin on Monday."""
    if kind == "day":
        return day, day + timedelta(days=1)
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when `day` begins; where clocks skip midnight, that is when they begin again."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _part_at(moment: datetime, rolling_s: int) -> Window:
    part_s = max(1, ceil(rolling_s / PARTS))
    elapsed_s = int((moment - BEGINNING).total_seconds())
    start = BEGINNING + timedelta(seconds=elapsed_s - elapsed_s % part_s)
    end = start + timedelta(seconds=part_s)
    return Window(start, end, start - timedelta(seconds=ceil(rolling_s / part_s) * part_s))
