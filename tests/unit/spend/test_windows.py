"""`spend.windows`."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.spend.windows import Kind, window_at

BERLIN, KATHMANDU, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")
HAVANA = ZoneInfo("America/Havana")
ZONES = st.sampled_from([BERLIN, KATHMANDU, UTC_ZONE, HAVANA, ZoneInfo("Australia/Lord_Howe")])
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["day", "week", "month", "rolling", "total"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("kind", "zone", "moment", "start", "end"),
    [
        pytest.param(
            "day", UTC_ZONE, "2026-11-21T10:00Z", "2026-11-21T00:00Z", "2026-11-22T00:00Z", id="a day"
        ),
        pytest.param(
            "day", BERLIN, "2026-03-29T10:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z", id="a day of 23 h"
        ),
        pytest.param(
            "day", BERLIN, "2026-10-25T10:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z", id="a day of 25 h"
        ),
        pytest.param(
            "day", KATHMANDU, "2026-11-20T18:15Z", "2026-11-20T18:15Z", "2026-11-21T18:15Z", id="a quarter"
        ),
        pytest.param(
            "day", HAVANA, "2026-03-08T12:00Z", "2026-03-08T05:00Z", "2026-03-09T04:00Z", id="no midnight"
        ),
        pytest.param(
            "week", UTC_ZONE, "2027-01-01T00:00Z", "2026-12-28T00:00Z", "2027-01-04T00:00Z", id="a week"
        ),
        pytest.param(
            "month", BERLIN, "2026-02-28T23:30Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z", id="a month"
        ),
        pytest.param(
            "rolling", UTC_ZONE, "2026-11-21T10:59:59Z", "2026-11-21T10:00Z", "2026-11-21T11:00Z", id="a part"
        ),
    ],
)
def test_windows(kind: Kind, zone: ZoneInfo, moment: str, start: str, end: str) -> None:
    window = window_at(kind, at(moment), zone)
    assert (window.start, window.end) == (at(start), at(end))


@given(KINDS, MOMENTS, ZONES, st.integers(60, 10**7))
def test_a_moment_is_in_its_window_and_windows_follow_one_another(
    kind: Kind, moment: datetime, zone: ZoneInfo, rolling_s: int
) -> None:
    window = window_at(kind, moment, zone, rolling_s=rolling_s)
    assert window.holds(moment)
    assert window.counts_from <= window.start
    assert window_at(kind, window.start, zone, rolling_s=rolling_s) == window
    if window.end is not None:
        assert window_at(kind, window.end, zone, rolling_s=rolling_s).start == window.end
        last = window.end - timedelta(microseconds=1)
        assert window_at(kind, last, zone, rolling_s=rolling_s) == window


@given(MOMENTS, st.integers(60, 10**6), st.lists(st.integers(0, 10**6), min_size=2, max_size=30))
def test_what_was_spent_within_the_length_of_a_rolling_window_counts(
    moment: datetime, rolling_s: int, later_s: list[int]
) -> None:
    spent = sorted(moment + timedelta(seconds=one) for one in later_s)
    for earlier, now in pairwise(spent):
        window = window_at("rolling", now, UTC_ZONE, rolling_s=rolling_s)
        is_within = now - earlier < timedelta(seconds=rolling_s)
        assert not is_within or earlier >= window.counts_from
