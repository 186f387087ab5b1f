"""`gateway.relay`: a model asked by its name, on the way of a call."""

from contextlib import aclosing

import msgspec
import pytest

from buttress.gateway.errors import ModelUnknown
from buttress.gateway.relay import LEFT_OUT, MAX_KEPT_BYTES, Relay, Wanted
from buttress.kernel.catalogue import Catalogue, Model, Price, plain_ladder
from buttress.kernel.messages import Finished
from buttress.models.dialects.chat.request_in import read_body
from buttress.models.errors import ModelUnavailable, NoRungLeft, RateLimited
from buttress.models.types import Frame
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.gateway.world import World


def wanted(model: str = "m", text: str = "Hi?", *, stream: bool = False) -> Wanted:
    body = {"model": model, "stream": stream, "user": "ada", "messages": [{"role": "user", "content": text}]}
    return Wanted(body=read_body(msgspec.json.encode(body)))


def relay(world: World, upstream: ScriptedUpstream | None = None, asked: Wanted | None = None) -> Relay:
    """Return a call to the model `m` behind `upstream`, or to one where nobody listens."""
    url = upstream.url if upstream else "http://127.0.0.1:9/v1"
    price = Price(input=1.0, output=2.0)
    model = Model(name="m", provider="openai", id="x", base_url=url, price=price)
    catalogue = Catalogue({"m": model}, {"both": plain_ladder("m")})
    return Relay(asked or wanted(), msgspec.structs.replace(world.ports, catalogue=catalogue))


async def test_a_whole_answer_is_one_frame_and_one_trace(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        call = relay(world, upstream)
        frame, end = [piece async for piece in call.pieces()]
    assert isinstance(frame, Frame)
    assert isinstance(end, Finished)
    assert msgspec.json.decode(frame.data)["choices"][0]["message"]["content"] == "Hello world."
    (trace,) = world.traces
    assert (trace.kind, trace.feature, trace.outcome, trace.user_id) == ("model", "m", "answered", "ada")
    assert (trace.answer, trace.model, trace.cost_nanodollars) == ("Hello world.", "m", 13_000)
    assert call.is_passed_on
    assert 0 <= float(str(call.figures["overhead_ms"])) <= call.duration_ms


async def test_a_stream_that_is_left_is_cancelled_and_paid_for(world: World) -> None:
    async with ScriptedUpstream([Reply(ending="stall", after=2)]) as upstream:
        call = relay(world, upstream, wanted(stream=True))
        async with aclosing(call.pieces()) as pieces:
            await anext(pieces)
    (trace,) = world.traces
    assert (trace.outcome, trace.cost_nanodollars) == ("cancelled", call.sums.cost)
    assert call.sums.cost


async def test_a_name_that_nobody_has_is_refused_with_the_nearest(world: World) -> None:
    with pytest.raises(ModelUnknown) as raised:
        await anext(relay(world, asked=wanted("botch")).pieces())
    assert "both" in raised.value.hint
    assert [trace.outcome for trace in world.traces] == ["refused"]


async def test_what_all_models_failed_with_is_what_is_raised(world: World) -> None:
    with pytest.raises(ModelUnavailable):
        await anext(relay(world, asked=wanted("both")).pieces())
    assert [trace.error_code for trace in world.traces] == ["models.unavailable"]


async def test_when_all_asked_for_a_pause_the_shortest_is_told(world: World) -> None:
    async with ScriptedUpstream([Reply(status=429, retry_after=pause) for pause in ("9", "40")]) as upstream:
        models = {
            name: Model(name=name, provider="openai", id="x", base_url=upstream.url) for name in ("a", "b")
        }
        ladders = {"both": plain_ladder("a", "b")}
        ports = msgspec.structs.replace(world.ports, catalogue=Catalogue(models, ladders))
        with pytest.raises(RateLimited) as raised:
            await anext(Relay(wanted("both"), ports).pieces())
    assert 0 < msgspec.convert(raised.value.data["retry_after_s"], float) <= 9


async def test_a_long_request_is_not_kept_in_its_trace(world: World) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        call = relay(world, upstream, wanted(text="a" * MAX_KEPT_BYTES))
        assert [piece async for piece in call.pieces()]
    kept = world.traces[0].input
    assert (kept["model"], kept["left_out"]) == ("m", ["messages", "model", "stream", "user"])


async def test_of_a_request_that_is_long_by_its_names_little_is_kept(world: World) -> None:
    fields: dict[str, object] = {f"{number}{'n' * 900}": 1 for number in range(400)}
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi?"}], **fields}
    async with ScriptedUpstream([Reply()]) as upstream:
        call = relay(world, upstream, Wanted(body=read_body(msgspec.json.encode(asked))))
        [piece async for piece in call.pieces()]
    assert len(msgspec.json.encode(world.traces[0].input)) < 2_000


async def test_of_a_long_answer_the_beginning_is_kept(world: World) -> None:
    half = "b" * (MAX_KEPT_BYTES // 2 + 1)
    async with ScriptedUpstream([Reply(chunks=(half, half, half))]) as upstream:
        call = relay(world, upstream, wanted(stream=True))
        frames = [piece async for piece in call.pieces() if isinstance(piece, Frame)]
    assert sum(len(frame.seen.text) for frame in frames) == 3 * len(half)
    assert world.traces[0].answer == "b" * MAX_KEPT_BYTES


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(
            "mcp_servers", [{"url": "u", "authorization_token": "secret"}], id="as Anthropic has it"
        ),
        pytest.param(
            "tools", [{"type": "mcp", "headers": {"Authorization": "secret"}}], id="as OpenAI has it"
        ),
    ],
)
async def test_keys_to_the_servers_of_tools_are_not_kept_in_a_trace(
    world: World, field: str, value: object
) -> None:
    asked = {"model": "nobody", "messages": [{"role": "user", "content": "Hi?"}], field: value}
    body = read_body(msgspec.json.encode(asked))
    with pytest.raises(ModelUnknown):
        await anext(relay(world, asked=Wanted(body=body)).pieces())
    kept = world.traces[0].input
    assert kept[field] == LEFT_OUT
    assert kept["messages"] == body.fields["messages"]


async def test_nobody_answers(world: World) -> None:
    models = {name: Model(name=name, provider=kind) for name, kind in (("a", "extractive"), ("b", "openai"))}
    models["b"] = msgspec.structs.replace(models["b"], base_url="http://127.0.0.1:9/v1")
    catalogue = Catalogue(models, {"all": plain_ladder("a", "b")})
    call = Relay(wanted("all"), msgspec.structs.replace(world.ports, catalogue=catalogue))
    with pytest.raises(NoRungLeft):
        await anext(call.pieces())
