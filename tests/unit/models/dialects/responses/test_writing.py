"""An answer as OpenAI's own client hears it: the judge of what is written is that client, over real HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import msgspec
import openai
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseInputParam,
    ResponseReasoningItem,
)
from pydantic import BaseModel

from buttress.kernel.messages import (
    FinishReason,
    ModelEvent,
    ModelRequest,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
    ToolResult,
)
from buttress.models.dialects.chat.writing import error_body
from buttress.models.dialects.folding import fold, unfold
from buttress.models.dialects.responses.request_in import read_body, read_request
from buttress.models.dialects.responses.writing import ResponsesWriter, whole
from buttress.models.dialects.types import Said
from buttress.models.errors import ModelUnavailable, RateLimited, StreamCut
from tests.unit.models.dialects.responses.answers import (
    TOLD,
    USAGE,
    answers,
    as_openai_reads,
    finished,
    gathered,
    objects_in,
    told_in,
    written,
)

TEXT: list[ModelEvent] = [TextDelta("Hel"), TextDelta("lo."), finished()]
CALLS: list[ModelEvent] = [
    ToolCallDelta(index=0, id="call_a", name="weather"),
    ToolCallDelta(index=1, id="call_b", name="time", arguments='{"zone"'),
    ToolCallDelta(index=0, arguments='{"city": "Rome"}'),
    ToolCallDelta(index=1, arguments=': "UTC"}'),
    finished("tool_calls"),
]
TOOL: openai.types.responses.FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": True,
}


def kinds_of(stream: bytes) -> list[str]:
    """Return the names of the events of `stream`, without the `response.` before them."""
    return [told.name.removeprefix("response.") for told in told_in(stream)]


_AROUND = ["created", "in_progress"]
_MESSAGE = ["output_item.added", "content_part.added"]
_MESSAGE_DONE = ["output_text.done", "content_part.done", "output_item.done"]
_THINKING = ["output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"]
_THINKING_DONE = ["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"]
_CALL_DONE = ["function_call_arguments.done", "output_item.done"]
_SAID = "output_text.delta"
_ARGUED = "function_call_arguments.delta"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([finished()], [*_AROUND, "completed"], id="nothing is said"),
        pytest.param(TEXT, [*_AROUND, *_MESSAGE, _SAID, _SAID, *_MESSAGE_DONE, "completed"], id="text"),
        pytest.param(
            [TextDelta("Hel"), finished("length")],
            [*_AROUND, *_MESSAGE, _SAID, *_MESSAGE_DONE, "incomplete"],
            id="text that is cut short",
        ),
        pytest.param(
            [ThinkingDelta("hm"), ThinkingDelta(signature="s"), TextDelta("a"), finished()],
            [*_AROUND, *_THINKING, *_THINKING_DONE, *_MESSAGE, _SAID, *_MESSAGE_DONE, "completed"],
            id="thinking, then text",
        ),
        pytest.param(
            [ThinkingDelta(signature="s"), finished()],
            [*_AROUND, "output_item.added", "output_item.done", "completed"],
            id="thinking that is not shown",
        ),
        pytest.param(
            CALLS,
            [
                *_AROUND,
                "output_item.added",
                "output_item.added",
                *[_ARGUED] * 3,
                *_CALL_DONE,
                *_CALL_DONE,
                "completed",
            ],
            id="calls side by side stay open until the end",
        ),
        pytest.param(
            [TextDelta("a"), ToolCallDelta(index=0, id="c", name="f", arguments="{}"), finished()],
            [
                *(*_AROUND, *_MESSAGE, _SAID, *_MESSAGE_DONE),
                *("output_item.added", _ARGUED, *_CALL_DONE, "completed"),
            ],
            id="text, then a call",
        ),
    ],
)
def test_the_events_have_the_order_of_the_format(events: list[ModelEvent], expected: list[str]) -> None:
    assert kinds_of(written(events)) == expected


def test_an_event_says_its_type_its_number_and_where_it_belongs() -> None:
    stream = written(TEXT)
    told = objects_in(stream)
    assert [one["sequence_number"] for one in told] == list(range(len(told)))
    assert [one["type"] for one in told] == [event.name for event in told_in(stream)]
    assert b"[DONE]" not in stream
    assert told[4] == {
        "type": "response.output_text.delta",
        "item_id": "msg_7_0",
        "output_index": 0,
        "content_index": 0,
        "delta": "Hel",
        "logprobs": [],
        "sequence_number": 4,
    }


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(answers(("stop", "tool_calls")))
def test_any_answer_is_what_openais_accumulator_gathers(said: Said) -> None:
    response = gathered(written(unfold(said)))
    assert response is not None
    agrees(response, said)


@settings(max_examples=100, deadline=None)
@given(answers())
def test_any_whole_answer_is_one_of_openais_responses(said: Said) -> None:
    response = Response.model_validate_json(whole(said, TOLD))
    agrees(response, said)
    details = response.incomplete_details
    wanted = {"length": "max_output_tokens", "content_filter": "content_filter"}
    assert (details.reason if details else None) == wanted.get(said.reason)
    assert response.status == ("incomplete" if said.reason in wanted else "completed")


@settings(max_examples=100, deadline=None)
@given(answers())
def test_a_stream_ends_with_what_a_whole_answer_is(said: Said) -> None:
    last = objects_in(written(unfold(said)))[-1]
    assert last["response"] == msgspec.json.decode(whole(said, TOLD))


def last_output(last: dict[str, object]) -> object:
    """Return the output of the response in the last event."""
    return msgspec.convert(last["response"], dict[str, object])["output"]


def agrees(response: Response, said: Said) -> None:
    """Check that `response` says what `said` does."""
    assert response.output_text == said.text
    calls = [one for one in response.output if isinstance(one, ResponseFunctionToolCall)]
    assert tuple(ToolCall(one.call_id, one.name, one.arguments) for one in calls) == said.tool_calls
    thoughts = [one for one in response.output if isinstance(one, ResponseReasoningItem)]
    assert "".join(part.text for one in thoughts for part in one.summary) == said.thinking
    proofs = [one.encrypted_content or "" for one in thoughts]
    assert proofs == [thought.signature for thought in said.thoughts]
    counted = response.usage
    assert (counted is None) == (said.usage is None)
    if counted and said.usage:
        assert counted.total_tokens == counted.input_tokens + counted.output_tokens == said.usage.total
        assert counted.input_tokens_details.cached_tokens == said.usage.cache_read
        assert counted.input_tokens_details.cache_write_tokens == said.usage.cache_write
        assert counted.output_tokens_details.reasoning_tokens == said.usage.reasoning


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(answers(), st.data())
def test_whatever_way_an_answer_is_cut_into_pieces_it_is_the_same(said: Said, data: st.DataObject) -> None:
    pieces: list[ModelEvent] = []
    for event in unfold(said)[:-1]:
        pieces += halves(event, data.draw(st.integers(0, 20)))
    stream = written([*pieces, unfold(said)[-1]])
    as_openai_reads(stream)
    assert last_output(objects_in(stream)[-1]) == last_output(objects_in(written(unfold(said)))[-1])


def halves(event: ModelEvent, at: int) -> list[ModelEvent]:
    """Return `event` in two, where it can be halved."""
    match event:
        case TextDelta(text) if text[:at] and text[at:]:
            return [TextDelta(text[:at]), TextDelta(text[at:])]
        case ToolCallDelta():
            first = ToolCallDelta(
                index=event.index, id=event.id, name=event.name, arguments=event.arguments[:at]
            )
            return [first, ToolCallDelta(index=event.index, arguments=event.arguments[at:])]
        case ThinkingDelta(text, signature) if text[:at] and text[at:]:
            return [ThinkingDelta(text[:at]), ThinkingDelta(text[at:], signature)]
        case _:
            return [event]


def test_a_second_thought_after_a_signature_is_an_item_of_its_own() -> None:
    thoughts: list[ModelEvent] = [
        ThinkingDelta("a", "s"),
        ThinkingDelta("b"),
        ThinkingDelta(signature="t"),
        finished(),
    ]
    response = gathered(written(thoughts))
    assert response is not None
    assert [
        (one.summary[0].text, one.encrypted_content)
        for one in response.output
        if isinstance(one, ResponseReasoningItem)
    ] == [("a", "s"), ("b", "t")]


def test_a_call_without_arguments_is_still_json() -> None:
    called: list[ModelEvent] = [ToolCallDelta(index=0, id="c", name="f"), finished("tool_calls")]
    response = gathered(written(called))
    assert response is not None
    (call,) = response.output
    assert isinstance(call, ResponseFunctionToolCall)
    assert call.arguments == "{}"
    said = Said(text="", tool_calls=(ToolCall("c", "f", ""),), reason="stop", usage=None, model="m")
    assert b'"arguments":"{}"' in whole(said, TOLD)


def test_parallel_calls_whose_upstream_gave_no_ids_are_not_merged() -> None:
    events: list[ModelEvent] = [
        ToolCallDelta(index=0, name="f"),
        ToolCallDelta(index=1, name="f"),
        finished("tool_calls"),
    ]
    response = gathered(written(events))
    assert response is not None
    ids = [one.call_id for one in response.output if isinstance(one, ResponseFunctionToolCall)]
    assert len(set(ids)) == 2


def test_missing_usage_is_unknown_not_zero() -> None:
    last = as_openai_reads(written([TextDelta("a"), finished(usage=None)]))[-1]
    assert last.type == "response.completed"
    assert last.response.usage is None


def test_what_is_ours_stands_on_the_last_response() -> None:
    writer = ResponsesWriter(TOLD)
    writer.begin()
    (last,) = objects_in(writer.write(finished(), {"trace_id": "t1"}))
    assert msgspec.convert(last["response"], dict[str, object])["buttress"] == {"trace_id": "t1"}


def test_an_answer_repeats_the_fields_of_its_request() -> None:
    asked = read_body(
        b'{"model": "m", "input": "a", "temperature": 0.5, "metadata": {"k": "v"}, "text": null}'
    )
    first, *_ = as_openai_reads(written(TEXT, asked))
    assert first.type == "response.created"
    assert (first.response.temperature, first.response.metadata) == (0.5, {"k": "v"})
    assert (first.response.status, first.response.output) == ("in_progress", [])


def test_an_answer_says_that_it_is_not_stored() -> None:
    first = objects_in(written(TEXT))[0]
    assert msgspec.convert(first["response"], dict[str, object])["store"] is False


def test_a_stream_that_breaks_off_ends_in_failed_and_an_error() -> None:
    writer = ResponsesWriter(TOLD)
    stream = writer.begin() + writer.write(TextDelta("Hal")) + writer.fail(StreamCut("it broke off"), 502)
    *_, failed, error = objects_in(stream)
    assert failed["type"] == "response.failed"
    response = msgspec.convert(failed["response"], dict[str, object])
    assert (response["status"], response["output"]) == ("failed", [])
    assert (error["type"], error["code"], error["sequence_number"]) == ("error", "models.stream_cut", 6)
    assert "completed" not in kinds_of(stream)


def test_half_a_character_becomes_a_question_mark_also_beside_fields_as_they_came() -> None:
    asked = read_body(b'{"model": "m", "input": "a", "metadata": {"k": "v"}}')
    stream = written([TextDelta("half \ud83d."), finished()], asked)
    assert gathered(stream) is not None
    last = msgspec.convert(objects_in(stream)[-1]["response"], dict[str, object])
    assert last["metadata"] == {"k": "v"}
    assert "half ?." in str(last["output"])


Answering = Callable[[bytes], bytes]


@asynccontextmanager
async def client_of(answering: Answering, status: int = 200) -> AsyncIterator[openai.AsyncOpenAI]:
    """Give OpenAI's client, of a server that answers each request body with what `answering` returns."""

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        kind = "text/event-stream" if read_body(body).is_stream and status == 200 else "application/json"
        return web.Response(body=answering(body), content_type=kind, status=status)

    app = web.Application()
    app.router.add_post("/v1/responses", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0
        ) as client:
            yield client
    finally:
        await runner.cleanup()


