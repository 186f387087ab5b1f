"""An answer as chat completions. OpenAI's own client is the judge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from openai import APIError, AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Finished,
    FinishReason,
    ModelEvent,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.reading import AnswerReader, read_whole
from buttress.models.dialects.chat.writing import ChatWriter, error_object, whole
from buttress.models.dialects.folding import fold, unfold
from buttress.models.dialects.types import Said, Told
from buttress.models.errors import RateLimited, RequestInvalid, StreamCut
from buttress.models.sse import SseParser
from tests.unit.models.dialects.thoughts import plain

TOLD = Told(id="chatcmpl-1", created=1_755_555_555, model="support")
MODEL = Model(name="big", provider="openai")
USAGE = Usage(input=5, cache_read=3, cache_write=2, output=4, reasoning=6)
END = Finished(reason="stop", usage=USAGE, model="big")


def written(events: list[ModelEvent], *, wants_usage: bool = True) -> bytes:
    writer = ChatWriter(TOLD, wants_usage=wants_usage)
    return writer.begin() + b"".join(writer.write(event) for event in events)


def data_of(sent: bytes) -> list[str]:
    return [event.data for event in SseParser(10_000_000).feed(sent)]


def objects(sent: bytes) -> list[dict[str, object]]:
    *chunks, done = data_of(sent)
    assert done == "[DONE]"
    return [msgspec.json.decode(chunk, type=dict[str, object]) for chunk in chunks]


def chunk(delta: object, reason: str | None = None, **fields: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return HEAD | {"choices": [choice]} | fields


HEAD: dict[str, object] = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1_755_555_555,
    "model": "support",
}
COUNTED = {
    "prompt_tokens": 10,
    "completion_tokens": 10,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 6},
}


def test_a_stream_is_told_in_openais_order() -> None:
    events: list[ModelEvent] = [
        ThinkingDelta("hm", "signed"),
        ThinkingDelta(signature="signed"),
        TextDelta("a"),
        ToolCallDelta(index=0, id="c1", name="f"),
        ToolCallDelta(index=0, arguments='{"a":'),
        ToolCallDelta(index=1, id="c2", name="g", arguments="{}"),
        END,
    ]
    g = {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    f = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a":'}}
    assert objects(written(events)) == [
        chunk({"role": "assistant", "content": ""}, usage=None),
        chunk({"reasoning_content": "hm"}, usage=None),
        chunk({"content": "a"}, usage=None),
        chunk({"tool_calls": [f]}, usage=None),
        chunk({"tool_calls": [more]}, usage=None),
        chunk({"tool_calls": [g]}, usage=None),
        chunk({}, "stop", usage=None),
        HEAD | {"choices": [], "usage": COUNTED},
    ]


def test_usage_that_is_not_wanted_stands_nowhere() -> None:
    sent = objects(written([TextDelta("a"), END], wants_usage=False))
    assert sent == [chunk({"role": "assistant", "content": ""}), chunk({"content": "a"}), chunk({}, "stop")]


def test_usage_that_nobody_knows_is_left_out() -> None:
    (_, last) = objects(written([Finished(reason="length", usage=None, model="big")]))
    assert last == chunk({}, "length", usage=None)


def test_what_is_ours_stands_in_the_chunk_with_the_reason() -> None:
    writer = ChatWriter(TOLD, wants_usage=True)
    sent = objects(writer.write(END, {"trace_id": "t1", "cost": None}))
    assert sent[0] == chunk({}, "stop", usage=None, buttress={"trace_id": "t1", "cost": None})
    assert "buttress" not in sent[1]


def test_a_stream_that_broke_off_ends_with_an_error_and_without_done() -> None:
    sent = ChatWriter(TOLD, wants_usage=True).fail(StreamCut("it broke off"), 502)
    (told,) = data_of(sent)
    assert msgspec.json.decode(told) == error_object(StreamCut("it broke off"), 502)
    assert b"[DONE]" not in sent


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "invalid_request_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (504, "server_error"),
    ],
)
def test_errors_have_openais_types(status: int, kind: str) -> None:
    (told,) = error_object(RateLimited("wait"), status).values()
    assert isinstance(told, dict)
    assert (told["type"], told["code"], told["param"]) == (kind, "models.rate_limited", None)
    assert told["message"] == f"wait. {told['hint']}"


def test_an_error_names_the_parameter() -> None:
    (told,) = error_object(RequestInvalid("n: odd", data={"param": "n"}), 400).values()
    assert isinstance(told, dict)
    assert told["param"] == "n"


def test_half_a_surrogate_pair_does_not_break_the_stream() -> None:
    events: list[ModelEvent] = [TextDelta("a\ud800b"), ToolCallDelta(index=0, id="c", name="f\ud800"), END]
    sent = objects(written(events))
    assert sent[1] == chunk({"content": "a?b"}, usage=None)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SOME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
COUNT = st.integers(0, 10**9)
REASONS: list[FinishReason] = ["stop", "length", "content_filter", "tool_calls"]
SAIDS = st.builds(
    Said,
    text=TEXT,
    thoughts=plain(TEXT),
    tool_calls=st.lists(st.builds(ToolCall, SOME, SOME, TEXT), max_size=3).map(tuple),
    reason=st.sampled_from(REASONS),
    usage=st.none()
    | st.builds(Usage, input=COUNT, cache_read=COUNT, cache_write=COUNT, output=COUNT, reasoning=COUNT),
    model=st.just("support"),
)


def as_read(said: Said) -> Said:
    """`stop` beside tool calls is read as the calls that it is."""
    is_called = said.reason == "stop" and said.tool_calls
    return msgspec.structs.replace(said, reason="tool_calls") if is_called else said


@given(SAIDS)
def test_an_answer_written_as_a_stream_is_read_as_it_was(said: Said) -> None:
    reader = AnswerReader(MODEL)
    events = [event for data in data_of(written(unfold(said))) for event in reader.read(data)]
    assert fold(events) == as_read(said)


@given(SAIDS)
def test_an_answer_written_as_a_whole_is_read_as_it_was(said: Said) -> None:
    assert fold(read_whole(MODEL, whole(said, TOLD))) == as_read(said)


@given(SAIDS)
def test_openais_accumulator_hears_what_was_said(said: Said) -> None:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for told in data_of(written(unfold(said)))[:-1]:
        [*state.handle_chunk(ChatCompletionChunk.model_validate_json(told))]
    (choice,) = state.current_completion_snapshot.choices
    assert (choice.message.content, choice.finish_reason) == (said.text, said.reason)
    assert [
        (one.id, one.function.name, one.function.arguments) for one in choice.message.tool_calls or ()
    ] == [(one.id, one.name, one.arguments) for one in said.tool_calls]


@given(SAIDS)
def test_openais_types_take_a_whole_answer(said: Said) -> None:
    completion = ChatCompletion.model_validate_json(whole(said, TOLD, {"trace_id": "t"}))
    (choice,) = completion.choices
    assert (choice.message.content or "", choice.finish_reason) == (said.text, said.reason)
    assert completion.usage is None or said.usage is not None
    assert (completion.usage is None) == (said.usage is None)
    assert len(choice.message.tool_calls or ()) == len(said.tool_calls)


@asynccontextmanager
async def client_of(sent: bytes, kind: str) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client, connected to a server that answers `sent`."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=sent, content_type=kind)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("/v1"))
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            yield client


CALLED = Said(
    text="Let me see.",
    thoughts=(Thinking("Hm."),),
    tool_calls=(ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "g", '{"b":"é"}')),
    reason="tool_calls",
    usage=USAGE,
    model="support",
)


async def test_openais_client_streams_an_answer() -> None:
    async with client_of(written(unfold(CALLED)), "text/event-stream") as client:
        asked = client.chat.completions.stream(model="support", messages=[{"role": "user", "content": "Hi"}])
        async with asked as stream:
            completion = await stream.get_final_completion()
    (choice,) = completion.choices
    assert (completion.id, choice.finish_reason, choice.message.content) == (
        "chatcmpl-1",
        "tool_calls",
        "Let me see.",
    )
    assert [
        (one.id, one.function.name, one.function.arguments) for one in choice.message.tool_calls or ()
    ] == [("c1", "f", '{"a":1}'), ("c2", "g", '{"b":"é"}')]
    assert completion.usage is not None
    assert completion.usage.model_dump(exclude_none=True) == COUNTED


async def test_openais_client_raises_when_a_stream_breaks_off() -> None:
    """Prevents Portkey-AI/gateway#1797: a stream that broke off and looks whole to the client."""
    writer = ChatWriter(TOLD, wants_usage=False)
    sent = writer.begin() + writer.write(TextDelta("hal")) + writer.fail(StreamCut("it broke off"), 502)
    heard: list[str] = []
    async with client_of(sent, "text/event-stream") as client:
        stream = await client.chat.completions.create(
            model="support", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        with pytest.raises(APIError, match="it broke off") as raised:
            heard += [told.choices[0].delta.content or "" async for told in stream]
    assert raised.value.code == "models.stream_cut"


async def test_openais_client_takes_a_whole_answer() -> None:
    async with client_of(whole(CALLED, TOLD, {"trace_id": "t1"}), "application/json") as client:
        completion = await client.chat.completions.create(
            model="support", messages=[{"role": "user", "content": "Hi"}]
        )
    assert completion.choices[0].message.content == "Let me see."
    assert completion.model_dump()["buttress"] == {"trace_id": "t1"}
    assert completion.choices[0].message.model_dump()["reasoning_content"] == "Hm."
