"""What calls cost, summed up: attempts each by themselves, nothing of another tenant, days of a zone."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from buttress.storage.database import Database
from buttress.testing.clock import NOON
from buttress.tracing.spent import DIMENSIONS, Asked, Dimension, Spent, spent
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from tests.unit.tracing.conftest import MakeTrace

Only = dict[Dimension, set[str]]


def attempt(model: str, cost: int | None, tokens: int = 10) -> dict[str, object]:
    return {"model": model, "cost": cost, "usage": {"input": tokens, "output": 1}}


async def stored(database: Database, *traces: Trace) -> None:
    await TraceStore(database).add(traces)


def plain(found: Sequence[Spent]) -> list[tuple[dict[str, str], int, int]]:
    return [(dict[str, str](one.of.items()), one.calls, one.cost) for one in found]


async def test_each_attempt_is_counted_where_it_was_paid(database: Database, make_trace: MakeTrace) -> None:
    tenant = "spent-attempts"
    fell_back = [attempt("dear", 500), attempt("cheap", 20), attempt("odd", None)]
    await stored(
        database,
        make_trace(tenant=tenant, attempts=fell_back, key_id="k1"),
        make_trace(tenant=tenant, attempts=[attempt("cheap", 30)], user_id=None),
        make_trace(tenant=tenant, attempts=[], feature="rules"),
        make_trace(tenant="spent-others", attempts=[attempt("dear", 9_999)]),
    )
    asked = Asked(since=NOON, only={"tenant": {tenant}})
    by_model = await spent(database, Asked(since=NOON, only={"tenant": {tenant}}, by=("model",)))
    assert plain(by_model) == [
        ({"model": "dear"}, 1, 500),
        ({"model": "cheap"}, 2, 50),
        ({"model": ""}, 1, 0),
        ({"model": "odd"}, 1, 0),
    ]
    assert [one.unpriced for one in by_model] == [0, 0, 0, 1]
    assert plain(await spent(database, asked)) == [
        ({"feature": "support"}, 2, 550),
        ({"feature": "rules"}, 1, 0),
    ]
    both = await spent(database, Asked(since=NOON, only={"tenant": {tenant}}, by=("user", "key")))
    assert plain(both) == [
        ({"user": "ada", "key": "k1"}, 1, 520),
        ({"user": "", "key": ""}, 1, 30),
        ({"user": "ada", "key": ""}, 1, 0),
    ]
    (whole,) = await spent(database, Asked(since=NOON, only={"tenant": {tenant}}, by=()))
    assert (whole.calls, whole.attempts, whole.tokens) == (3, 4, 44)


async def test_days_are_those_of_a_zone_and_stand_in_their_order(
    database: Database, make_trace: MakeTrace
) -> None:
    tenant = "spent-days"
    evening = NOON.replace(hour=23, minute=30)
    await stored(
        database,
        make_trace(tenant=tenant, attempts=[attempt("m", 1)]),
        make_trace(tenant=tenant, started_at=evening, attempts=[attempt("m", 5)]),
        make_trace(tenant=tenant, started_at=NOON - timedelta(days=2), attempts=[attempt("m", 7)]),
    )
    since = NOON - timedelta(days=1)
    day = NOON.strftime("%Y-%m-%d")
    following = (NOON + timedelta(days=1)).strftime("%Y-%m-%d")
    utc = await spent(database, Asked(since=since, only={"tenant": {tenant}}, by=("day",)))
    assert plain(utc) == [({"day": day}, 2, 6)]
    berlin = await spent(
        database, Asked(since=since, only={"tenant": {tenant}}, by=("day",), zone="Europe/Berlin")
    )
    assert plain(berlin) == [({"day": day}, 1, 1), ({"day": following}, 1, 5)]


@pytest.mark.parametrize("dimension", DIMENSIONS)
async def test_everything_can_be_divided_by(
    database: Database, make_trace: MakeTrace, dimension: Dimension
) -> None:
    tenant = f"spent-{dimension}"
    await stored(database, make_trace(tenant=tenant, attempts=[attempt("m", 3)]))
    asked = Asked(since=NOON, only={"tenant": {tenant}}, by=(dimension,))
    (one,) = await spent(database, asked)
    assert (list(one.of), one.cost) == ([dimension], 3)


async def test_names_of_others_are_values_and_nothing_else(database: Database, make_trace: MakeTrace) -> None:
    await stored(database, make_trace(tenant="spent-odd", attempts=[attempt("m", 3)]))
    assert await spent(database, Asked(since=NOON, only={"tenant": {"' OR 1=1 --"}})) == []


async def test_calls_of_others_are_left_out_in_each_dimension(
    database: Database, make_trace: MakeTrace
) -> None:
    tenants = {"spent-only-a", "spent-only-b"}
    fell_back = [attempt("dear", 500), attempt("cheap", 20)]
    await stored(
        database,
        make_trace(tenant="spent-only-a", attempts=fell_back, key_id="k1"),
        make_trace(tenant="spent-only-a", attempts=[attempt("cheap", 3)], user_id="ben"),
        make_trace(tenant="spent-only-b", attempts=[attempt("cheap", 40)], key_id="k1"),
    )

    async def cost(**only: set[str]) -> int:
        asked = Asked(since=NOON, by=(), only=msgspec.convert({"tenant": tenants} | only, Only))
        return sum(one.cost for one in await spent(database, asked))

    assert await cost() == 563
    assert await cost(tenant={"spent-only-a"}) == 523
    assert await cost(key={"k1"}) == 560
    assert await cost(user={"ada"}, tenant={"spent-only-a"}) == 520
    assert await cost(model={"cheap"}) == 63
    assert await cost(key={""}) == 3
    assert await cost(feature=set()) == 0