def streaming(events: list[ModelEvent]) -> Answering:
    """Return a server's side that streams `events`."""
    return lambda body: written(events, read_body(body))


async def test_the_official_client_reads_a_whole_answer() -> None:
    said = Said(text="Hello.", tool_calls=(ToolCall("c", "f", "{}"),), reason="stop", usage=USAGE, model="m")
    async with client_of(lambda body: whole(said, TOLD, {"trace_id": "t1"}, read_body(body))) as client:
        response = await client.responses.create(model="support", input="Hi?", metadata={"k": "v"})
    assert response.output_text == "Hello."
    assert response.metadata == {"k": "v"}
    assert response.usage is not None
    assert response.usage.total_tokens == 45
    assert response.to_dict()["buttress"] == {"trace_id": "t1"}


async def test_the_official_client_reads_a_stream() -> None:
    async with client_of(streaming(TEXT)) as client:
        stream = await client.responses.create(model="support", input="Hi?", stream=True)
        heard = [event async for event in stream]
    assert "".join(one.delta for one in heard if one.type == "response.output_text.delta") == "Hello."
    assert heard[-1].type == "response.completed"


async def test_the_streaming_helper_gives_the_final_response() -> None:
    async with (
        client_of(streaming([ThinkingDelta("hm"), *TEXT])) as client,
        client.responses.stream(model="support", input="Hi?") as stream,
    ):
        response = await stream.get_final_response()
    assert response.output_text == "Hello."
    assert [item.type for item in response.output] == ["reasoning", "message"]


