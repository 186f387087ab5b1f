"""Breakers, shared over one real PostgreSQL."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.sharing import CHANNEL, share
from buttress.kernel.catalogue import Model
from buttress.kernel.clock import SystemClock
from buttress.models.deployments import Deployments, Word
from buttress.models.settings import ModelSettings
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.projects import ANSWERABLE, put_on_ladder
from tests.waiting import until

MODEL = Model(name="m", provider="openai", base_url="http://localhost")
PROBE = Model(name="probe", provider="openai", base_url="http://localhost")
QUESTION: dict[str, object] = {"question": ANSWERABLE}


def known() -> Deployments:
    return Deployments(ModelSettings(), SystemClock())


def sharing(one: Deployments, database: Database, name: str) -> Coroutine[None, None, None]:
    async def opened() -> Database:
        return database

    return share(one, lambda: {"m": MODEL, "probe": PROBE}, opened, name)


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
        await database.notify(CHANNEL, "no word of ours")
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

    async with asyncio.TaskGroup() as group:
        task = group.create_task(share(one, dict, away, "a"))
        await asyncio.sleep(0)
        for _ in range(1_000):  # more than may wait to be told
            one.rest(MODEL, 40)
            one.of(MODEL).breaker = known().of(MODEL).breaker
        one.rest(MODEL, 40)
        assert one.of(MODEL).rests_s > 0
        task.cancel()


@pytest.mark.slow
async def test_a_model_that_asks_one_process_for_a_pause_gets_it_from_both(project: Path) -> None:
    async with ScriptedUpstream([Reply(status=429, retry_after="50")]) as upstream:
        put_on_ladder(project, upstream.url, upstream.url)
        async with (
            Buttress.open(project) as first,
            Buttress.open(project) as second,
            asyncio.TaskGroup() as group,
        ):
            tasks = [group.create_task(one.share_breakers()) for one in (first, second)]
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
