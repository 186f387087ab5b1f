"""Remember: earlier turns are taken from whoever has them, and what was released is kept, nothing else."""

from collections.abc import Sequence
from contextlib import aclosing

import msgspec
import pytest

from buttress.gateway.answer import answer
from buttress.gateway.ports import Ports
from buttress.gateway.steps.remember import remembered
from buttress.gateway.types import Asked, Began, Ended, History
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Message
from buttress.prompts.errors import MemoryLate
from buttress.prompts.types import Recollection, Turns, Whose
from buttress.releases.types import Chat
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.projects import ANSWERABLE
from tests.unit.gateway.world import (
    Remembering,
    World,
    a_call,
    a_model,
    a_release,
    asked,
    ended,
    events_of,
    with_release,
)

SAID = "Then the answer says so, and shows the passages that came closest. [1]"
HISTORY = (Message("user", "Hi"), Message("assistant", "Hello."))
MINE = Whose("default", "ada", "c1")


def in_conversation(question: object = ANSWERABLE, **changes: object) -> Asked:
    """Return a question of ada's in the conversation c1."""
    return asked(question, **{"user": "ada", "conversation": "c1", **changes})


def writing(world: World, upstream: ScriptedUpstream) -> Ports:
    """Return the ports of a feature whose model is `upstream`."""
    return with_release(world, a_release(a_model(upstream.url), chat=Chat(question="question")))


def sent(upstream: ScriptedUpstream) -> list[list[str]]:
    """Return what each request held between the system message and the question."""
    told = [received.body["messages"] for received in upstream.received]
    return [[one.content for one in msgspec.convert(messages, list[Message])[1:-1]] for messages in told]


async def test_a_second_question_knows_the_first(world: World) -> None:
    async with ScriptedUpstream([Reply(chunks=(SAID,))]) as upstream:
        ports = writing(world, upstream)
        for _ in range(2):
            await ended(in_conversation(), world, ports)
        assert sent(upstream) == [[], [ANSWERABLE, SAID]]
    ((whose, exchanges),) = world.memory.kept.items()
    assert whose == MINE
    assert [one.trace_id for one in exchanges] == [one.trace_id for one in world.traces]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"user": "eve"}, id="another user"),
        pytest.param({"user": None}, id="nobody"),
        pytest.param({"conversation": "c2"}, id="another conversation"),
        pytest.param({"conversation": None}, id="no conversation"),
    ],
)
async def test_nobody_elses_question_does(world: World, other: dict[str, object]) -> None:
    async with ScriptedUpstream([Reply(chunks=(SAID,))]) as upstream:
        ports = writing(world, upstream)
        await ended(in_conversation(), world, ports)
        await ended(in_conversation(**other), world, ports)
        assert sent(upstream) == [[], []]


async def test_the_clients_own_history_counts_first_and_the_turn_is_kept(world: World) -> None:
    async with ScriptedUpstream([Reply(chunks=(SAID,))]) as upstream:
        ports = writing(world, upstream)
        await ended(in_conversation(), world, ports)
        await ended(in_conversation(history=HISTORY), world, ports)
        assert sent(upstream)[1] == ["Hi", "Hello."]
    assert len(world.memory.kept[MINE]) == 2
    span = next(one for one in world.traces[1].spans if one.name == "remember")
    assert span.data == {"turns_of": "client"}


async def test_a_memory_that_is_away_costs_the_turns_and_is_told(world: World) -> None:
    world.memory.error = MemoryLate("not there")
    async with ScriptedUpstream([Reply(chunks=(SAID,))]) as upstream:
        end = await ended(in_conversation(), world, writing(world, upstream))
        assert (end.answer.outcome, sent(upstream)) == ("answered", [[]])
    span = next(one for one in world.traces[0].spans if one.name == "remember")
    assert (span.data, span.error) == ({"reason": "prompts.memory_late"}, None)
    assert end.answer.history == History(reason="prompts.memory_late")


