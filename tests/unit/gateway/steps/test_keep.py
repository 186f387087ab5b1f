"""Keep: what may be given again is kept; nothing that failed, was cut, or is a stand-in's, ever is."""

from collections.abc import Sequence
from contextlib import aclosing

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.caching.keys import Knowledge
from buttress.gateway.answer import answer
from buttress.gateway.types import Answer, Text
from buttress.kernel.errors import ButtressError
from buttress.knowledge.engine.client import RemoteEngine
from buttress.releases.types import FallbackText
from buttress.testing.upstream import Reply, ScriptedUpstream
from buttress.tracing.types import Trace
from tests.projects import ANSWERABLE, NONSENSE
from tests.unit.gateway.answers import AnswersInMemory
from tests.unit.gateway.cached import KEPT, a_plain_release, with_cache
from tests.unit.gateway.world import World, a_model, a_release, asked, ended

GOOD = Reply(chunks=("Four.", " Exactly."))


def why_not(trace: Trace) -> object:
    """Return why an answer was not kept, as its trace tells."""
    return next(span.data for span in trace.spans if span.name == "recall").get("not_kept")


async def asked_once(world: World, answers: AnswersInMemory, *replies: Sequence[Reply]) -> Answer:
    """Return the answer of a feature with a model for each of `replies`, down its ladder."""
    first, *more = [ScriptedUpstream(one) for one in replies]
    async with first:
        for one in more:
            await one.__aenter__()
        try:
            ports = with_cache(world, a_plain_release(first, *more), answers)
            return (await ended(asked("2 + 2?"), world, ports)).answer
        finally:
            for one in more:
                await one.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(chunks=("Four.", " And"), ending="cut"), "fallback", id="cut in the middle"),
        pytest.param(Reply(chunks=("Four. ", "And"), ending="stall"), "fallback", id="stalled"),
        pytest.param(Reply(chunks=("Four. ", "And"), ending="malformed"), "fallback", id="malformed"),
        pytest.param(Reply(chunks=("Four. ", "And"), ending="error"), "fallback", id="an error object"),
        pytest.param(Reply(status=500), "fallback", id="failed"),
        pytest.param(Reply(status=400), "fallback", id="refused"),
        pytest.param(Reply(chunks=()), "fallback", id="empty"),
        pytest.param(Reply(chunks=("Four.",), finish_reason="length"), "finished:length", id="too long"),
        pytest.param(
            Reply(chunks=("Four.",), finish_reason="content_filter"),
            "finished:content_filter",
            id="filtered",
        ),
    ],
)
async def test_what_did_not_end_well_is_not_kept(world: World, reply: Reply, reason: str) -> None:
    answers = AnswersInMemory()
    await asked_once(world, answers, [reply])
    assert answers.here.entries == 0
    assert why_not(world.traces[0]) == reason
    good = await asked_once(world, answers, [GOOD])
    assert (good.text, good.recalled) == ("Four. Exactly.", None)


async def test_what_ended_well_is_kept(world: World) -> None:
    answers = AnswersInMemory()
    await asked_once(world, answers, [GOOD])
    assert answers.here.entries == 1
    assert why_not(world.traces[0]) is None


async def test_a_stand_ins_answer_is_not_kept_for_the_model_that_was_meant(world: World) -> None:
    answers = AnswersInMemory()
    given_ = await asked_once(world, answers, [Reply(status=500)], [GOOD])
    assert (given_.outcome, given_.model) == ("answered", "writer1")
    assert answers.here.entries == 0
    assert why_not(world.traces[0]) == "other_model"


async def test_a_stand_in_that_is_asked_at_once_is_none_the_less_one(world: World) -> None:
    """The first model is left alone since it failed before: the call knows of no failure."""
    answers = AnswersInMemory()
    async with ScriptedUpstream([Reply(status=500)]) as broken, ScriptedUpstream([GOOD]) as sound:
        ports = with_cache(world, a_plain_release(broken, sound), answers)
        said = [(await ended(asked(f"{n} + 2?"), world, ports)).answer for n in range(30)]
        assert len(broken.received) < len(said)
    assert {one.model for one in said} == {"writer1"}
    assert answers.here.entries == 0


async def test_a_call_that_nobody_waited_for_is_not_kept(world: World) -> None:
    answers = AnswersInMemory()
    async with ScriptedUpstream([GOOD]) as upstream:
        ports = with_cache(world, a_plain_release(upstream), answers)
        async with aclosing(answer(asked("2 + 2?"), ports)) as events:
            async for event in events:
                if isinstance(event, Text):
                    break
    assert world.traces[0].outcome == "cancelled"
    assert (answers.here.entries, len(answers.flights)) == (0, 0)


async def test_a_question_that_is_refused_leaves_nothing_behind(world: World) -> None:
    answers = AnswersInMemory()
    ports = with_cache(world, a_release(cache=KEPT), answers)
    with pytest.raises(ButtressError):
        await ended(asked(17), world, ports)
    assert (answers.here.entries, len(answers.flights)) == (0, 0)


async def test_where_nothing_is_found_or_searched_nothing_is_kept(world: World, away: RemoteEngine) -> None:
    answers = AnswersInMemory()
    ports = with_cache(world, a_release(cache=KEPT, fallback=FallbackText("No.")), answers)
    await ended(asked(NONSENSE), world, ports)
    await ended(asked(ANSWERABLE), world, msgspec.structs.replace(ports, engine=away))
    assert answers.here.entries == 0
    assert (await ended(asked(ANSWERABLE), world, ports)).answer.outcome == "answered"
    assert answers.here.entries == 1


async def test_an_answer_from_documents_that_changed_meanwhile_is_not_kept(world: World) -> None:
    answers = AnswersInMemory()
    async with ScriptedUpstream(lambda _: _changing(answers)) as upstream:
        ports = with_cache(world, a_release(a_model(upstream.url), cache=KEPT), answers)
        await ended(asked(ANSWERABLE), world, ports)
    assert answers.here.entries == 0
    assert why_not(world.traces[0]) == "knowledge_changed"


def _changing(answers: AnswersInMemory) -> Reply:
    answers.docs = Knowledge("v2", frozenset({"*"}))
    return Reply(chunks=("Then the answer says so, and shows the passages that came closest. [1]",))


faults = st.builds(
    Reply,
    chunks=st.lists(st.sampled_from(["Four.", " Five", " ", "six. "]), max_size=4).map(tuple),
    ending=st.sampled_from(["done", "no_done", "cut", "malformed", "error"]),
    after=st.none() | st.integers(0, 3),
    status=st.sampled_from([200, 200, 200, 429, 500]),
    finish_reason=st.sampled_from(["stop", "length", "content_filter", None]),
)


@given(st.lists(faults, min_size=1, max_size=2), st.lists(faults, min_size=1, max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
async def test_whatever_upstreams_do_only_a_whole_answer_of_the_first_model_is_kept(
    world: World, first: list[Reply], second: list[Reply]
) -> None:
    answers = AnswersInMemory()
    said = await asked_once(world, answers, first, second)
    assert len(answers.flights) == 0
    for entry in dict(answers.here.items()).values():
        assert said.outcome == "answered"
        assert said.model == "writer"
        assert not said.failed
        assert said.text in {
            "".join(reply.chunks) for reply in first if reply.finish_reason in {"stop", None}
        }
        assert entry.tokens > 0
