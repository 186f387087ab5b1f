"""Follow: equal calls share one answer, and nobody goes down with another's call."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.gateway.answer import answer
from buttress.gateway.kept import KeptAnswer, read_entry
from buttress.gateway.steps.fallback import CUT
from buttress.gateway.types import Answer, Began, Ended, Event, Text
from buttress.kernel.cached import CachePolicy
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.gateway.answers import AnswersInMemory
from tests.unit.gateway.cached import a_plain_release, with_cache
from tests.unit.gateway.world import World, asked, ended, events_of
from tests.waiting import until

SLOW = Reply(chunks=("One. ", "Two. ", "Three."), chunk_delay_s=0.02)
STUCK = Reply(chunks=("One. ", "Two. ", "Three."), ending="stall", after=2)


def answer_of(events: list[Event]) -> Answer:
    """Return the whole answer that the last of `events` tells."""
    assert isinstance(events[-1], Ended)
    return events[-1].answer


async def text_of(events: AsyncGenerator[Event, None]) -> str:
    """Return the next piece of text."""
    async for event in events:
        if isinstance(event, Text):
            return event.text
    return ""


async def test_equal_calls_at_once_ask_the_model_once(world: World) -> None:
    async with ScriptedUpstream([SLOW]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        calls = await asyncio.gather(*(events_of(asked("2 + 2?"), ports) for _ in range(8)))
        assert len(upstream.received) == 1
    answers = [answer_of(events) for events in calls]
    assert {one.text for one in answers} == {"One. Two. Three."}
    (leader,) = [one for one in answers if one.recalled is None]
    followers = [one for one in answers if one.recalled]
    assert {one.recalled.trace_id for one in followers if one.recalled} == {leader.trace_id}
    assert {one.recalled.how for one in followers if one.recalled} == {"shared"}
    assert {(one.cost_nanodollars, one.usage.total) for one in followers} == {(0, 0)}
    assert [isinstance(one[0], Began) and one[0].cache for one in calls].count("miss") == 1
    assert [isinstance(one[0], Began) and one[0].cache for one in calls].count(None) == 7
    assert leader.cost_nanodollars == 7 * 1_000 + 3 * 2_000
    assert len({trace.trace_id for trace in world.traces}) == 8
    assert sum(trace.cost_nanodollars or 0 for trace in world.traces) == leader.cost_nanodollars


async def test_who_follows_hears_the_pieces_as_they_come_and_a_late_one_from_the_beginning(
    world: World,
) -> None:
    async with ScriptedUpstream([STUCK]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        async with (
            aclosing(answer(asked("2 + 2?"), ports)) as leading,
            aclosing(answer(asked("2 + 2?"), ports)) as following,
        ):
            assert await text_of(leading) == "One."
            assert await text_of(following) == "One."
            assert upstream.running == 1


async def test_other_tenants_do_not_share(world: World) -> None:
    async with ScriptedUpstream([SLOW]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        who = [asked("2 + 2?", tenant=tenant) for tenant in ("a", "b", "a")]
        await asyncio.gather(*(events_of(one, ports) for one in who))
        assert len(upstream.received) == 2


async def test_who_follows_goes_on_when_the_leader_hangs_up(world: World) -> None:
    """The model is asked again, for all who are left together; what they heard stays as it is."""
    async with ScriptedUpstream([STUCK, SLOW]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        async with asyncio.TaskGroup() as group, aclosing(answer(asked("2 + 2?"), ports)) as leading:
            assert await text_of(leading) == "One."
            left = [group.create_task(events_of(asked("2 + 2?"), ports)) for _ in range(3)]
            await until(lambda: _is_true(len(world.begun) >= 4))
            await asyncio.sleep(0)
        answers = [answer_of(one.result()) for one in left]
        assert len(upstream.received) == 2
    assert {one.text for one in answers} == {"One. Two. Three."}
    assert {one.outcome for one in answers} == {"answered"}
    assert sum(one.recalled is None for one in answers) == 1
    assert sorted(trace.outcome for trace in world.traces) == ["answered"] * 3 + ["cancelled"]


async def test_an_answer_that_goes_on_in_other_words_is_not_glued_to_what_was_heard(world: World) -> None:
    async with ScriptedUpstream([STUCK, Reply(chunks=("Uno. ", "Dos."))]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        async with aclosing(answer(asked("2 + 2?"), ports)) as following:
            async with aclosing(answer(asked("2 + 2?"), ports)) as leading:
                assert await text_of(leading) == "One."
                assert await text_of(following) == "One."
            rest = [event async for event in following]
    end = answer_of(rest)
    assert end.text == f"One.{CUT}"
    assert (end.outcome, end.reason) == ("fallback", "recall.other_answer")
    assert end.usage.total > 0  # it has asked, and pays


async def test_behind_a_failure_each_goes_its_own_way(world: World) -> None:
    replies = [Reply(status=400, first_delay_s=0.1), Reply(chunks=("Four.",))]
    async with ScriptedUpstream(replies) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        calls = await asyncio.gather(*(events_of(asked("2 + 2?"), ports) for _ in range(4)))
        assert len(upstream.received) == 4
    outcomes = sorted(answer_of(events).outcome for events in calls)
    assert outcomes == ["answered"] * 3 + ["fallback"]


async def test_who_leads_in_silence_is_not_waited_for(world: World) -> None:
    answers = AnswersInMemory()
    answers.follow_timeout_s = 0.01
    async with ScriptedUpstream([Reply(first_delay_s=60), Reply(chunks=("Four.",))]) as upstream:
        ports = with_cache(world, a_plain_release(upstream), answers)
        async with aclosing(answer(asked("2 + 2?"), ports)) as leading:
            await anext(leading)
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(text_of(leading))
                await until(lambda: _is_true(len(upstream.received) == 1))
                end = (await ended(asked("2 + 2?"), world, ports)).answer
                waiting.cancel()
    assert (end.text, end.outcome, end.recalled) == ("Four.", "answered", None)


async def test_a_kept_answer_is_given_with_the_pauses_it_was_made_with(world: World) -> None:
    slow = msgspec.structs.replace(SLOW, chunk_delay_s=0.05)
    async with ScriptedUpstream([slow]) as upstream:
        ports = with_cache(world, a_plain_release(upstream, cache=CachePolicy(replay="paced")))
        await ended(asked("2 + 2?"), world, ports)
        again = (await ended(asked("2 + 2?"), world, ports)).answer
    assert again.recalled
    assert again.duration_ms > 30  # at once it takes less than one


ONE_TWO = Reply(chunks=("One. ", "Two."), chunk_delay_s=0.002)
replies = st.sampled_from(
    [
        ONE_TWO,
        ONE_TWO,
        Reply(chunks=("One. ", "Other."), chunk_delay_s=0.002),
        msgspec.structs.replace(ONE_TWO, ending="cut", after=1),
        Reply(status=400),
        Reply(chunks=("One.",), finish_reason="length"),
    ]
)


async def _some_of(events: AsyncGenerator[Event, None], count: int | None) -> Answer | None:
    """Take so many events, and leave; None takes all of them, and returns the answer."""
    async with aclosing(events):
        taken = 0
        async for event in events:
            taken += 1
            if isinstance(event, Ended):
                return event.answer
            if taken == count:
                return None
    raise AssertionError


@given(
    st.lists(st.none() | st.integers(1, 3), min_size=2, max_size=5), st.lists(replies, min_size=1, max_size=4)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
async def test_whoever_leaves_and_whatever_fails_each_gets_one_answer_and_pays_for_its_own(
    world: World, callers: list[int | None], script: list[Reply]
) -> None:
    world.traces.clear()
    answers = AnswersInMemory()
    async with ScriptedUpstream(script) as upstream:
        ports = with_cache(world, a_plain_release(upstream), answers)
        calls = [_some_of(answer(asked("2 + 2?"), ports), count) for count in callers]
        ends = await asyncio.gather(*calls)
    for count, end in zip(callers, ends, strict=True):
        assert (end is None) <= (count is not None)
        if end and end.outcome == "answered":
            assert end.text in {"One. Two.", "One. Other.", "One."}
        if end and end.recalled:
            assert (end.cost_nanodollars, end.usage.total) == (0, 0)
    assert len(answers.flights) == 0
    assert len(world.traces) == len(callers)
    assert sum(len(trace.attempts) for trace in world.traces) >= len(upstream.received)
    kept = [read_entry(entry, KeptAnswer) for entry in dict(answers.here.items()).values()]
    assert {"".join(one.sentence.text for one in each.sentences) for each in kept if each} <= {
        "One. Two.",
        "One. Other.",
    }


async def _is_true(value: object) -> bool:
    return bool(value)