async def test_the_streaming_helper_parses_calls_and_their_arguments() -> None:
    async with (
        client_of(streaming(CALLS)) as client,
        client.responses.stream(model="support", input="Hi?", tools=[TOOL]) as stream,
    ):
        response = await stream.get_final_response()
    calls = [one for one in response.output if one.type == "function_call"]
    assert [(one.call_id, one.name, one.arguments) for one in calls] == [
        ("call_a", "weather", '{"city": "Rome"}'),
        ("call_b", "time", '{"zone": "UTC"}'),
    ]
    assert calls[0].parsed_arguments == {"city": "Rome"}


async def test_what_was_answered_goes_back_as_input_with_its_calls_and_proofs() -> None:
    answered: list[ModelEvent] = [ThinkingDelta("hm"), ThinkingDelta(signature="proof"), *CALLS]
    asked: list[ModelRequest] = []

    def answering(data: bytes) -> bytes:
        body = read_body(data)
        asked.append(read_request(body))
        said = fold(answered if len(asked) == 1 else TEXT)
        return whole(said, TOLD, None, body)

    async with client_of(answering) as client:
        first = await client.responses.create(model="m", input="Hi?", tools=[TOOL])
        results = [
            {"type": "function_call_output", "call_id": one, "output": "42"} for one in ("call_a", "call_b")
        ]
        given = [{"role": "user", "content": "Hi?"}, *(item.to_dict() for item in first.output), *results]
        second = await client.responses.create(
            model="m", input=cast("ResponseInputParam", given), tools=[TOOL]
        )
    assert second.output_text == "Hello."
    _, turn, *told = asked[1].messages
    assert turn.parts == (
        Thinking("hm", "proof"),
        ToolCall("call_a", "weather", '{"city": "Rome"}'),
        ToolCall("call_b", "time", '{"zone": "UTC"}'),
    )
    assert [one.parts for one in told] == [(ToolResult("call_a", "42"),), (ToolResult("call_b", "42"),)]


