"""What users of other gateways complain of (docs/explanation/complaints.md), and no other test is about."""

import aiohttp
import pytest
from openai import AsyncOpenAI, InternalServerError

from tests.flows.bench import Bench, question
from tests.flows.doors import PATIENCE, WORKER, heard, request_of
from tests.unit.tracing.test_metrics import values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FAILS = "a page that says 502"


async def counted(bench: Bench) -> dict[tuple[str, ...], float]:
    """Return what the metrics say now."""
    async with (
        aiohttp.ClientSession(timeout=PATIENCE) as session,
        session.get(f"{bench.served.url}/metrics") as response,
    ):
        return values(await response.read())


async def test_a_retry_is_one_call_and_two_attempts(bench: Bench) -> None:
    """litellm#39455: retries that are counted as calls, or not at all."""
    model, before = "by-anthropic", await counted(bench)
    calls = ("buttress_calls_total", model, "failed", WORKER)
    attempts = ("buttress_attempts_total", model, "failed", WORKER)
    body = request_of("chat", model, stream=False, question=question(FAILS))
    assert (await heard(bench.served.url, "chat", body)).status == 503
    after = await counted(bench)
    assert after[calls] - before.get(calls, 0) == 1
    assert after[attempts] - before.get(attempts, 0) == 2


async def test_client_retries_times_ours_are_all_recorded(bench: Bench) -> None:
    """reyn#3047: retries of client, gateway and library make nine calls of one, and one was recorded."""
    model, asked = "by-openai", bench.visits(FAILS, "openai")
    before = len(bench.traces(FAILS, model))
    async with AsyncOpenAI(base_url=f"{bench.served.url}/v1", api_key="none", max_retries=1) as client:
        with pytest.raises(InternalServerError):
            await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": question(FAILS)}]
            )
    found = bench.traces(FAILS, model)[before:]
    assert [len(one.attempts) for one in found] == [2, 2]
    assert bench.visits(FAILS, "openai") - asked == 4
