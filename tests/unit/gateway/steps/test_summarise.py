"""The summary of a conversation: asked of the feature's ladder over real HTTP, paid for, and traced."""

import msgspec
import pytest

from buttress.gateway.errors import ModelUnknown
from buttress.gateway.prompting import prompt_of
from buttress.gateway.steps.summarise import summariser
from buttress.kernel.catalogue import Catalogue, plain_ladder
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Message
from buttress.kernel.tokens import EstimatedTokens
from buttress.prompts.composing import Conversation, compose
from buttress.prompts.packing import FORMAT_TOKENS, Window
from buttress.prompts.types import Summarise, Turns
from buttress.releases.types import Release
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.gateway.world import QUOTES, WRITE, World, a_call, a_model, a_release, asked, with_release

TURNS = (Message("user", "Where does basil stand?"), Message("assistant", "In the sun."))


def a_writer(url: str) -> Release:
    """Return a release with a model, and quotes behind it."""
    release = a_release(a_model(url), stages=(WRITE,))
    models = {**release.models, QUOTES.name: QUOTES}
    return msgspec.structs.replace(
        release, models=models, ladders={"answers": plain_ladder("writer", "quotes")}
    )


def summarising(world: World, release: Release, **changes: object) -> Summarise:
    """Return what summarises ada's conversation with `release`, by ports with `changes`."""
    world.ports = msgspec.structs.replace(with_release(world, release), **changes)
    found = summariser(a_call(world.ports, asked(user="ada", conversation="c1")))
    assert found
    return found


async def test_a_summary_is_asked_for_with_the_one_before_and_traced(bare: World) -> None:
    async with ScriptedUpstream([Reply(chunks=("They spoke ", "of basil."))]) as upstream:
        told = await summarising(bare, a_writer(upstream.url))("They met.", TURNS)
        (received,) = upstream.received
    assert told == "They spoke of basil."
    assert received.question.index("They met.") < received.question.index("In the sun.")
    (trace,) = bare.traces
    assert (trace.kind, trace.outcome, trace.feature, trace.user_id) == (
        "summary",
        "answered",
        "support",
        "ada",
    )
    assert trace.input == {"conversation": "c1", "summarises": 2}
    assert (trace.answer, trace.usage.total, len(trace.attempts)) == (told, 10, 1)
    assert trace.cost_nanodollars
    assert [one.trace_id for one in bare.begun] == [trace.trace_id]


async def test_a_model_of_their_own_writes_summaries(bare: World) -> None:
    async with ScriptedUpstream() as asked_of, ScriptedUpstream([Reply(chunks=("Of basil.",))]) as upstream:
        catalogue = Catalogue({"cheap": a_model(upstream.url, "cheap")}, {})
        summarise = summarising(bare, a_writer(asked_of.url), summary_model="cheap", catalogue=catalogue)
        assert await summarise("", TURNS) == "Of basil."
        assert (len(asked_of.received), len(upstream.received)) == (0, 1)
    assert [one.model for one in bare.traces] == ["cheap"]


async def test_one_that_is_not_there_is_said(bare: World) -> None:
    summarise = summarising(bare, a_writer("http://127.0.0.1:1"), summary_model="cheep")
    with pytest.raises(ModelUnknown, match="'cheep'"):
        await summarise("", TURNS)
    assert [one.error_code for one in bare.traces] == [ModelUnknown.code]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(Reply(status=400), "models.no_rung_left", id="a model that refuses"),
        pytest.param(Reply(chunks=(" ", "\n")), "models.bad_answer", id="nothing"),
        pytest.param(Reply(chunks=("... --- !!!",)), "models.bad_answer", id="no words"),
        pytest.param(Reply(ending="cut", after=1), "models.stream_cut", id="one that breaks off"),
    ],
)
async def test_what_is_no_summary_is_an_error(bare: World, reply: Reply, code: str) -> None:
    async with ScriptedUpstream([reply]) as upstream:
        with pytest.raises(ButtressError) as raised:
            await summarising(bare, a_writer(upstream.url))("", TURNS)
    assert raised.value.code == code
    assert [(one.outcome, one.error_code) for one in bare.traces] == [("failed", code)]


async def test_one_that_is_too_long_is_cut_behind_a_sentence(bare: World) -> None:
    async with ScriptedUpstream([Reply(chunks=("They spoke of basil. " * 50,) * 100)]) as upstream:
        told = await summarising(bare, a_writer(upstream.url))("", TURNS)
    assert EstimatedTokens().count(told) <= bare.ports.summary_tokens
    assert told.endswith("basil.")


async def test_one_for_a_small_window_is_as_short_as_its_prompt_can_tell(bare: World) -> None:
    async with ScriptedUpstream([Reply(chunks=("They spoke of basil. " * 100,))]) as upstream:
        release = a_writer(upstream.url)
        writer = msgspec.structs.replace(release.models["writer"], window_tokens=2_048)
        small = msgspec.structs.replace(release, models={**release.models, "writer": writer})
        told = await summarising(bare, small)("", TURNS)
    room = Window(window_tokens=2_048, answer_tokens=WRITE.max_tokens, format_tokens=FORMAT_TOKENS)
    known = Turns((), 40, told, 40)
    said = Conversation({"question": "Why?", "passages": ""}, (), known)
    composed = compose(prompt_of(small, "answer.md"), said, [], room, EstimatedTokens())
    assert composed.earlier.summary == told
    assert 100 < EstimatedTokens().count(told) < bare.ports.summary_tokens


async def test_for_a_window_that_none_fits_into_there_is_none(bare: World) -> None:
    release = a_writer("http://127.0.0.1:9/v1")
    writer = msgspec.structs.replace(release.models["writer"], window_tokens=600)
    small = msgspec.structs.replace(release, models={**release.models, "writer": writer})
    assert summariser(a_call(with_release(bare, small))) is None


async def test_without_a_model_that_writes_there_is_none(bare: World) -> None:
    ports = with_release(bare, a_release())
    assert summariser(a_call(ports)) is None
