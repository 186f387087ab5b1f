"""Send: the text of the first model that answers, piece by piece; nothing before it is asked for."""

import asyncio
from contextlib import aclosing

import msgspec
import pytest

from buttress.gateway.steps.send import send
from buttress.models.errors import ModelTimeout, NoRungLeft, StreamCut
from buttress.releases.types import LatencyBudget
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.gateway.world import QUOTES, World, a_call, a_model, a_passage, a_release, composed

PASSAGES = (a_passage("The answer is forty-two."),)


async def test_pieces_come_as_they_were_sent(world: World) -> None:
    call = a_call(world.ports)
    async with ScriptedUpstream([Reply(chunks=("Hel", "lo", "."))]) as upstream:
        sent = send(composed(a_release(a_model(upstream.url)), PASSAGES), call)
        assert upstream.received == []
        assert [piece async for piece in sent.text] == ["Hel", "lo", "."]
    assert call.recorder.spans[0].data == {"ladder": ["writer"], "model": "writer"}
    assert [one.outcome for one in call.attempts] == ["answered"]


async def test_the_next_rung_is_named(world: World) -> None:
    call = a_call(world.ports)
    async with ScriptedUpstream([Reply(status=401), Reply(chunks=("Yes.",))]) as upstream:
        ladder = (a_model(upstream.url, "first"), a_model(upstream.url, "second"))
        sent = send(composed(a_release(*ladder), PASSAGES), call)
        assert [piece async for piece in sent.text] == ["Yes."]
    assert call.recorder.spans[0].data["model"] == "second"
    assert [one.model for one in call.attempts] == ["first", "second"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(Reply(status=401), NoRungLeft, id="before the first piece"),
        pytest.param(Reply(ending="cut", after=1), StreamCut, id="after it"),
    ],
)
async def test_a_failure_is_raised_and_recorded(world: World, reply: Reply, error: type[Exception]) -> None:
    call = a_call(world.ports)
    async with ScriptedUpstream([reply]) as upstream:
        sent = send(composed(a_release(a_model(upstream.url)), PASSAGES), call)
        with pytest.raises(error):
            _ = [piece async for piece in sent.text]
    assert len(call.attempts) == 1
    assert call.recorder.spans[0].error


async def test_leaving_early_hangs_up(world: World) -> None:
    call = a_call(world.ports)
    async with ScriptedUpstream([Reply(ending="stall", after=1)]) as upstream:
        sent = send(composed(a_release(a_model(upstream.url)), PASSAGES), call)
        async with aclosing(sent.text) as text:
            await anext(text)
        async with asyncio.timeout(5):
            await upstream.received[0].hung_up.wait()
    assert [one.outcome for one in call.attempts] == ["cancelled"]


async def test_the_model_that_quotes_needs_no_upstream(world: World) -> None:
    call = a_call(world.ports)
    release = a_release(QUOTES)
    request = composed(release, PASSAGES)
    with pytest.raises(NoRungLeft, match="nothing_to_quote"):
        _ = [piece async for piece in send(request, call).text]  # it was told no question


async def test_a_latency_budget_is_kept_and_told(world: World) -> None:
    call, budget = a_call(world.ports), LatencyBudget(first_token_ms=300, total_ms=60_000)
    async with ScriptedUpstream([Reply(first_delay_s=30)]) as upstream:
        release = msgspec.structs.replace(a_release(a_model(upstream.url)), latency=budget)
        sent = send(composed(release, PASSAGES), call)
        with pytest.raises(ModelTimeout) as raised:
            _ = [piece async for piece in sent.text]
    assert raised.value.data == {"waited_for": "first_token_of_call"}
    latency = call.recorder.spans[0].data["latency"]
    assert isinstance(latency, dict)
    assert (latency["first_token_ms"]["missed"], latency["total_ms"]["missed"]) == (True, False)