async def test_what_was_left_out_is_told_with_what_was_not_read(world: World) -> None:
    class Long:
        """Has more turns than it gives, and more than fit."""

        async def turns(self, whose: Whose, question: str = "") -> Turns:
            assert (whose, question) == (MINE, f'{{"question":"{ANSWERABLE}"}}')
            return Turns(tuple(Message(one.role, "word " * 500) for one in HISTORY * 50), 7)

        def append(self, whose: Whose, exchange: object, summarise: object = None) -> None: ...

    ports = msgspec.structs.replace(with_release(world, a_release()), memory=Long())
    *_, end = await events_of(in_conversation(), ports)
    span = next(one for one in world.traces[0].spans if one.name == "compose")
    turns, left_out = span.data["turns_sent"], span.data["turns_left_out"]
    assert isinstance(turns, int)
    assert 0 < turns < 100
    assert left_out == 107 - turns
    assert isinstance(end, Ended)
    assert end.answer.history == History(sent=turns, left_out=left_out)


async def test_a_rule_and_the_fallback_are_kept_as_they_were_released(world: World) -> None:
    for question in ("who are you", "xylophone zebra quux"):
        await ended(in_conversation(question), world)
    kept = world.memory.kept[MINE]
    assert [one.question for one in kept] == [
        '{"question":"who are you"}',
        '{"question":"xylophone zebra quux"}',
    ]
    assert [one.answer for one in kept] == [one.answer.strip() for one in world.traces]


async def test_what_was_refused_failed_or_left_is_not_kept(world: World) -> None:
    with pytest.raises(ButtressError):
        await events_of(in_conversation(feature="none"), world.ports)
    stalls = Reply(chunks=("A. ", "B. "), ending="stall")
    async with (
        ScriptedUpstream([stalls]) as upstream,
        aclosing(answer(in_conversation(), writing(world, upstream))) as events,
    ):
        assert isinstance(await anext(events), Began)
    assert world.memory.kept == {}


async def test_ten_thousand_messages_take_a_bounded_time(world: World) -> None:
    clock, long = SystemClock(), tuple(Message(one.role, "word " * 100) for one in HISTORY * 5_000)
    async with ScriptedUpstream([Reply(chunks=(SAID,))]) as upstream:
        ports = writing(world, upstream)
        begun = clock.monotonic()
        await ended(in_conversation(history=long), world, ports)
        assert clock.monotonic() - begun < 10
        told: Sequence[str] = sent(upstream)[0]
    span = next(one for one in world.traces[0].spans if one.name == "compose")
    assert (span.data["turns_sent"], span.data["turns_left_out"]) == (len(told), 10_000 - len(told))
    assert len(told) > 0
    assert isinstance(span.duration_ms, float)
    assert span.duration_ms < 5_000


async def test_without_a_conversation_there_is_no_step(world: World) -> None:
    call = a_call(world.ports, asked(history=HISTORY))
    assert await remembered(call.asked, call) == Turns(HISTORY)
    assert call.recorder.spans == []


async def test_older_turns_are_told_of_in_the_prompt_and_in_the_same_words_everywhere(world: World) -> None:
    newest = tuple(Message(one.role, "word " * 500) for one in HISTORY * 5)
    recalled = Recollection(20, "Which fund?", "The fund of Basel.", SystemClock().now())
    known = Turns(newest, 30, "They spoke of <earlier> gardens.", 12, (recalled,))

    class Wise(Remembering):
        """Knows what was said long ago."""

        async def turns(self, whose: Whose, question: str = "") -> Turns:
            assert (whose, question) == (MINE, ANSWERABLE)
            return known

    async with ScriptedUpstream([Reply(chunks=(SAID,))]) as upstream:
        memory = Wise()
        ports = msgspec.structs.replace(writing(world, upstream), memory=memory)
        end = await ended(in_conversation(), world, ports)
        question = upstream.received[0].question
    assert question.index("spoke of ‹earlier> gardens") < question.index("The fund of Basel.")
    assert question.index("The fund of Basel.") < question.index(ANSWERABLE)
    history = end.answer.history
    assert (history.summarised, history.recollected) == (12, 2)
    assert history.sent + history.summarised + history.recollected + history.left_out == 30 + len(newest)
    span = next(one for one in world.traces[0].spans if one.name == "compose")
    told = {name: span.data[f"turns_{name}"] for name in ("sent", "summarised", "recollected", "left_out")}
    assert msgspec.structs.asdict(history) == told | {"reason": ""}
    assert memory.summarise is not None
