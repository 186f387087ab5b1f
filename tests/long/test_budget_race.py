"""A budget that more clients want than it fits, 3 workers, and processes that are killed: it adds up."""

import asyncio
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path

import aiohttp
import msgspec
import psutil
import pytest

from buttress.app.layout import journal_folder
from buttress.app.project import declared_budgets
from buttress.app.storage import project_database
from buttress.kernel.chance import Chance, SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NANO
from buttress.settings.loading import load_settings
from buttress.spend.budgets import Spender, accounts_of
from buttress.spend.journal import KEPT, newest, read_reports
from buttress.spend.store import Balance, Ledger
from buttress.testing.upstream import Reply, ScriptedUpstream
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from tests.flows.running import Served, kill, say, serve
from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

CLIENTS, WORKERS, FITTING = 500, 3, 200
KILLING_CLIENTS, KILLING_FITTING, KILLING_S, PATIENCE_S = 12, 1_000, 60.0, 200.0
COST = 3_000
"""Nano-dollars of one call: three tokens, of which a million cost a dollar; no more may come."""

MODELS = """
models:
  small: {{provider: openai, id: m, base_url: "{url}", price: {{input: 0, output: 1}}}}
"""
BUDGETS = """
budgets:
  race: {{limit: {limit} USD, window: total}}
  each: {{limit: 1 USD, window: day, per: [user]}}
"""
SETTINGS = """
spend: {{ask_timeout_s: {ask_timeout_s}}}
models: {{breaker: {{failures: 1000}}, concurrency: {{start: 400, most: 400, queue_length: 1000}}}}
"""


class Client(msgspec.Struct):
    """Asks one question, again while it is told to, and knows what became of each request by its user."""

    name: str
    url: str
    ends: dict[str, str] = {}

    async def ask(self, session: aiohttp.ClientSession) -> None:
        """Ask until there is an answer, or the budget has nothing left."""
        for number in range(60):
            user = f"{self.name}-{number}"
            pause_s = await self._ask_once(session, user)
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)
        self.ends["gave up"] = "gave up"

    async def ask_on(self, session: aiohttp.ClientSession, deadline: float) -> None:
        """Ask one question after the other, until the budget has nothing left."""
        for number in count():
            user = f"{self.name}-{number}"
            pause_s = await self._ask_once(session, user)
            if self.ends[user] == "budget.exhausted":
                return
            if asyncio.get_running_loop().time() > deadline:
                self.ends["gave up"] = "gave up"
                return
            await asyncio.sleep(pause_s or 0)

    async def _ask_once(self, session: aiohttp.ClientSession, user: str) -> float | None:
        """Return how long to wait before the next request; None: there is no need for one."""
        messages = [{"role": "user", "content": "Hi?"}]
        body = {"model": "small", "messages": messages, "max_tokens": 3, "user": user}
        try:
            async with session.post(f"{self.url}/v1/chat/completions", json=body) as response:
                answer = await response.json()
        except aiohttp.ClientError:
            self.ends[user] = "broken off"
            return None
        self.ends[user] = "answered" if response.status == 200 else answer["error"]["code"]
        if self.ends[user] not in ("budget.held", "budget.ledger_away"):
            return None
        return float(response.headers.get("retry-after", "1"))


def make_project(folder: Path, url: str, *, fitting: int = FITTING, ask_timeout_s: float = 10) -> Path:
    folder.mkdir()
    (folder / "models.yaml").write_text(MODELS.format(url=url))
    (folder / "budgets.yaml").write_text(BUDGETS.format(limit=f"{fitting * COST / NANO:.9f}"))
    (folder / "buttress.yaml").write_text(SETTINGS.format(ask_timeout_s=ask_timeout_s))
    return folder