class City(BaseModel):
    """What an answer is to be."""

    name: str


async def test_the_streaming_helper_parses_an_answer_of_a_schema() -> None:
    events: list[ModelEvent] = [TextDelta('{"na'), TextDelta('me": "Rome"}'), finished()]
    async with (
        client_of(streaming(events)) as client,
        client.responses.stream(model="support", input="Hi?", text_format=City) as stream,
    ):
        response = await stream.get_final_response()
    assert response.output_parsed == City(name="Rome")


@pytest.mark.parametrize(
    ("reason", "told"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
async def test_an_answer_that_is_cut_short_is_not_a_completed_one(reason: FinishReason, told: str) -> None:
    async with client_of(streaming([TextDelta("Hel"), finished(reason)])) as client:
        stream = await client.responses.create(model="support", input="Hi?", stream=True)
        last = [event async for event in stream][-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == told
    assert last.response.output_text == "Hel"


async def test_a_cut_upstream_is_an_error_and_not_a_clean_end() -> None:
    def breaking(_: bytes) -> bytes:
        writer = ResponsesWriter(TOLD)
        begun = writer.begin() + writer.write(TextDelta("Hal"))
        return begun + writer.fail(StreamCut("the answer broke off"), 502)

    async with client_of(breaking) as client:
        stream = await client.responses.create(model="support", input="Hi?", stream=True)
        with pytest.raises(openai.APIError, match="the answer broke off") as raised:
            _ = [event async for event in stream]
    assert raised.value.code == "models.stream_cut"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
async def test_a_refusal_is_raised_with_its_code_and_hint(
    status: int, kind: type[openai.APIStatusError]
) -> None:
    error = RateLimited("too many") if status == 429 else ModelUnavailable("away")
    async with client_of(lambda _: error_body(error, status), status) as client:
        with pytest.raises(kind, match=error.message) as raised:
            await client.responses.create(model="support", input="Hi?")
    assert raised.value.code == error.code
    assert error.hint in str(raised.value)
