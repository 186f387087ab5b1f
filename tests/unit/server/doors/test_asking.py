"""Features asked by the official clients, at all three doors of one server, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anthropic
import msgspec
import openai
import pytest
import pytest_asyncio
from anthropic import AsyncAnthropic
from anthropic.types import Message, TextBlock
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseUsage

from buttress.app.buttress import Buttress
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from buttress.tracing.types import Trace
from tests.unit.server.serving import CHAT, Serving, serving, traces, write_project
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

Door = Literal["chat", "messages", "responses"]
DOORS: Mapping[Door, str] = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
}
Fields = Mapping[str, object]
NOTHING: Fields = {}
STREAM: Fields = {"stream": True}
HI = {"role": "user", "content": "Hi?"}
MAX_BODY_BYTES = 50_000
FORM = """\
description: Takes more than a question.
input:
  type: object
  properties: {first: {type: string}, second: {type: string}}
  required: [first, second]
stages:
  - {name: shop, kind: rules, match: "{{ first }}", rules: [{function: "rules.py:answer"}]}
fallback: {kind: text, text: No.}
"""


def reply_to(received: Received) -> Reply:
    """Answer as the question says: stop half-way, say nothing for long, repeat it, or greet."""
    match received.question:
        case "Stall?":
            return Reply(chunks=("One is here. ", "Two. ", "Three."), ending="stall", after=2)
        case "Wait?":
            return Reply(first_delay_s=30)
        case number if number.startswith("n"):
            return Reply(chunks=("You said ", number, "."), chunk_delay_s=0.01)
        case _:
            return Reply()


class Place(msgspec.Struct, frozen=True):
    """A server, what its features ask, and the official clients, which ask once only."""

    server: Serving
    upstream: ScriptedUpstream
    openai: AsyncOpenAI
    anthropic: AsyncAnthropic

    def create(self, door: Door, question: str = "Hi?", fields: Fields = NOTHING) -> Awaitable[Any]:
        """Ask `chat`, with more `fields`; the answer as the door's client reads it, or its stream."""
        turns = [{"role": "user", "content": question}]
        said = {"input": turns} if door == "responses" else {"messages": turns}
        body: Any = {"model": "chat", **said, **fields}
        match door:
            case "chat":
                return self.openai.chat.completions.create(**body)
            case "messages":
                return self.anthropic.messages.create(**{"max_tokens": 100, **body})
            case "responses":
                return self.openai.responses.create(**body)

    async def post(self, door: Door, **fields: object) -> tuple[int, Mapping[str, str], str]:
        """Ask `chat` by a bare client; return status, headers and body."""
        said = {"input": [HI]} if door == "responses" else {"messages": [HI]}
        body = {"model": "chat", **said, **fields}
        async with self.server.session.post(self.server.url + DOORS[door], json=body) as response:
            return response.status, response.headers, await response.text()

    @property
    def trace(self) -> Trace:
        """The trace that was written last."""
        return traces(self.server.project)[-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A project with `chat`, one that ignores system messages, and one that takes more than a question."""
    async with ScriptedUpstream(reply_to) as upstream:
        project = write_project(tmp_path_factory.mktemp("asking") / "project", upstream.url)
        write_features(project)
        async with placed(project, upstream, max_body_bytes=MAX_BODY_BYTES) as made:
            yield made


@asynccontextmanager
async def placed(project: Path, upstream: ScriptedUpstream, **settings: object) -> AsyncIterator[Place]:
    async with (
        serving(project, **settings) as server,
        AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none yet", max_retries=0) as by_openai,
        AsyncAnthropic(base_url=server.url, api_key="none yet", max_retries=0) as by_anthropic,
    ):
        yield Place(server, upstream, by_openai, by_anthropic)


def write_features(project: Path) -> None:
    features = project / "features"
    for name, declared in (("tolerant", CHAT + "chat: {system: ignore}\n"), ("form", FORM)):
        (features / name).mkdir()
        (features / name / "feature.yaml").write_text(declared)
        for file in ("rules.py", "answer.md"):
            (features / name / file).write_text((features / "chat" / file).read_text())


class Told(msgspec.Struct, frozen=True):
    """What every client reads of an answer."""

    id: str
    text: str
    end: str | None
    tokens: int
    ours: dict[str, Any]


def told(answer: ChatCompletion | Message | Response) -> Told:
    """Return what is told by a whole answer, of whichever client."""
    ours = answer.model_dump().get("buttress", {})
    assert answer.usage
    match answer:
        case ChatCompletion(choices=[choice]):
            text = choice.message.content or ""
            return Told(answer.id, text, choice.finish_reason, answer.usage.total_tokens, ours)
        case Message(content=[TextBlock(text=text)], usage=usage):
            return Told(answer.id, text, answer.stop_reason, usage.input_tokens + usage.output_tokens, ours)
        case Response(usage=ResponseUsage(total_tokens=tokens)):
            return Told(answer.id, answer.output_text, answer.status, tokens, ours)
    raise AssertionError(answer)


PREFIXES = {"chat": "chatcmpl-", "messages": "msg_", "responses": "resp_"}
ENDS = {"chat": "stop", "messages": "end_turn", "responses": "completed"}
WHO: Mapping[Door, Fields] = {
    "chat": {"user": "ada"},
    "messages": {"metadata": {"user_id": "ada"}},
    "responses": {"safety_identifier": "ada"},
}


@pytest.mark.parametrize("door", DOORS)
async def test_a_whole_answer(place: Place, door: Door) -> None:
    answer = told(await place.create(door, fields=WHO[door]))
    trace = place.trace
    assert (answer.text, answer.end, answer.tokens) == ("Hello world.", ENDS[door], 10)
    assert answer.id == f"{PREFIXES[door]}{trace.trace_id}"
    assert (trace.user_id, trace.feature, trace.kind) == ("ada", "chat", "feature")
    assert (answer.ours["trace_id"], answer.ours["outcome"]) == (trace.trace_id, "answered")


async def test_a_streamed_chat_completion(place: Place) -> None:
    stream = await place.create("chat", fields={"stream": True, "stream_options": {"include_usage": True}})
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "Hello world."
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].model_dump()["buttress"]["trace_id"] == place.trace.trace_id
    assert (chunks[-1].choices, chunks[-1].usage.total_tokens) == ([], 10)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


async def test_without_the_wish_there_is_no_usage(place: Place) -> None:
    stream = await place.create("chat", fields=STREAM)
    assert all(chunk.choices and chunk.usage is None for chunk in [one async for one in stream])


async def test_a_streamed_message(place: Place) -> None:
    asked: Any = {"model": "chat", "max_tokens": 100, "messages": [HI]}
    async with place.anthropic.messages.stream(**asked) as stream:
        pieces = [piece async for piece in stream.text_stream]
        message = told(await stream.get_final_message())
    assert "".join(pieces) == message.text == "Hello world."
    assert (message.end, message.tokens) == ("end_turn", 10)
    assert message.id == f"msg_{place.trace.trace_id}"


async def test_a_streamed_response(place: Place) -> None:
    asked: Any = {"model": "chat", "input": [HI], "conversation": "c1"}
    async with place.openai.responses.stream(**asked) as stream:
        events = [event async for event in stream]
        response = told(await stream.get_final_response())
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(texts) == response.text == "Hello world."
    assert (response.end, response.tokens) == ("completed", 10)
    assert response.ours["trace_id"] == response.id.removeprefix("resp_") == place.trace.trace_id


async def test_citations_come_with_it(place: Place) -> None:
    async with Buttress.open(place.server.project) as buttress:
        await buttress.ingest()
    completion = told(await place.create("chat", "When is a first payment refunded?", {"model": "support"}))
    assert "30 days" in completion.text
    assert completion.ours["citations"][0]["document"] == "refunds.md"
    assert completion.ours["support"]["verbatim"] >= 1


@pytest.mark.parametrize("door", DOORS)
async def test_the_history_is_sent_before_the_question(place: Place, door: Door) -> None:
    said = [{"role": "user", "content": "Open?"}, {"role": "assistant", "content": "Yes."}, HI]
    _, _, body = await place.post(door, **{"input" if door == "responses" else "messages": said})
    sent = msgspec.convert(place.upstream.received[-1].body["messages"], list[dict[str, str]])
    assert [one["content"] for one in sent] == ["Open?", "Yes.", "Hi?"]
    assert msgspec.json.decode(body)["buttress"]["history"] == {
        "sent": 2, "summarised": 0, "recollected": 0, "left_out": 0, "reason": "",
    }  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_trace_and_what_was_not_heeded_are_told(place: Place, door: Door, *, stream: bool) -> None:
    status, headers, body = await place.post(door, stream=stream, temperature=1, top_p=None)
    assert status == 200
    names = ("x-buttress-trace-id", "x-request-id", "request-id")
    assert [headers[name] for name in names] == [place.trace.trace_id] * 3
    assert headers["x-buttress-ignored"] == "temperature, top_p"
    assert body.count('"buttress":{') == 1
    assert place.trace.user_id is None


@pytest.mark.parametrize("door", DOORS)
async def test_a_feature_may_ignore_system_messages(place: Place, door: Door) -> None:
    system: Mapping[Door, Fields] = {
        "chat": {"messages": [{"role": "system", "content": "Be rude."}, HI]},
        "messages": {"system": "Be rude."},
        "responses": {"instructions": "Be rude."},
    }
    answer = told(await place.create(door, fields={**system[door], "model": "tolerant"}))
    assert answer.text == "Hello world."
    refused = await error_of(place.create(door, fields=system[door]))
    assert told_in(refused)["code"] == "server.system_message"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("fields", "length", "status", "code"),
    [
        pytest.param({"model": "nobody"}, 1, 404, "gateway.model_unknown", id="no such name"),
        pytest.param({"model": "form"}, 1, 400, "server.field_unsupported", id="more than a question"),
        pytest.param({"tools": [{}]}, 1, 400, "server.body_invalid", id="tools that are none"),
        pytest.param({"extra_body": {"conversation": 7}}, 1, 400, "server.body_invalid", id="no id"),
        pytest.param({}, 5_000, 422, "gateway.input_invalid", id="too long a question"),
        pytest.param({}, 60_000, 413, "server.body_too_large", id="too large a body"),
    ],
)
async def test_all_refuse_alike(
    place: Place, door: Door, fields: Fields, length: int, status: int, code: str
) -> None:
    refused = await error_of(place.create(door, "x" * length, fields))
    assert told_in(refused)["code"] == code
    assert told_in(refused)["hint"]
    assert answered(refused) == (status, "false")


def told_in(raised: openai.APIError | anthropic.APIError) -> Fields:
    """Return the error as the client read it."""
    body = msgspec.convert(raised.body, dict[str, object])
    return msgspec.convert(body.get("error", body), dict[str, object])


def answered(raised: Exception) -> tuple[int, str]:
    """Return the status, and what is said of asking again."""
    assert isinstance(raised, openai.APIStatusError | anthropic.APIStatusError)
    return raised.status_code, raised.response.headers["x-should-retry"]


@pytest.mark.parametrize("wish", [{"store": True}, {"previous_response_id": "resp_1"}])
async def test_state_of_responses_is_refused_with_a_hint(place: Place, wish: Fields) -> None:
    refused = told_in(await error_of(place.create("responses", fields=wish)))
    assert refused["code"] == "models.state_unsupported"
    assert "whole conversation" in str(refused["hint"])


async def begun(place: Place, door: Door) -> AsyncIterator[Any]:
    """Ask for a stream that stalls, and return what follows its first words."""
    events: AsyncIterator[Any] = aiter(await place.create(door, "Stall?", STREAM))
    while not _has_text(await anext(events)):
        pass
    return events


async def rest_of(events: AsyncIterator[Any]) -> list[Any]:
    return [event async for event in events]


def _has_text(event: object) -> bool:
    if isinstance(event, ChatCompletionChunk):
        return bool(event.choices[0].delta.content)
    return getattr(event, "type", "") in {"content_block_delta", "response.output_text.delta"}


async def error_of(asking: Awaitable[Any]) -> openai.APIError | anthropic.APIError:
    """Return what `asking` ends with."""
    try:
        said = await asking
    except (openai.APIError, anthropic.APIError) as error:
        return error
    raise AssertionError(said)


async def test_a_server_that_stops_ends_what_runs_with_an_error(tmp_path: Path) -> None:
    """A stream breaks off without its good end, a whole answer is refused; all may be asked again."""
    async with ScriptedUpstream(reply_to) as upstream:
        project = write_project(tmp_path / "project", upstream.url)
        async with placed(project, upstream) as place:
            streams = [await begun(place, door) for door in DOORS]
            async with asyncio.TaskGroup() as group:
                asking = [group.create_task(error_of(place.create(door, "Wait?"))) for door in DOORS]
                await until(lambda: upstream.running == 2 * len(DOORS))
                place.server.draining.ring()
            cut = [await error_of(rest_of(stream)) for stream in streams]
    refused = [task.result() for task in asking]
    assert {told_in(one)["code"] for one in (*cut, *refused)} == {"server.stopping"}
    assert {answered(one) for one in refused} == {(503, "true")}


@pytest.mark.parametrize("door", DOORS)
async def test_a_client_that_hangs_up_ends_the_work(place: Place, door: Door) -> None:
    stream = await place.create(door, "Stall?", STREAM)
    await anext(aiter(stream))
    await stream.close()
    await until(lambda: place.upstream.running == 0)
    await until(lambda: place.trace.outcome == "cancelled")


async def test_sixty_four_streams_do_not_mix(place: Place) -> None:
    async def said(number: int) -> str:
        stream = await place.create("chat", f"n{number}", STREAM)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    answers = await asyncio.gather(*(said(number) for number in range(64)))
    assert answers == [f"You said n{number}." for number in range(64)]
