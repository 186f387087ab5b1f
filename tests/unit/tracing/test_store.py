"""Traces in PostgreSQL: stored once, found by their tenant only."""

from datetime import timedelta

import pytest

from buttress.kernel.spans import Span
from buttress.storage.database import Database
from buttress.testing.clock import NOON
from buttress.tracing.errors import TraceUnknown
from buttress.tracing.store import TraceStore
from tests.unit.tracing.conftest import MakeTrace


async def test_a_trace_comes_back_as_it_was(database: Database, make_trace: MakeTrace) -> None:
    store = TraceStore(database)
    span = Span(name="send", started_at=NOON, start_ms=1.0, duration_ms=2.0, data={"model": "quotes"})
    trace = make_trace(spans=[span], attempts=[{"model": "quotes"}], user_id=None, release_id=None)
    await store.add([trace])
    assert await store.get("default", trace.trace_id) == trace


async def test_a_trace_that_is_shipped_twice_is_stored_once(
    database: Database, make_trace: MakeTrace
) -> None:
    store = TraceStore(database)
    trace = make_trace(tenant="once")
    assert await store.add([trace, trace]) == {trace.trace_id}
    assert await store.add([trace]) == frozenset()
    assert await store.latest("once") == [trace]


async def test_another_tenants_trace_is_not_found_whatever_is_asked(
    database: Database, make_trace: MakeTrace
) -> None:
    store = TraceStore(database)
    trace = make_trace(tenant="theirs")
    await store.add([trace])
    for asked in (trace.trace_id, trace.trace_id[-4:], trace.trace_id[:6], "%", "_", "", "' OR 1=1 --", "\\"):
        with pytest.raises(TraceUnknown):
            await store.get("mine", asked)
    assert trace not in await store.latest("mine")


async def test_the_end_of_an_id_is_enough_when_it_is_the_only_one(
    database: Database, make_trace: MakeTrace
) -> None:
    store = TraceStore(database)
    trace = make_trace(tenant="short", trace_id="tr_abcdefgh_zzz9")
    await store.add([trace, make_trace(tenant="short", trace_id="tr_abcdefgh_zzz8")])
    assert (await store.get("short", "zzz9")).trace_id == trace.trace_id
    with pytest.raises(TraceUnknown):
        await store.get("short", "tr_abcdefgh")


async def test_the_latest_come_first_and_of_one_feature(database: Database, make_trace: MakeTrace) -> None:
    store = TraceStore(database)
    traces = [make_trace(tenant="many", started_at=NOON + timedelta(seconds=n)) for n in range(5)]
    other = make_trace(tenant="many", feature="other", started_at=NOON)
    await store.add([*traces, other])
    assert await store.latest("many", feature="support", limit=3) == traces[:1:-1]
    assert await store.latest("many", feature="other") == [other]


async def test_text_that_postgresql_cannot_hold_is_kept_as_far_as_it_can(
    database: Database, make_trace: MakeTrace
) -> None:
    store = TraceStore(database)
    trace = make_trace(tenant="nul", answer="a\x00b \\u0000 c", input={"question": "x\x00y"})
    await store.add([trace])
    (kept,) = await store.latest("nul")
    assert kept.answer == "a\ufffdb \\u0000 c"
    assert kept.input == {"question": "x\ufffdy"}
