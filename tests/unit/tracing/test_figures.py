"""`tracing.figures`: what calls came to, from traces in a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import TraceId
from buttress.kernel.spans import Span
from buttress.kernel.usage import NanoDollars
from buttress.storage.database import Database
from buttress.tracing.figures import Figures, FigureStore
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_numbers = count()
_run = f"{SeededChance().bits(60):x}"


def a_call(feature: str, cost: int | None = 10, late: str = "", **changes: object) -> Trace:
    """Return the trace of a call that cost so much, and missed the limit `late`."""
    latency = {
        name: {"budget": 800, "was": 900.5, "missed": name == late} for name in ("first_token_ms", "total_ms")
    }
    spans = [
        Span(name="choose", started_at=NOON, start_ms=0.0),
        Span(name="send", started_at=NOON, start_ms=1.0, data={"latency": latency}),
    ]
    plain = Trace(
        trace_id=TraceId(f"tr_{_run}{next(_numbers)}"),
        tenant="default",
        feature=feature,
        release_id=None,
        user_id=None,
        started_at=NOON,
        duration_ms=5.0,
        outcome="answered",
        spans=spans,
        cost_nanodollars=None if cost is None else NanoDollars(cost),
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.fixture
def feature() -> str:
    """A feature that nobody else asks."""
    return f"f-{_run}-{next(_numbers)}"


async def figures(database: Database, *calls: Trace, timed: bool = True) -> dict[str, Figures]:
    """Store `calls`, and return the figures of the hour before noon and after."""
    await TraceStore(database).add(calls)
    features = {call.feature: timed for call in calls}
    return await FigureStore(database).of(features, NOON - timedelta(hours=1))


async def test_costs_that_nobody_knows_are_counted_and_not_taken_for_nothing(
    database: Database, feature: str
) -> None:
    calls = [a_call(feature, cost) for cost in (0, 30, 60, None)]
    assert (await figures(database, *calls))[feature] == Figures(
        calls=4, priced=3, mean_nanodollars=30.0, missed={"first_token_ms": 0, "total_ms": 0}
    )


async def test_limits_that_were_missed_are_counted_by_name(database: Database, feature: str) -> None:
    calls = [a_call(feature, late=late) for late in ("first_token_ms", "total_ms", "total_ms", "")]
    assert (await figures(database, *calls))[feature].missed == {"first_token_ms": 1, "total_ms": 2}


async def test_of_a_feature_without_limits_they_are_not_looked_for(database: Database, feature: str) -> None:
    found = await figures(database, a_call(feature, late="total_ms"), timed=False)
    assert found[feature].missed == {"first_token_ms": 0, "total_ms": 0}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"outcome": "refused"}, id="refused before any work"),
        pytest.param({"outcome": "lost"}, id="lost"),
        pytest.param({"kind": "model"}, id="of a model that is called the same"),
        pytest.param({"started_at": NOON - timedelta(hours=1)}, id="too long ago"),
    ],
)
async def test_what_says_nothing_of_late_is_left_out(
    database: Database, feature: str, changes: dict[str, object]
) -> None:
    found = await figures(database, a_call(feature), a_call(feature, 1_000, "total_ms", **changes))
    assert (found[feature].calls, found[feature].mean_nanodollars) == (1, 10.0)


async def test_calls_of_every_tenant_count_and_of_no_other_feature(database: Database, feature: str) -> None:
    calls = [a_call(feature, 10), a_call(feature, 20, tenant="acme"), a_call(f"{feature}-2", 99)]
    found = await figures(database, *calls)
    assert {name: one.mean_nanodollars for name, one in found.items()} == {
        feature: 15.0,
        f"{feature}-2": 99.0,
    }


async def test_a_feature_without_calls_has_no_figures(database: Database, feature: str) -> None:
    assert await FigureStore(database).of({feature: True}, NOON) == {}
    assert await FigureStore(database).of({}, NOON) == {}