async def race(served: Served, upstream: ScriptedUpstream) -> dict[str, str]:
    """Let all ask at once, and kill a worker when half of the money is spent; return how requests ended."""
    clients = [Client(f"c{number}", served.url) for number in range(CLIENTS)]
    connector = aiohttp.TCPConnector(limit=CLIENTS, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.ask(session))
        await until(lambda: len(upstream.received) >= FITTING // 2, 60, "half of the money is spent")
        assert kill(served.pid_of("calls-2"))
    return {user: end for client in clients for user, end in client.ends.items()}


async def known(project: Path) -> tuple[Balance, list[Trace]]:
    """Return how it stands with the budget, and every trace."""
    budgets = [one for one in declared_budgets(project) if one.name == "race"]
    payer = Payer(tenant="default", feature="small")
    due = accounts_of(budgets, Spender(payer, "small"), SystemClock().now())[0]
    async with project_database(load_settings(project), SystemClock()) as database:
        traces = await TraceStore(database).latest("default", limit=100_000)
        return await Ledger(database).balance(due), traces


def assumed_in(project: Path) -> int:
    """Return what of the budget was only taken for spent, in nano-dollars."""
    files = journal_folder(project).glob(f"*{KEPT}")
    reports = [report for path in files for report in newest(read_reports(path)).values()]
    return sum(one.holding.assumed for one in reports if one.account.budget == "race")


async def test_nothing_is_overspent_and_nothing_is_lost(tmp_path: Path) -> None:
    reply = Reply(usage={"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}, first_delay_s=0.05)
    async with ScriptedUpstream([reply]) as upstream:
        project = make_project(tmp_path / "budget race", upstream.url)
        with serve(project, "--workers", str(WORKERS)) as served:
            ends = await race(served, upstream)
        balance, traces = await known(project)
    paid, assumed = len(upstream.received) * COST, assumed_in(project)
    say(f"ends: {Counter(ends.values())}; paid {paid:,}, assumed {assumed:,}, {balance}")
    assert paid <= FITTING * COST
    assert "gave up" not in ends
    assert Counter(ends.values())["answered"] <= FITTING
    # All that there was is spent: nothing leaked. What is counted beyond what was paid was under way.
    assert balance == Balance(used=FITTING * COST, held=0)
    settled = sum(trace.cost_nanodollars or 0 for trace in traces)
    assert settled + assumed == balance.used
    assert paid - assumed <= settled <= paid
    by_user = Counter(trace.user_id for trace in traces)
    assert set(by_user.values()) == {1}
    assert {user for user, end in ends.items() if end != "broken off"} <= set(by_user)


async def spend_while_killing(served: Served, chance: Chance) -> dict[str, str]:
    """Let all ask until the budget is spent, while PostgreSQL and the background come and go."""
    clients = [Client(f"c{number}", served.url) for number in range(KILLING_CLIENTS)]
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=KILLING_CLIENTS)) as session,
        asyncio.TaskGroup() as killing,
    ):
        killer = killing.create_task(kill_on(served, chance))
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.ask_on(session, deadline))
        killer.cancel()
    return {f"{client.name} {user}": end for client in clients for user, end in client.ends.items()}


async def kill_on(served: Served, chance: Chance) -> None:
    """Kill one or the other, or stop PostgreSQL for a while, again and again; for a while.

    On a slow machine the last of the money cannot be handed over as long as that goes on.
    """
    done: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + KILLING_S
    try:
        while loop.time() < ends_at:
            role = ("postgres", "background", "stopped")[int(chance.fraction() * 3)]
            if role == "stopped":
                await stop_for(served.pid_of("postgres"), chance.fraction() * 2)
            else:
                kill(served.pid_of(role))
            done[role] += 1
            await asyncio.sleep(chance.fraction() * 2)
    finally:
        say(f"killed and stopped: {dict(done)}")


async def stop_for(pid: int | None, seconds: float) -> None:
    """Stop a process with its children for some seconds, as one is that waits for its disk."""
    if pid is None:
        return
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        stopped = [parent, *parent.children()]
        try:
            for process in stopped:
                process.suspend()
            await asyncio.sleep(seconds)
        finally:
            for process in stopped:
                with suppress(psutil.Error):
                    process.resume()


async def test_what_is_spent_adds_up_while_postgres_and_the_background_are_killed(tmp_path: Path) -> None:
    """No worker is killed: so nothing is assumed, and every nano-dollar is spent, and told once."""
    seed = SeededChance().bits(32)
    say(f"seed {seed}")
    reply = Reply(usage={"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}, first_delay_s=0.1)
    async with ScriptedUpstream([reply]) as upstream:
        project = make_project(
            tmp_path / "budget kills", upstream.url, fitting=KILLING_FITTING, ask_timeout_s=0.05
        )
        with serve(project, "--workers", str(WORKERS)) as served:
            ends = await spend_while_killing(served, SeededChance(seed))
        balance, traces = await known(project)
    say(f"ends: {Counter(ends.values())}; paid {len(upstream.received):,}, {balance}")
    assert "gave up" not in ends.values()
    assert len(upstream.received) == Counter(ends.values())["answered"] == KILLING_FITTING
    assert assumed_in(project) == 0
    assert balance == Balance(used=KILLING_FITTING * COST, held=0)
    assert sum(trace.cost_nanodollars or 0 for trace in traces) == balance.used
