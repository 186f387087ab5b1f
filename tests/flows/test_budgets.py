"""Budgets over HTTP: who has spent everything is refused, and told until when; all others go on."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec
import openai
import pytest

from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.flows.running import Served, buttress, kill, postmaster, serve
from tests.waiting import until

pytestmark = pytest.mark.slow

DAY_S = 86_400
MODELS = """
models:
  small: {{provider: openai, id: m, base_url: "{url}", price: {{input: 0, output: 1}}}}
"""
BUDGETS = """
budgets:
  each: {{limit: {limit} USD, window: day, per: [user]}}
"""
USAGE = {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}
TWO_CALLS, FORTY_CALLS = "0.000006", "0.00012"
COST = 3_000


class Said(msgspec.Struct, frozen=True):
    """What was answered: the status, the error's code if there is one, the headers."""

    status: int
    code: str | None
    headers: Mapping[str, str]


async def ask(served: Served, user: str, *, stream: bool = False) -> Said:
    """Ask a question that costs 3,000 nano-dollars, and at most as much."""
    messages = [{"role": "user", "content": "Hi?"}]
    body = {"model": "small", "messages": messages, "max_tokens": 3, "user": user, "stream": stream}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{served.url}/v1/chat/completions", json=body) as response,
    ):
        text = await response.text()
        code = None if response.status == 200 else msgspec.json.decode(text)["error"]["code"]
        return Said(response.status, code, response.headers.copy())


async def exhausted(served: Served, user: str) -> Said:
    """Ask until the budget of `user` has nothing left; what is set aside at first is settled in seconds."""
    said = await ask(served, user)
    while said.code == "budget.held":
        assert said.headers["x-should-retry"] == "true"
        await asyncio.sleep(float(said.headers["retry-after"]))
        said = await ask(served, user)
    return said


async def test_budgets_over_http(tmp_path: Path) -> None:
    """One server for all of it: a start takes seconds."""
    project = tmp_path / "budgets"
    project.mkdir()
    async with ScriptedUpstream([Reply(usage=dict[str, object](USAGE))]) as upstream:
        (project / "models.yaml").write_text(MODELS.format(url=upstream.url))
        (project / "budgets.yaml").write_text(BUDGETS.format(limit=TWO_CALLS))
        (project / "buttress.yaml").write_text("spend: {ask_timeout_s: 5}\n")
        with serve(project) as served:
            await _who_has_spent_everything_is_refused(served, upstream)
            await _each_answer_says_what_is_left(served)
            await _official_clients_do_not_come_back(served, upstream)
            await _a_limit_that_is_raised_counts_at_once(project, served)
            await _without_the_database_money_at_hand_is_spent(project, served)


async def _each_answer_says_what_is_left(served: Served) -> None:
    """A stream begins before it is paid for; another worker may not know yet what the first call cost."""
    whole = await ask(served, "dora")
    assert _left(whole) == ("0.000003", "0.000006")
    streamed = await ask(served, "dora", stream=True)
    assert _left(streamed) in {("0.000003", "0.000006"), ("0.000006", "0.000006")}
    async with aiohttp.ClientSession() as session, session.get(f"{served.url}/api/budgets") as response:
        assert (response.status, response.headers["cache-control"]) == (200, "no-store")


def _left(said: Said) -> tuple[str, str]:
    name, *parts = said.headers["x-buttress-budget"].split(";")
    figures = dict(part.split("=") for part in parts)
    assert name == "each"
    assert 0 < int(figures["reset"]) <= DAY_S
    return figures["left"], figures["limit"]


async def _who_has_spent_everything_is_refused(served: Served, upstream: ScriptedUpstream) -> None:
    assert [(await ask(served, "anna", stream=stream)).status for stream in (False, True)] == [200, 200]
    said = await exhausted(served, "anna")
    assert (said.status, said.code) == (429, "budget.exhausted")
    assert said.headers["x-should-retry"] == "false"
    assert 0 < int(said.headers["retry-after"]) <= DAY_S
    assert said.headers["x-buttress-trace-id"].startswith("tr_")
    assert (await ask(served, "ben")).status == 200
    assert len(upstream.received) == 3

    async def is_told() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{served.url}/metrics") as response:
            text = await response.text()
        return 'buttress_budget_used_ratio{worker="background",budget="each"} 1.0' in text

    await until(is_told, 20)


async def _official_clients_do_not_come_back(served: Served, upstream: ScriptedUpstream) -> None:
    before = len(upstream.received)
    async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=3) as client:
        began = asyncio.get_running_loop().time()
        with pytest.raises(openai.RateLimitError, match="each of default, anna"):
            await client.chat.completions.create(
                model="small", messages=[{"role": "user", "content": "Hi?"}], max_tokens=3, user="anna"
            )
        assert asyncio.get_running_loop().time() - began < 10
    assert len(upstream.received) == before


async def _a_limit_that_is_raised_counts_at_once(project: Path, served: Served) -> None:
    (project / "budgets.yaml").write_text(BUDGETS.format(limit=FORTY_CALLS))

    async def has_money() -> bool:
        return (await ask(served, "anna")).status == 200

    await until(has_money, 20)


async def _without_the_database_money_at_hand_is_spent(project: Path, served: Served) -> None:
    """Who holds a lease goes on; what was spent meanwhile is told when the database is back."""
    assert (await ask(served, "carl")).status == 200
    for _ in range(5):
        kill(postmaster(project))
        assert (await ask(served, "carl")).status == 200

    async def is_told() -> bool:
        told = await asyncio.to_thread(buttress, project, "budget", "--json")
        states = msgspec.json.decode(told.stdout) if told.returncode == 0 else []
        return (6 * COST, 0) in [
            (state["used"], state["assumed"]) for state in states if state["owner"]["user"] == "carl"
        ]

    await until(is_told, 30)
