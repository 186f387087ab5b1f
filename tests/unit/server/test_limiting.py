"""Limits on the way of a request: told in headers, settled at what its trace says, over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from buttress.access.limiter import Limiter
from buttress.access.limits import Asking, Limit, buckets_of
from buttress.access.table import Table
from buttress.app.buttress import Buttress
from buttress.app.layout import run_folder
from buttress.gateway.types import Asked
from buttress.kernel.catalogue import Catalogue, Model
from buttress.kernel.clock import SystemClock
from buttress.kernel.principal import Payer
from buttress.models.dialects.types import Body
from buttress.server.asgi import CallServer, Readiness
from buttress.server.bells import Bell
from buttress.server.limiting import UNSAID_TOKENS, admit, question_of, reserved_tokens, sent_tokens, used
from buttress.server.metrics import WorkerMetrics
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.server.serving import listening, write_project
from tests.waiting import until

WITH_ANSWER = {"model": "scripted", "messages": [{"role": "user", "content": "Hi?"}], "max_tokens": 50}


@asynccontextmanager
async def limited(project: Path, **limit: object) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """Serve `project` with one limit for the block."""
    limits = [msgspec.convert({"name": "all", **limit}, Limit)]
    table = Table(project / "limits.table", 0)
    async with Buttress.open(project) as buttress:
        metrics, draining = WorkerMetrics(run_folder(project), "calls"), Bell()
        limiter = Limiter(table, SystemClock(), limits)
        server = CallServer(buttress, lambda: Readiness({}), draining, metrics, limiter=limiter)
        async with (
            listening(server, buttress.settings.server, draining) as url,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        ):
            yield url, session
    table.close()


@pytest.mark.slow
async def test_requests_beyond_the_limit_are_told_when_to_come_back(project: Path) -> None:
    async with limited(project, requests_per_minute=2) as (url, session):
        for remaining in ("1", "0"):
            async with session.post(f"{url}/v1/chat/completions", json=WITH_ANSWER) as response:
                assert (response.status, response.headers["x-ratelimit-limit-requests"]) == (200, "2")
                assert response.headers["x-ratelimit-remaining-requests"] == remaining
        for path, kind in (("chat/completions", "rate_limit_error"), ("messages", "rate_limit_error")):
            async with session.post(f"{url}/v1/{path}", json=WITH_ANSWER) as response:
                said = await response.json()
            assert (response.status, said["error"]["code"]) == (429, "access.rate_limited")
            assert said["error"]["type"] == kind
            assert 1 <= int(response.headers["retry-after"]) <= 30
            assert response.headers["x-should-retry"] == "true"
            assert response.headers["x-ratelimit-remaining-requests"] == "0"
            assert response.headers["x-ratelimit-reset-requests"].endswith("s")


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_tokens_are_settled_at_what_the_call_used(project: Path, *, stream: bool) -> None:
    async with limited(project, tokens_per_minute=1_200) as (url, session):
        left = []
        for _ in range(3):
            async with session.post(
                f"{url}/v1/chat/completions", json=WITH_ANSWER | {"max_tokens": 4_000, "stream": stream}
            ) as response:
                await response.read()
            assert response.status == 200, await response.text()
            left.append(int(response.headers["x-ratelimit-remaining-tokens"]))
    # Each reserves more than half: without what the one before gave back the second were refused.
    assert all(50 < one < 200 for one in left), left


@pytest.mark.slow
async def test_a_feature_is_limited_too(project: Path) -> None:
    body = {"input": {"question": "When do you open?"}}
    async with limited(project, requests_per_minute=1, where={"feature": "chat"}) as (url, session):
        statuses = []
        for _ in range(2):
            async with session.post(f"{url}/v1/features/chat", json=body) as response:
                statuses.append(response.status)
        async with session.post(f"{url}/v1/chat/completions", json=WITH_ANSWER) as response:
            statuses.append(response.status)
    assert statuses == [200, 429, 200]


@pytest.mark.slow
async def test_so_many_are_under_way_at_once_and_who_hangs_up_makes_room(tmp_path: Path) -> None:
    async with ScriptedUpstream([Reply(first_delay_s=30)]) as upstream:
        project = write_project(tmp_path / "project", upstream.url)
        async with limited(project, concurrent=1) as (url, session):
            path = f"{url}/v1/chat/completions"
            with pytest.raises(TimeoutError):
                async with session.post(path, json=WITH_ANSWER, timeout=aiohttp.ClientTimeout(total=0.5)):
                    pass
            await until(lambda: upstream.received)
            table = Table(project / "limits.table", 1)
            await until(lambda: table.count(_only_number()) == 0)
            table.close()


def _only_number() -> int:
    asking = Asking(payer=Payer(tenant="default", feature="scripted"), is_feature=False, tokens=0)
    return buckets_of([Limit(name="all", concurrent=1)], asking)[0].number


def test_outside_of_a_request_nothing_is_limited() -> None:
    admit(lambda: question_of(Asked(feature="chat", input={})))
    used(5)


def body(size_bytes: int, **fields: object) -> Body:
    raw = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return Body(dialect="chat", model="m", fields=raw, size_bytes=size_bytes)


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [
        pytest.param(body(300, max_tokens=50), 101 + 50, id="what it sends and what it asks for"),
        pytest.param(body(300, max_completion_tokens=50), 101 + 50, id="in the other word"),
        pytest.param(body(300), 101 + UNSAID_TOKENS, id="a length that nobody said"),
        pytest.param(body(300, max_tokens=None), 101 + UNSAID_TOKENS, id="a length of null"),
        pytest.param(body(300, max_tokens=10**9), 101 + 8_000, id="not longer than the model answers"),
        pytest.param(body(10**7, max_tokens=0), 100_000, id="a picture is not longer than the window"),
    ],
)
def test_what_is_reserved(asked: Body, tokens: int) -> None:
    model = Model(name="m", provider="openai", window_tokens=100_000, max_output_tokens=8_000)
    assert reserved_tokens(asked, Catalogue(models={"m": model}, ladders={})) == tokens
    assert reserved_tokens(asked, Catalogue(models={}, ladders={})) >= sent_tokens(asked.size_bytes)
