"""The summary of a conversation: asked of the feature's ladder over real HTTP, paid for, and traced."""

import msgspec
import pytest

from buttress.gateway.steps.summarise import summariser
from buttress.kernel.catalogue import plain_ladder
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Message
from buttress.kernel.tokens import EstimatedTokens
from buttress.prompts.types import Summarise
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


def summarising(world: World, release: Release) -> Summarise:
    """Return what summarises ada's conversation with `release`."""
    world.ports = with_release(world, release)
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


async def test_without_a_model_that_writes_there_is_none(bare: World) -> None:
    ports = with_release(bare, a_release())
    assert summariser(a_call(ports)) is None
