"""Breakers, shared over one real PostgreSQL."""

import asyncio
from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.paying import Paying, PayingParts
from buttress.app.sharing import BREAKERS, breakers, budgets, share
from buttress.kernel.catalogue import Model, Price
from buttress.kernel.clock import SystemClock
from buttress.kernel.messages import Message, ModelRequest
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.deployments import Deployments, Word
from buttress.models.order import Order
from buttress.models.settings import ModelSettings
from buttress.spend.budgets import Budget
from buttress.spend.errors import BudgetHeld
from buttress.spend.settings import SpendSettings
from buttress.spend.settling import settle
from buttress.spend.store import Ledger
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.projects import ANSWERABLE, put_on_ladder
from tests.waiting import until

MODEL = Model(name="m", provider="openai", base_url="http://localhost")
PROBE = Model(name="probe", provider="openai", base_url="http://localhost")
QUESTION: dict[str, object] = {"question": ANSWERABLE}


BUDGET = Budget(name="shared-by-two", limit=NanoDollars(100_000), window="total")
PAYER = Payer(tenant="default", feature="support")
PRICED = Model(name="m", provider="openai", price=Price(input=0, output=1.0))
SHORT = ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=10)
REQUEST = ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=90)


def purses_of(database: Database, folder: Path) -> Paying:
    async def opened() -> Database:
        return database

    parts = PayingParts(
        writer=f"w-{folder.name}-{folder.parent.name}",
        folder=folder,
        database=opened,
        clock=SystemClock(),
        settings=SpendSettings(ask_timeout_s=10.0),
    )
    return Paying(parts)


def known() -> Deployments:
    return Deployments(ModelSettings(), SystemClock())


async def sharing(one: Deployments, database: Database, name: str) -> None:
    async def opened() -> Database:
        return database

    async with breakers(one, lambda: {"m": MODEL, "probe": PROBE}) as line:
        await share((line,), opened, name)


async def both_listen(here: Deployments, there: Deployments, probe: Model = PROBE) -> None:
    """Wait until each hears the other: what is told before is lost."""
    for one, other in ((here, there), (there, here)):

        async def heard(one: Deployments = one, other: Deployments = other) -> bool:
            one.tell(Word(probe.name, 50))
            return other.of(probe).rests_s > 0

        await until(heard, 30)


@pytest.mark.slow
async def test_what_one_finds_out_the_other_knows_within_a_second(database: Database) -> None:
    here, there = known(), known()

    async def rests() -> bool:
        return there.of(MODEL).rests_s > 0

    async def answers_again() -> bool:
        return here.of(MODEL).rests_s == 0

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sharing(one, database, name)) for one, name in ((here, "a"), (there, "b"))]
        await both_listen(here, there)
        await database.notify(BREAKERS, "no word of ours")
        here.rest(MODEL, 40)
        await until(rests, 1)
        there.tell(Word("m", 0))
        await until(answers_again, 1)
        for task in tasks:
            task.cancel()
    there.rest(MODEL, 1)  # told to nobody any more, and nothing breaks


async def test_without_a_database_each_goes_by_what_it_sees_itself() -> None:
    one = known()

    async def away() -> Database:
        raise StorageUnavailable("the database is away")

    async with breakers(one, dict) as line, asyncio.TaskGroup() as group:
        task = group.create_task(share((line,), away, "a"))
        await asyncio.sleep(0)
        for _ in range(1_000):  # more than may wait to be told
            one.rest(MODEL, 40)
            one.of(MODEL).breaker = known().of(MODEL).breaker
        one.rest(MODEL, 40)
        assert one.of(MODEL).rests_s > 0
        task.cancel()


@pytest.mark.slow
async def test_who_is_short_of_money_has_the_others_give_back(database: Database, tmp_path: Path) -> None:
    """One holds a quarter of a budget for nothing; a second after the other asked for it, it can be had."""
    one, other = purses_of(database, tmp_path / "one"), purses_of(database, tmp_path / "other")
    meter = one.metering([BUDGET])(PAYER)
    asking = other.metering([BUDGET])(PAYER)

    async def has_it() -> bool:
        one.seal()
        await settle(tmp_path / "one", Ledger(database))
        try:
            async with asking.attempt(PRICED, Order(REQUEST)) as bill:
                bill.usage = Usage(output=80)
        except BudgetHeld:
            return False
        return True

    async def opened() -> Database:
        return database

    async with one, other, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(share((budgets(paying),), opened, name))
            for paying, name in ((one, "a"), (other, "b"))
        ]
        async with meter.attempt(PRICED, Order(SHORT)) as bill:
            bill.usage = Usage(output=1)
        await until(has_it, 20)
        for task in tasks:
            task.cancel()
    one.close()
    other.close()


@pytest.mark.slow
async def test_a_model_that_asks_one_process_for_a_pause_gets_it_from_both(project: Path) -> None:
    async with ScriptedUpstream([Reply(status=429, retry_after="50")]) as upstream:
        put_on_ladder(project, upstream.url, upstream.url)
        async with (
            Buttress.open(project) as first,
            Buttress.open(project) as second,
            asyncio.TaskGroup() as group,
        ):
            tasks = [group.create_task(one.share()) for one in (first, second)]
            limited, probe = (second.catalogue.models[name] for name in ("rung-1", "rung-2"))
            await both_listen(first.deployments, second.deployments, probe)
            await first.ask("support", QUESTION)

            async def is_known() -> bool:
                return second.deployments.of(limited).rests_s > 0

            await until(is_known, 1)
            answer = await second.ask("support", QUESTION)
            assert (answer.model, len(upstream.received)) == ("quotes", 1)
            for task in tasks:
                task.cancel()
