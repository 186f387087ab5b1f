"""How spend is asked for: whole days of a zone, dimensions that there are, and only what may be seen."""

from collections.abc import Collection
from datetime import UTC, datetime

import pytest

from buttress.testing.clock import NOON
from buttress.tracing.errors import SpendingUnclear
from buttress.tracing.spending import Wanted, asked_for


@pytest.mark.parametrize(
    ("zone", "since"),
    [
        pytest.param("UTC", datetime(2026, 3, 27, tzinfo=UTC), id="utc"),
        pytest.param("Europe/Berlin", datetime(2026, 3, 26, 23, tzinfo=UTC), id="before clocks change"),
        pytest.param("Asia/Tokyo", datetime(2026, 3, 27, 15, tzinfo=UTC), id="where it is the next day"),
    ],
)
def test_the_first_day_is_whole(zone: str, since: datetime) -> None:
    now = datetime(2026, 3, 30, 15, 30, tzinfo=UTC)
    assert asked_for(Wanted(days=3, zone=zone), now).since == since


def test_dimensions_stand_in_one_order_and_once() -> None:
    assert asked_for(Wanted(by=" day,model ,, model"), NOON).by == ["model", "day"]
    assert asked_for(Wanted(by=""), NOON).by == []


@pytest.mark.parametrize(
    ("tenant", "sight", "only"),
    [
        pytest.param(None, None, {}, id="everything"),
        pytest.param("acme", None, {"tenant": {"acme"}}, id="one tenant of all"),
        pytest.param(None, {"tenant": {"acme", "b"}}, {"tenant": {"acme", "b"}}, id="all that may be seen"),
        pytest.param("acme", {"tenant": {"acme", "b"}}, {"tenant": {"acme"}}, id="one of them"),
        pytest.param("c", {"tenant": {"acme"}}, {"tenant": set()}, id="one that may not be seen"),
        pytest.param("acme", {"user": {"ada"}}, {"user": {"ada"}, "tenant": {"acme"}}, id="one's own there"),
    ],
)
def test_nothing_beyond_ones_sight_is_asked_for(
    tenant: str | None, sight: dict[str, Collection[str]] | None, only: dict[str, set[str]]
) -> None:
    assert asked_for(Wanted(tenant=tenant), NOON, sight).only == only


def test_what_there_is_not_is_named() -> None:
    with pytest.raises(SpendingUnclear, match="by: there is no 'modell'") as unclear:
        asked_for(Wanted(by="day,modell"), NOON)
    assert (unclear.value.hint, unclear.value.data) == ("Did you mean `model`?", {"param": "by"})
    with pytest.raises(SpendingUnclear, match="zone: no time zone is called"):
        asked_for(Wanted(zone="Europe/Berlni"), NOON)
