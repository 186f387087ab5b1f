"""The Messages format, spoken to clients; the official client is the judge."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import anthropic
import msgspec
import pytest
from aiohttp import web
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam, ToolParam
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import (
    Delta,
    Finished,
    ModelEvent,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.kernel.usage import Usage
from buttress.models.dialects.folding import fold, unfold
from buttress.models.dialects.messages.reading import AnswerReader, read_whole
from buttress.models.dialects.messages.request_in import read_body, read_request
from buttress.models.dialects.messages.writing import MessagesWriter, error_body, whole
from buttress.models.dialects.types import Body, Said, Told
from buttress.models.errors import (
    ModelUnavailable,
    RateLimited,
    RefusedKey,
    RequestInvalid,
    StateUnsupported,
    WindowExceeded,
)
from buttress.models.sse import SseEvent, SseParser
from tests.unit.models.dialects.thoughts import trains

MODEL = Model(name="m", provider="anthropic")
TOLD = Told(id="msg_7", created=1, model="m")
USAGE = Usage(input=9, cache_read=100, cache_write=7, output=18, reasoning=12)
ARGUMENTS = st.dictionaries(st.text(), st.none() | st.text() | st.integers(-9, 9), max_size=3).map(
    lambda one: msgspec.json.encode(one).decode()
)
SAID = st.builds(
    Said,
    text=st.text(),
    thoughts=trains(),
    tool_calls=st.lists(
        st.builds(ToolCall, id=st.text(min_size=1), name=st.text(min_size=1), arguments=ARGUMENTS), max_size=3
    ).map(tuple),
    reason=st.sampled_from(("stop", "length", "content_filter", "tool_calls")),
    usage=st.builds(
        Usage,
        input=st.integers(0, 9),
        cache_read=st.integers(0, 9),
        cache_write=st.integers(0, 9),
        output=st.integers(0, 9),
        reasoning=st.integers(0, 9),
    ),
    model=st.just("m"),
)


def written(events: Sequence[ModelEvent], extra: dict[str, object] | None = None) -> list[SseEvent]:
    """Return what a writer makes of `events`."""
    writer = MessagesWriter(TOLD)
    sent = writer.begin() + b"".join(writer.write(one, extra) for one in events)
    return SseParser(1_000_000).feed(sent)


def told(events: Sequence[ModelEvent]) -> list[ModelEvent]:
    """Return what a reader makes of what a writer made of `events`."""
    reader = AnswerReader(MODEL)
    return [one for event in written(events) for one in reader.read(event.data)]


@pytest.mark.slow
@given(SAID)
def test_an_answer_that_is_streamed_and_read_is_itself(said: Said) -> None:
    assert fold(told(unfold(said))) == said


@pytest.mark.slow
@given(SAID)
def test_an_answer_that_is_written_whole_and_read_is_itself(said: Said) -> None:
    assert fold(read_whole(MODEL, whole(said, TOLD))) == said


@st.composite
def mixed(draw: st.DrawFn) -> list[Delta]:
    """Return pieces of up to three calls, each in its own order, in turns with each other and with text."""
    pieces: dict[int, list[str]] = {}
    for index in range(draw(st.integers(0, 3))):
        arguments = draw(ARGUMENTS)
        cut = draw(st.integers(0, len(arguments)))
        pieces[index] = [arguments[:cut], arguments[cut:]]
    turns = draw(st.permutations([*pieces, *pieces, *(9 for _ in range(draw(st.integers(0, 2))))]))
    numbers = {name: number for number, name in enumerate(dict.fromkeys(one for one in turns if one != 9))}
    events: list[Delta] = []
    begun: set[int] = set()
    for turn in turns:
        if turn == 9:
            events.append(TextDelta(draw(st.text(min_size=1))))
            continue
        first = {} if turn in begun else {"id": f"toolu_{turn}", "name": "f"}
        events.append(ToolCallDelta(index=numbers[turn], arguments=pieces[turn].pop(0), **first))
        begun.add(turn)
    return events


@pytest.mark.slow
@given(mixed())
def test_calls_that_are_told_in_turns_arrive_whole(events: list[Delta]) -> None:
    ending = Finished(reason="tool_calls", usage=USAGE, model="m")
    assert fold(told([*events, ending])) == fold([*events, ending])


@pytest.mark.slow
@given(mixed())
def test_blocks_do_not_overlap_and_are_counted_from_0(events: list[Delta]) -> None:
    sent = written([*events, Finished(reason="stop", usage=None, model="m")])
    is_open, blocks = False, 0
    for event in (msgspec.json.decode(one.data, type=dict[str, object]) for one in sent):
        match event["type"]:
            case "content_block_start":
                assert (is_open, event["index"]) == (False, blocks)
                is_open = True
            case "content_block_delta":
                assert (is_open, event["index"]) == (True, blocks)
            case "content_block_stop":
                assert (is_open, event["index"]) == (True, blocks)
                is_open, blocks = False, blocks + 1
    assert not is_open


def test_every_event_is_named_for_its_type_and_in_order() -> None:
    events = written(
        [
            ThinkingDelta("hm"),
            ThinkingDelta(signature="c2lnbmVk"),
            TextDelta("Hi"),
            ToolCallDelta(index=0, id="toolu_1", name="f"),
            ToolCallDelta(index=0, arguments="{}"),
            Finished(reason="tool_calls", usage=USAGE, model="x"),
        ],
        {"cost": 3},
    )
    datas = [msgspec.json.decode(one.data, type=dict[str, object]) for one in events]
    assert [one.name for one in events] == [one["type"] for one in datas]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    signed = [block[0], "content_block_delta", "content_block_delta", block[2]]
    assert [one.name for one in events] == [
        "message_start",
        *signed,
        *block,
        *block,
        "message_delta",
        "message_stop",
    ]
    assert datas[3]["delta"] == {"type": "signature_delta", "signature": "c2lnbmVk"}
    assert datas[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 7,
            "cache_read_input_tokens": 100,
            "output_tokens": 30,
            "output_tokens_details": {"thinking_tokens": 12},
        },
        "buttress": {"cost": 3},
    }


def test_what_is_thought_after_a_signature_is_a_block_of_its_own() -> None:
    thoughts = [ThinkingDelta("a", "s1"), ThinkingDelta("b", "s2")]
    assert told([*thoughts, Finished(reason="stop", usage=None, model="m")])[:-1] == [
        ThinkingDelta("a"),
        ThinkingDelta(signature="s1"),
        ThinkingDelta("b"),
        ThinkingDelta(signature="s2"),
    ]


def test_a_thought_of_which_only_the_proof_is_told_is_a_block_of_its_own() -> None:
    thoughts = [ThinkingDelta("a", "s1"), ThinkingDelta(signature="s2")]
    assert told([*thoughts, Finished(reason="stop", usage=None, model="m")])[:-1] == [
        ThinkingDelta("a"),
        ThinkingDelta(signature="s1"),
        ThinkingDelta(signature="s2"),
    ]


def test_the_usage_that_is_known_at_the_beginning_is_told_then() -> None:
    (event,) = SseParser(10_000).feed(MessagesWriter(TOLD, Usage(input=5, cache_read=2)).begin())
    message = anthropic.types.RawMessageStartEvent.model_validate_json(event.data).message
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (5, 2, 0)


def test_half_a_character_does_not_break_a_stream() -> None:
    assert told([TextDelta("a\ud83d"), Finished(reason="stop", usage=None, model="m")])[0] == TextDelta("a?")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_an_error(status: int, kind: str) -> None:
    error = RequestInvalid("model is missing", hint="Name one.", data={"param": "model"})
    assert msgspec.json.decode(error_body(error, status, "req_1")) == {
        "type": "error",
        "error": {
            "type": kind,
            "message": "model is missing. Name one.",
            "code": "models.request_invalid",
            "hint": "Name one.",
            "param": "model",
        },
        "request_id": "req_1",
    }


def test_the_error_of_a_kept_conversation_tells_the_official_client_to_go_on_without() -> None:
    told = msgspec.json.decode(error_body(StateUnsupported("no `thread`"), 400))
    assert told["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }


Answer = Callable[[Body], tuple[int, bytes]]


@asynccontextmanager
async def client_of(answer: Answer) -> AsyncGenerator[AsyncAnthropic, None]:
    """Yield the official client, speaking over HTTP to a server that gives `answer`."""

    async def handle(request: web.Request) -> web.Response:
        body = read_body(await request.read())
        status, sent = answer(body)
        kind = "text/event-stream" if body.is_stream and status == 200 else "application/json"
        return web.Response(status=status, body=sent, content_type=kind)

    app = web.Application()
    app.router.add_post("/v1/messages", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with AsyncAnthropic(base_url=f"http://{host}:{port}", api_key="k", max_retries=0) as client:
            yield client
    finally:
        await runner.cleanup()


ASKED: list[MessageParam] = [{"role": "user", "content": [{"type": "text", "text": "Hi?"}]}]
TOOLS: list[ToolParam] = [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]
FULL = Said(
    text="Good day.",
    thoughts=(Thinking("Let me see.", "c2ln"),),
    tool_calls=(ToolCall("toolu_1", "f", '{"a": [1]}'), ToolCall("toolu_2", "g", "")),
    reason="tool_calls",
    usage=USAGE,
    model="m",
)


def answered(said: Said) -> Answer:
    """Return what answers each request with `said`, in pieces or whole, as it is asked for."""

    def answer(body: Body) -> tuple[int, bytes]:
        read_request(body)
        extra: dict[str, object] = {"trace_id": "t1"}
        if not body.is_stream:
            return 200, whole(said, TOLD, extra)
        writer = MessagesWriter(TOLD)
        return 200, writer.begin() + b"".join(writer.write(one, extra) for one in unfold(said))

    return answer


async def test_the_official_client_takes_a_stream() -> None:
    async with (
        client_of(answered(FULL)) as client,
        client.messages.stream(model="m", max_tokens=99, messages=ASKED, tools=TOOLS) as stream,
    ):
        texts = [one async for one in stream.text_stream]
        check(await stream.get_final_message())
    assert "".join(texts) == "Good day."


async def test_the_official_client_takes_a_whole_answer() -> None:
    async with client_of(answered(FULL)) as client:
        check(await client.messages.create(model="m", max_tokens=99, messages=ASKED, system="Be brief."))


async def test_the_official_client_takes_raw_events() -> None:
    async with client_of(answered(FULL)) as client:
        events = await client.messages.create(model="m", max_tokens=99, messages=ASKED, stream=True)
        kinds = [one.type async for one in events]
    assert (kinds[0], kinds[-1], kinds.count("content_block_start")) == ("message_start", "message_stop", 4)


def check(message: anthropic.types.Message) -> None:
    """Check that `message` says all that FULL does, and our own field beside it is no matter."""
    message.__class__.model_validate(message.model_dump(warnings=False))
    thinking, text, call, other = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature) == ("Let me see.", "c2ln")
    assert text.type == "text"
    assert text.text == "Good day."
    assert call.type == other.type == "tool_use"
    assert (call.id, call.name, call.input) == ("toolu_1", "f", {"a": [1]})
    assert (other.id, other.name, other.input) == ("toolu_2", "g", {})
    assert (message.id, message.model, message.stop_reason) == ("msg_7", "m", "tool_use")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (
        9,
        100,
        7,
    )
    assert usage.output_tokens == 30
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 12


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        pytest.param(RequestInvalid("no"), 400, anthropic.BadRequestError, id="a bad request"),
        pytest.param(RefusedKey("no"), 401, anthropic.AuthenticationError, id="a bad key"),
        pytest.param(WindowExceeded("no"), 413, anthropic.RequestTooLargeError, id="too long"),
        pytest.param(RateLimited("no"), 429, anthropic.RateLimitError, id="too often"),
        pytest.param(ModelUnavailable("no"), 503, anthropic.ServiceUnavailableError, id="away"),
    ],
)
async def test_the_official_client_raises_an_error(
    error: ButtressError, status: int, kind: type[anthropic.APIStatusError]
) -> None:
    async with client_of(lambda _: (status, error_body(error, status))) as client:
        with pytest.raises(kind, match=error.code):
            await client.messages.create(model="m", max_tokens=99, messages=ASKED)


async def test_the_official_client_raises_an_error_in_the_middle_of_a_stream() -> None:  # Portkey#1797
    def answer(_: Body) -> tuple[int, bytes]:
        writer = MessagesWriter(TOLD)
        said = writer.begin() + writer.write(TextDelta("Good "))
        return 200, said + writer.fail(ModelUnavailable("it went away"), 503)

    async with client_of(answer) as client:
        with pytest.raises(anthropic.APIStatusError, match=r"it went away.*models\.unavailable"):
            async with client.messages.stream(model="m", max_tokens=99, messages=ASKED) as stream:
                await stream.get_final_message()
