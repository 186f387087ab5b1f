"""The way of a call: its events, its trace, and every way out."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.gateway.answer import answer, collect
from buttress.gateway.errors import FeatureUnknown, InputInvalid
from buttress.gateway.steps.fallback import NOT_SEARCHED, NOT_WRITTEN
from buttress.gateway.types import Answer, Asked, Began, Ended, Held, Stepped, Text
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import ModelEvent, ModelRequest, TextDelta
from buttress.kernel.passages import CitationState
from buttress.kernel.usage import Usage
from buttress.knowledge.engine.client import RemoteEngine
from buttress.releases.types import FallbackText, Thresholds
from buttress.testing.upstream import Reply, ScriptedUpstream
from buttress.tracing.types import Trace
from tests.projects import ANSWERABLE, NONSENSE, SALARIES
from tests.unit.gateway.world import (
    FIND,
    NO_ANSWER,
    QUOTES,
    WRITE,
    World,
    a_model,
    a_release,
    asked,
    ended,
    events_of,
    with_release,
)
from tests.waiting import until

SAYS_SO = "Then the answer says so, and shows the passages that came closest. [1]"


async def from_upstream(world: World, *replies: Reply, question: str = ANSWERABLE) -> Answer:
    """Return the answer of a feature whose only model does what `replies` say."""
    async with ScriptedUpstream(replies) as upstream:
        ports = with_release(world, a_release(a_model(upstream.url)))
        return (await ended(asked(question), world, ports)).answer


class TestAnswered:
    """The way to the end."""

    async def test_the_passages_are_quoted_without_a_language_model(self, world: World) -> None:
        answered = (await ended(asked(), world)).answer
        assert (answered.outcome, answered.model, answered.reason) == ("answered", "quotes", "")
        assert "says so" in answered.text
        assert {one.state for one in answered.citations} == {CitationState.VERBATIM}
        assert answered.cost_nanodollars == 0

    async def test_a_language_model_is_checked_and_billed(self, world: World) -> None:
        answered = await from_upstream(world, Reply(chunks=("Then the answer ", SAYS_SO[16:])))
        assert (answered.outcome, answered.model) == ("answered", "writer")
        assert answered.text == SAYS_SO
        assert [one.state for one in answered.citations] == [CitationState.VERBATIM]
        assert answered.usage == Usage(input=7, output=3)
        assert answered.cost_nanodollars == 7 * 1_000 + 3 * 2_000

    async def test_the_steps_stand_in_the_trace_in_their_order(self, world: World) -> None:
        await ended(asked(), world)
        names = [span.name for span in world.traces[0].spans]
        assert " ".join(names) == "admit choose inspect rules recall retrieve compose decide check send"
        assert world.traces[0].release_id == world.ports.releases["support"].release_id

    async def test_a_rule_needs_no_engine_and_no_model(self, world: World, away: RemoteEngine) -> None:
        ports = msgspec.structs.replace(world.ports, engine=away)
        answered = (await ended(asked("Who are you?"), world, ports)).answer
        assert (answered.text, answered.outcome, answered.model) == (
            "I answer from documents.",
            "answered",
            None,
        )
        assert (answered.cost_nanodollars, answered.usage) == (0, Usage())

    async def test_a_feature_without_retrieval_asks_its_model_at_once(self, world: World) -> None:
        async with ScriptedUpstream([Reply(chunks=("Four.",))]) as upstream:
            prompts = {"answer.md": "# user\n\n{{ question }}\n"}
            release = a_release(a_model(upstream.url), stages=(WRITE,), prompts=prompts)
            answered = (await ended(asked("2 + 2?"), world, with_release(world, release))).answer
            assert upstream.received[0].question == "2 + 2?"
        assert (answered.text, answered.outcome) == ("Four.", "answered")

    async def test_a_feature_without_a_model_quotes_what_it_found(self, world: World) -> None:
        ports = with_release(world, a_release(stages=(FIND,)))
        answered = (await ended(asked(), world, ports)).answer
        assert (answered.outcome, answered.reason) == ("fallback", "compose.quoted")
        assert len(answered.citations) == 2

    async def test_collect_returns_the_end(self, world: World) -> None:
        assert isinstance(await collect(answer(asked(), world.ports)), Ended)

    async def test_the_first_sentence_leaves_before_the_model_is_done(self, world: World) -> None:
        """Nobody waits for the whole answer: what is checked goes out."""
        reply = Reply(chunks=(SAYS_SO, " And so on.", "Three."), ending="stall", after=2)
        async with ScriptedUpstream([reply]) as upstream:
            ports = with_release(world, a_release(a_model(upstream.url)))
            async with aclosing(answer(asked(), ports)) as events:
                await anext(events)
                first = await anext(events)
                assert upstream.running == 1
        assert SAYS_SO in str(first)

    async def test_many_calls_at_once_each_have_their_own_trace(self, world: World) -> None:
        answers = await asyncio.gather(*(events_of(asked(), world.ports) for _ in range(10)))
        began = [events[0] for events in answers]
        assert {one.trace_id for one in began if isinstance(one, Began)} == {
            trace.trace_id for trace in world.traces
        }
        assert len(world.traces) == 10


class TestWatched:
    """Who watches sees each step as it ends, and what was not released."""

    async def test_every_step_is_told_once_and_in_time(self, world: World) -> None:
        said = " It costs 12 dollars. [1]"
        async with ScriptedUpstream([Reply(chunks=(SAYS_SO, said))]) as upstream:
            ports = with_release(world, a_release(a_model(upstream.url)))
            events = await events_of(asked(watched=True), ports)
        steps = [event.span for event in events if isinstance(event, Stepped)]
        assert sorted(span.name for span in steps) == sorted(span.name for span in world.traces[0].spans)
        kinds = [type(event) for event in events]
        assert kinds[1] is Stepped  # what came before the first sentence
        assert kinds.index(Text) < kinds.index(Held) < kinds.index(Ended)
        assert [one.withheld.text for one in events if isinstance(one, Held)] == [said]

    async def test_nobody_else_sees_them(self, world: World) -> None:
        assert {Stepped, Held}.isdisjoint({type(event) for event in await events_of(asked(), world.ports)})


class TestRefused:
    """Before any work is done."""

    @pytest.mark.parametrize(
        ("question", "error"),
        [
            pytest.param(asked(feature="suport"), FeatureUnknown, id="a feature there is not"),
            pytest.param(asked(feature="\udcff"), FeatureUnknown, id="a feature that is no text"),
            pytest.param(asked(7), InputInvalid, id="a question that is a number"),
            pytest.param(asked(""), InputInvalid, id="an empty question"),
            pytest.param(asked("\ud800"), InputInvalid, id="half a surrogate pair"),
            pytest.param(asked(object()), InputInvalid, id="what no JSON can hold"),
            pytest.param(asked(input={}), InputInvalid, id="nothing"),
            pytest.param(asked(input={"question": "a", "more": 1}), InputInvalid, id="more than is taken"),
            pytest.param(asked(input={1: "a"}), InputInvalid, id="a key that is a number"),
        ],
    )
    async def test_a_refusal_is_one_error_and_one_trace(
        self, world: World, question: Asked, error: type[ButtressError]
    ) -> None:
        with pytest.raises(error) as refused:
            await events_of(question, world.ports)
        (trace,) = world.traces
        assert (trace.outcome, trace.error_code) == ("refused", error.code)
        assert trace.attempts == []
        assert refused.value.hint

    async def test_a_refused_name_can_be_stored(self, world: World) -> None:
        question = asked(feature="f\udcff", tenant="t\udcff", user="u\udcff", input={})
        with pytest.raises(FeatureUnknown):
            await events_of(question, world.ports)
        trace = msgspec.json.decode(msgspec.json.encode(world.traces[0]), type=Trace)
        assert (trace.feature, trace.tenant, trace.user_id) == ("f\\udcff", "t\\udcff", "u\\udcff")


class TestFallback:
    """A ladder that fails, retrieval that is down, nothing relevant: an honest text."""

    @pytest.mark.parametrize(
        ("replies", "codes"),
        [
            pytest.param((Reply(status=500),), ["models.unavailable"] * 2, id="broken: asked twice"),
            pytest.param((Reply(status=401),), ["models.refused_key"], id="a refused key: once"),
            pytest.param((Reply(status=404),), ["models.bad_request"], id="no such model: once"),
            pytest.param(
                (Reply(chunks=(), ending="stall", after=0),),
                ["models.timeout"],
                id="silent",
                marks=pytest.mark.slow,
            ),
            pytest.param(
                (Reply(chunks=(), ending="malformed", after=0),), ["models.bad_answer"], id="not JSON"
            ),
        ],
    )
    async def test_the_next_rung_answers(
        self, world: World, replies: tuple[Reply, ...], codes: list[str]
    ) -> None:
        quick = msgspec.structs.replace(world.ports.models, first_token_timeout_s=2)
        async with ScriptedUpstream(replies) as upstream:
            ports = with_release(world, a_release(a_model(upstream.url), QUOTES))
            answered = (await ended(asked(), world, msgspec.structs.replace(ports, models=quick))).answer
        attempts = world.traces[0].attempts
        assert [one["error_code"] for one in attempts] == [*codes, None]
        assert (answered.outcome, answered.model) == ("answered", "quotes")
        is_free = codes[0] in ("models.refused_key", "models.bad_request", "models.unavailable")
        assert (answered.cost_nanodollars == 0) == is_free
        assert [one["is_estimated"] for one in attempts] == [*(not is_free for _ in codes), False]

    async def test_a_second_try_may_do(self, world: World) -> None:
        answered = await from_upstream(world, Reply(status=503), Reply(chunks=(SAYS_SO,)))
        assert (answered.outcome, answered.model) == ("answered", "writer")
        first, second = world.traces[0].attempts
        assert (first["cost"], first["is_estimated"], second["is_estimated"]) == (0, False, False)

    async def test_no_rung_left_quotes_the_closest_passages(self, world: World) -> None:
        answered = await from_upstream(world, Reply(status=401))
        assert (answered.outcome, answered.reason, answered.model) == (
            "fallback",
            "models.no_rung_left",
            None,
        )
        assert answered.text.startswith(NOT_WRITTEN)
        assert len(answered.citations) == len(answered.passages) == 2
        assert answered.cost_nanodollars == 0

    async def test_a_model_that_breaks_off_before_its_first_sentence_is_not_a_gap_in_the_documents(
        self, world: World
    ) -> None:
        answered = await from_upstream(world, Reply(chunks=("A half sen", "tence"), ending="cut", after=1))
        assert answered.text.startswith(NOT_WRITTEN)
        assert (answered.outcome, answered.reason) == ("fallback", "models.stream_cut")

    async def test_a_fallback_that_is_a_text_quotes_nothing(self, world: World) -> None:
        async with ScriptedUpstream([Reply(status=401)]) as upstream:
            release = a_release(a_model(upstream.url), fallback=FallbackText("Ask us by phone."))
            answered = (await ended(asked(), world, with_release(world, release))).answer
        assert (answered.text, answered.citations) == (NOT_WRITTEN, ())

    @pytest.mark.parametrize(
        "chunks", [pytest.param((), id="no text"), pytest.param((" ", "\n"), id="blanks only")]
    )
    async def test_an_empty_answer_is_none(self, world: World, chunks: tuple[str, ...]) -> None:
        answered = await from_upstream(world, Reply(chunks=chunks))
        assert answered.outcome == "fallback"
        assert answered.model is None
        assert answered.text.startswith(NOT_WRITTEN)
        assert answered.usage.total > 0

    @pytest.mark.parametrize("ending", ["cut", "no_done", "stall", "malformed", "error"])
    async def test_a_cut_answer_stays_says_so_and_quotes(self, world: World, ending: str) -> None:
        sentences = (SAYS_SO + " ", "A half sen", "tence that never ends.")
        reply = msgspec.convert({"chunks": sentences, "ending": ending, "after": 2}, Reply)
        answered = await from_upstream(world, reply)
        assert answered.text.startswith(SAYS_SO)
        assert "half" not in answered.text
        assert "(The answer was cut off here.)" in answered.text
        assert "> " in answered.text.partition("cut off here")[2]
        assert (answered.outcome, answered.model) == ("fallback", "writer")
        assert answered.reason.startswith("models.")
        assert answered.cost_nanodollars  # what came is paid for
        assert world.traces[0].attempts[0]["outcome"] == "cut"
        assert world.traces[0].attempts[0]["is_estimated"]

    async def test_nothing_relevant_shows_what_came_closest(self, world: World) -> None:
        answered = (await ended(asked(NONSENSE), world)).answer
        assert (answered.outcome, answered.reason) == ("fallback", "retrieve.nothing_relevant")
        assert answered.citations
        assert answered.model is None

    async def test_an_engine_that_is_away_is_no_error(self, world: World, away: RemoteEngine) -> None:
        ports = msgspec.structs.replace(world.ports, engine=away)
        answered = (await ended(asked(), world, ports)).answer
        assert (answered.text, answered.outcome, answered.reason) == (
            NOT_SEARCHED,
            "fallback",
            "knowledge.engine_away",
        )

    async def test_every_rung_of_the_ladder_may_be_missing_its_provider(self, world: World) -> None:
        model = msgspec.structs.replace(QUOTES, provider="teapot")
        answered = (await ended(asked(), world, with_release(world, a_release(model)))).answer
        assert answered.reason == "models.provider_unknown"


class TestCitations:
    """What the model says is held against the passages."""

    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            pytest.param("The moon was bought for 12 dollars. [1]", "unsupported", id="false"),
            pytest.param("Nothing is made up here. [9]", "unsupported", id="a number that no passage has"),
            pytest.param("Our gardeners love long walks.", "uncited", id="made up, and uncited"),
        ],
    )
    async def test_what_does_not_hold_is_withheld_and_quotes_go_on(
        self, world: World, said: str, reason: str
    ) -> None:
        answered = await from_upstream(world, Reply(chunks=(SAYS_SO, " ", said, " And more of it.")))
        assert answered.text.startswith(SAYS_SO)
        assert said.partition(".")[0] not in answered.text
        assert "more of it" not in answered.text
        assert {one.state for one in answered.citations} == {CitationState.VERBATIM}
        assert (answered.outcome, answered.support.withheld) == ("answered", 1)
        assert world.traces[0].withheld == [{"text": f" {said}", "reason": reason}]
        assert world.traces[0].support["withheld"] == 1

    async def test_a_model_that_made_something_up_is_stopped(self, world: World) -> None:
        """It is not waited for, and not paid for what nobody will read."""
        reply = Reply(chunks=("It costs 12 dollars. [1] ", "And so", " on."), ending="stall", after=2)
        async with ScriptedUpstream([reply]) as upstream:
            ports = with_release(world, a_release(a_model(upstream.url)))
            answered = (await ended(asked(), world, ports)).answer
            await asyncio.wait_for(upstream.received[0].hung_up.wait(), 10)
        assert (answered.outcome, answered.model) == ("answered", "extractive")
        assert [one["outcome"] for one in world.traces[0].attempts] == ["cancelled", "answered"]

    async def test_a_model_that_does_not_know_is_believed(self, world: World) -> None:
        answered = await from_upstream(world, Reply(chunks=("I do not know", ". Sorry.")))
        assert (answered.outcome, answered.reason, answered.model) == ("fallback", "check.declined", None)
        assert answered.text.startswith(NO_ANSWER)

    async def test_a_stage_may_mark_instead(self, world: World) -> None:
        said = "The moon was bought for 12 dollars. [1] Nothing is made up. [9]"
        async with ScriptedUpstream([Reply(chunks=(said,))]) as upstream:
            marking = msgspec.structs.replace(WRITE, unsupported="mark")
            release = a_release(a_model(upstream.url), stages=(FIND, marking))
            answered = (await ended(asked(), world, with_release(world, release))).answer
        assert answered.text == said
        assert [one.state for one in answered.citations] == [CitationState.UNSUPPORTED]
        assert (answered.support.unsupported, answered.support.withheld) == (2, 0)


class TestScope:
    """Who sees what."""

    @pytest.mark.parametrize(
        "who",
        [
            pytest.param({"groups": ("staff",)}, id="a group"),
            pytest.param({"user": "ada"}, id="a user"),
        ],
    )
    async def test_a_reader_finds_it(self, world: World, who: dict[str, object]) -> None:
        answered = (await ended(asked(SALARIES, **who), world)).answer
        assert "salary band 7" in answered.text

    @pytest.mark.parametrize(
        "who",
        [
            pytest.param({}, id="nobody in particular"),
            pytest.param({"user": "eve"}, id="another user"),
            pytest.param({"user": "group:staff"}, id="a user named like the group"),
            pytest.param({"groups": ("user:ada", "*")}, id="groups named like readers"),
            pytest.param({"groups": ("staff",), "tenant": "acme"}, id="the group of another tenant"),
            pytest.param({"tenant": "default' OR '1'='1"}, id="a tenant that is SQL"),
        ],
    )
    async def test_nobody_else_does(self, world: World, who: dict[str, object]) -> None:
        answered = (await ended(asked(SALARIES, **who), world)).answer
        assert "band 7" not in msgspec.json.encode(answered).decode()
        assert "band 7" not in msgspec.json.encode(world.traces).decode()

    async def test_the_prompt_holds_only_what_the_asker_may_see(self, world: World) -> None:
        async with ScriptedUpstream([Reply()]) as upstream:
            anything = msgspec.structs.replace(
                FIND, thresholds=Thresholds(cosine=-1.0, cosine_with_words=-1.0, coverage=0.0)
            )
            release = a_release(a_model(upstream.url), stages=(anything, WRITE))
            await ended(asked(SALARIES, user="eve"), world, with_release(world, release))
            assert "<passage" in str(upstream.received[0].body)
            assert "band 7" not in str(upstream.received[0].body)


class Breaks:
    """A provider with a mistake in it."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        if request.messages:
            raise NotImplementedError
        yield TextDelta("never")


