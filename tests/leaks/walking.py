"""The walk: so many readings, in anybody's name, for anything that is there."""

import asyncio
from pathlib import Path

import msgspec

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import TraceId
from buttress.prompts.store import ConversationStore
from buttress.prompts.types import Exchange, Whose
from tests.flows.running import say
from tests.leaks.http import request
from tests.leaks.readings import READINGS, Query, Reading, leaks_of, read
from tests.leaks.secrets import Asker, Rule
from tests.leaks.world import Once, World, feature_of, opened_world, pick

AT_ONCE = 12

TELLING = {
    "search",
    "evaluation",
    "tuning",
    "excerpt",
    "named",
    "turns",
    "traces",
    "kept",
    "pieces",
    "door_document",
}
"""Readings that show askers secrets of their own many times in a walk."""


async def check_nothing_leaks(folder: Path, queries: int, seed_: int) -> None:
    """Make a world in `folder` and walk it with so many readings: every one was done, and nothing leaked."""
    async with opened_world(folder) as world:
        await seed(world)
        walked = await walk(world, queries, seed_)
    say(f"{walked.readings}, own secrets seen: {walked.seen}")
    assert walked.leaks == []
    assert sum(walked.readings.values()) == queries
    assert walked.seen.keys() >= TELLING, "a reading that shows nobody anything proves nothing"
    assert set(walked.readings) == {one.__name__ for one in READINGS}


class Walked(msgspec.Struct, frozen=True):
    """How often each reading was done, how often it said a secret of the asker's own, and what leaked."""

    readings: dict[str, int]
    seen: dict[str, int]
    leaks: list[str]


async def seed(world: World) -> None:
    """Have everybody say secrets: in conversations, in calls, in answers that are kept."""
    for number, asker in enumerate(world.askers):
        if asker.user in (None, "ada") and not asker.groups:
            await _speak(world, number)
    await world.settle()


async def _speak(world: World, number: int) -> None:
    asker = world.askers[number]
    conversation = f"talk {number}"
    word = world.secrets.plant(Rule(tenant=asker.tenant, user=asker.user or ""))
    said = await world.buttress.ask(
        feature_of(asker.tenant, "echo"),
        {"question": f"Remember {word}."},
        user=asker.user,
        tenant=asker.tenant,
        groups=asker.groups,
        conversation=conversation,
    )
    world.conversations.append((asker, conversation))
    world.traces.append((asker.tenant, said.trace_id))
    world.secrets.learn(said.trace_id, asker.tenant)
    quoted = await world.buttress.ask(
        feature_of(asker.tenant, "quotes"),
        {"question": "What is the launch code of garden 0?"},
        user=asker.user,
        tenant=asker.tenant,
        groups=asker.groups,
    )
    world.secrets.learn(quoted.trace_id, asker.tenant)
    await _talk_on(world, asker, conversation)
    await _read_through(world, asker)
    await _post_once(world, number)


async def _talk_on(world: World, asker: Asker, conversation: str) -> None:
    """Make a conversation long enough for older turns to be looked for in it."""
    store, now = ConversationStore(await world.database()), world.buttress.clock.now()
    whose = Whose(asker.tenant, asker.user or "", conversation)
    for at in range(5):
        word = world.secrets.plant(Rule(tenant=asker.tenant, user=asker.user or ""))
        trace_id = TraceId(f"tr {conversation} {at}")
        said = Exchange(
            question=f"Roses number {at}?", answer=f"Launch {word}.", trace_id=trace_id, said_at=now
        )
        await store.append(whose, said)


async def _read_through(world: World, asker: Asker) -> None:
    """Have a document that the asker may see read in pieces: what is said of them is kept."""
    document = next(one for one in world.of_tenant[asker.tenant] if one.rule.allows(asker))
    answer = await world.buttress.ask(
        feature_of(asker.tenant, "map"),
        {"question": "What is the code?", "document": document.document_id},
        user=asker.user,
        tenant=asker.tenant,
        groups=asker.groups,
    )
    world.secrets.learn(answer.trace_id, asker.tenant)


async def _post_once(world: World, number: int) -> None:
    asker = world.askers[number]
    word = world.secrets.plant(Rule(tenant=asker.tenant))
    held, key = world.keys[asker], f"once-{number}"
    body: dict[str, object] = {"input": {"question": f"Say {word.upper()}."}}
    answered = await request(world, held, "POST", "/v1/features/plain", body, {"idempotency-key": key})
    assert answered.status == 200, answered.body
    world.secrets.learn(answered.trace_id, asker.tenant)
    world.onces.append(Once(held, body, key, answered.trace_id))


async def walk(world: World, readings: int, seed_: int) -> Walked:
    """Do so many readings, a few at a time, and look through all that comes back."""
    weighted = [one for one, weight in READINGS.items() for _ in range(weight)]
    walked = Walked({}, {}, [])
    left = iter(range(readings))

    async def go(number: int) -> None:
        chance = SeededChance(AT_ONCE * seed_ + number)
        for _ in left:
            reading, query = pick(weighted, chance), Query(world, pick(world.askers, chance), chance)
            await _note(reading, query, walked)

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(go(number))
    return walked


async def _note(reading: Reading, query: Query, walked: Walked) -> None:
    said, name = await read(reading, query), reading.__name__
    walked.readings[name] = walked.readings.get(name, 0) + 1
    if query.world.secrets.shows_own(said.text, query.asker):
        walked.seen[name] = walked.seen.get(name, 0) + 1
    walked.leaks.extend(f"{name} told {query.asker}: {one}" for one in leaks_of(said, query))
