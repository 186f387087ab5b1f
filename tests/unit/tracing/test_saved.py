"""What answers that were given again have saved."""

from datetime import timedelta

from buttress.kernel.spans import Span
from buttress.kernel.usage import NanoDollars
from buttress.storage.database import Database
from buttress.testing.clock import NOON
from buttress.tracing.saved import Saved, saved
from buttress.tracing.store import TraceStore
from tests.unit.tracing.conftest import MakeTrace


def span(name: str, **data: object) -> Span:
    """Return a step of a call."""
    return Span(name=name, started_at=NOON, start_ms=0.0, duration_ms=1.0, data=data)


async def test_hits_are_summed_by_tenant_and_feature(database: Database, make_trace: MakeTrace) -> None:
    tenant = "saved"
    exact = span("recall", cache="hit", of="tr_0", saved_tokens=10, saved_nanodollars=500)
    shared = span("follow", of="tr_0", saved_tokens=20, saved_nanodollars=None)
    miss = span("recall", cache="miss", similar={"of": "tr_0"})
    old = make_trace(tenant=tenant, spans=[exact], started_at=NOON - timedelta(days=1))
    await TraceStore(database).add(
        [
            make_trace(tenant=tenant, spans=[span("admit"), exact]),
            make_trace(tenant=tenant, spans=[miss, shared]),
            make_trace(tenant=tenant, spans=[miss]),
            make_trace(tenant=tenant, spans=[exact], feature="search"),
            make_trace(tenant="saved-others", spans=[exact]),
            old,
        ]
    )
    support = Saved(tenant=tenant, feature="support", hits=2, tokens=30, cost=NanoDollars(500), unpriced=1)
    search = Saved(tenant=tenant, feature="search", hits=1, tokens=10, cost=NanoDollars(500), unpriced=0)
    assert await saved(database, NOON, tenant=tenant) == [search, support]
    assert await saved(database, NOON, tenant=tenant, feature="search") == [search]
    (since_yesterday, _) = await saved(database, NOON - timedelta(days=2), tenant=tenant)
    assert (since_yesterday.feature, since_yesterday.hits) == ("support", 3)
    assert {one.tenant for one in await saved(database, NOON)} >= {tenant, "saved-others"}
    assert await saved(database, NOON, tenant="nobody") == []