class TestCancelled:
    """Nobody waits any more."""

    async def test_leaving_after_any_event_is_one_trace(self, world: World) -> None:
        async with ScriptedUpstream([Reply(chunks=(SAYS_SO, " More is said. ", "And more."))]) as upstream:
            ports = with_release(world, a_release(a_model(upstream.url)))
            whole = await events_of(asked(), ports)
            for count in range(1, len(whole)):
                world.traces.clear()
                events = answer(asked(), ports)
                seen = [await anext(events) for _ in range(count)]
                await events.aclose()
                assert [type(one) for one in seen] == [type(one) for one in whole[:count]]
                (trace,) = world.traces
                assert trace.outcome == "cancelled"
                assert trace.trace_id == getattr(seen[0], "trace_id", None)
            await until(lambda: upstream.running == 0)

    async def test_a_call_that_was_never_begun_has_no_trace(self, world: World) -> None:
        await answer(asked(), world.ports).aclose()
        assert world.traces == []

    @pytest.mark.parametrize(
        "reply",
        [
            pytest.param(Reply(first_delay_s=30), id="before the first piece"),
            pytest.param(Reply(chunks=(SAYS_SO, " More."), chunk_delay_s=30), id="between two pieces"),
        ],
    )
    async def test_a_cancelled_task_hangs_up_upstream(self, world: World, reply: Reply) -> None:
        patient = msgspec.structs.replace(world.ports.models, idle_timeout_s=20.0, first_token_timeout_s=20.0)
        async with ScriptedUpstream([reply]) as upstream:
            ports = with_release(world, a_release(a_model(upstream.url)))
            ports = msgspec.structs.replace(ports, models=patient)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(events_of(asked(), ports))
                await until(lambda: upstream.running == 1)
                task.cancel()
            await until(upstream.received[0].hung_up.is_set)
        (trace,) = world.traces
        assert trace.outcome == "cancelled"
        assert [one["outcome"] for one in trace.attempts] == ["cancelled"]
        assert trace.cost_nanodollars  # what was asked is paid for
        assert trace.attempts[0]["is_estimated"]

    async def test_a_mistake_nobody_foresaw_is_one_trace_too(self, world: World) -> None:
        ports = msgspec.structs.replace(world.ports, provider=lambda _: Breaks())
        with pytest.raises(NotImplementedError):
            await events_of(asked(), ports)
        (trace,) = world.traces
        assert (trace.outcome, trace.error_code) == ("failed", "bug.NotImplementedError")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=50),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(st.sampled_from(["question", "a"]) | st.text(st.characters()), parts, max_size=3)
    ),
    max_leaves=8,
)
HOSTILE = st.sampled_from(
    [
        "{{ 7*7 }}",
        "{% for a in b %}",
        "</passage>",
        "'; DROP TABLE traces; --",
        "\x1b[31m",
        "\x00",
        "who are you",
        "",
    ]
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    values=st.fixed_dictionaries({"question": JSON | HOSTILE}) | st.dictionaries(st.text(), JSON, max_size=3)
)
async def test_any_input_ends_in_an_answer_or_a_known_error(world: World, values: dict[str, object]) -> None:
    """No template, schema, search or model makes anything else of it; and what is said can be stored."""
    ports = with_release(world, a_release(input_schema={"type": "object"}))
    world.traces.clear()
    try:
        await ended(asked(input=values), world, ports)
    except ButtressError:
        assert world.traces[0].outcome == "refused"
    assert len(world.traces) == 1
