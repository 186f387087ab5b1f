"""Models asked by their names: every door to every provider, by the official clients over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anthropic import APIStatusError as AnthropicStatusError
from anthropic import AsyncAnthropic
from openai import APIError, APIStatusError, AsyncOpenAI, NotFoundError, RateLimitError

from buttress.testing.upstream import Reply, ScriptedUpstream
from buttress.tracing.types import Trace
from tests.unit.server.serving import Serving, serving, traces
from tests.waiting import until

pytestmark = pytest.mark.slow  # a server each: seconds, all together

MODELS = """\
models:
  gpt: {{provider: openai, id: gpt-x, base_url: "{url}", price: {{input: 1, output: 2}}}}
  claude:
    {{provider: anthropic, id: claude-x, base_url: "{url}", key: "file:key", price: {{input: 1, output: 2}}}}
  gem: {{provider: gemini, id: gem-x, base_url: "{url}", key: "file:key", price: {{input: 1, output: 2}}}}
  down: {{provider: openai, id: down, base_url: "http://127.0.0.1:9/v1"}}
ladders:
  answers: [down, gpt]
"""
HI: Any = [{"role": "user", "content": "Hi?"}]
"""What is asked; each client has a type of its own for it."""
PROVIDERS = ("gpt", "claude", "gem")


@asynccontextmanager
async def asked(folder: Path, *replies: Reply) -> AsyncIterator[tuple[Serving, ScriptedUpstream]]:
    """Serve a project of models only, over an upstream that answers by `replies`."""
    async with ScriptedUpstream(replies) as upstream:
        project = folder / "project"
        project.mkdir()
        (project / "key").write_text("sk-test")
        (project / "buttress.yaml").write_text("models: {backoff_base_s: 0.01}\n")
        (project / "models.yaml").write_text(MODELS.format(url=upstream.url))
        async with serving(project) as server:
            yield server, upstream


def openai(server: Serving) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def anthropic(server: Serving) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0)


async def by_chat(server: Serving, model: str) -> tuple[str, int]:
    async with openai(server) as client:
        answer = await client.chat.completions.create(model=model, messages=HI)
    return answer.choices[0].message.content or "", answer.usage.total_tokens if answer.usage else -1


async def by_chat_stream(server: Serving, model: str) -> tuple[str, int]:
    async with openai(server) as client:
        stream = await client.chat.completions.create(
            model=model,
            messages=HI,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return text, chunks[-1].usage.total_tokens if chunks[-1].usage else -1


async def by_messages(server: Serving, model: str) -> tuple[str, int]:
    async with anthropic(server) as client:
        answer = await client.messages.create(model=model, max_tokens=100, messages=HI)
    text = "".join(block.text for block in answer.content if block.type == "text")
    return text, answer.usage.input_tokens + answer.usage.output_tokens


async def by_messages_stream(server: Serving, model: str) -> tuple[str, int]:
    async with (
        anthropic(server) as client,
        client.messages.stream(model=model, max_tokens=100, messages=HI) as stream,
    ):
        answer = await stream.get_final_message()
    text = "".join(block.text for block in answer.content if block.type == "text")
    return text, answer.usage.input_tokens + answer.usage.output_tokens


async def by_responses(server: Serving, model: str) -> tuple[str, int]:
    async with openai(server) as client:
        answer = await client.responses.create(model=model, input="Hi?")
    return answer.output_text, answer.usage.total_tokens if answer.usage else -1


async def by_responses_stream(server: Serving, model: str) -> tuple[str, int]:
    async with openai(server) as client, client.responses.stream(model=model, input="Hi?") as stream:
        answer = await stream.get_final_response()
    return answer.output_text, answer.usage.total_tokens if answer.usage else -1


DOORS: Sequence[Callable[[Serving, str], Awaitable[tuple[str, int]]]] = (
    *(by_chat, by_chat_stream, by_messages, by_messages_stream, by_responses, by_responses_stream),
)


async def test_any_door_leads_to_any_provider_with_the_usage_right(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, _):
        for model in PROVIDERS:
            for door in DOORS:
                assert await door(server, model) == ("Hello world.", 10), f"{door.__name__} to {model}"
        told = await _traces(server, len(PROVIDERS) * len(DOORS))
    assert {(one.kind, one.outcome, one.answer, one.usage.total) for one in told} == {
        ("model", "answered", "Hello world.", 10)
    }
    assert {one.cost_nanodollars for one in told} == {13_000}


async def test_a_fault_before_the_first_word_falls_back_unseen(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, _):
        assert await by_chat_stream(server, "answers") == ("Hello world.", 10)
        (trace,) = await _traces(server, 1)
    assert [one["model"] for one in trace.attempts][-1] == "gpt"
    assert trace.attempts[0]["error_code"] == "models.unavailable"


async def test_a_fault_hidden_in_the_first_events_of_a_stream_is_tried_again(tmp_path: Path) -> None:
    """litellm#6957: no fallback because the error surfaces inside a lazy stream."""
    async with asked(tmp_path, Reply(ending="error", after=0), Reply()) as (server, upstream):
        assert (await by_chat_stream(server, "gpt"))[0] == "Hello world."
        assert len(upstream.received) == 2


@pytest.mark.parametrize("model", PROVIDERS)
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(ending="cut", after=2), id="cut"),
        pytest.param(Reply(ending="malformed", after=2), id="malformed"),
        pytest.param(Reply(ending="error", after=2), id="an error in the middle"),
        pytest.param(Reply(ending="no_done", after=2), id="without an end"),
    ],
)
async def test_a_stream_that_breaks_never_looks_whole(tmp_path: Path, model: str, reply: Reply) -> None:
    """Portkey#1797: an upstream that was cut became a clean 200, and half an answer was stored as whole."""
    async with asked(tmp_path, reply) as (server, _):
        with pytest.raises(APIError):
            await by_chat_stream(server, model)
        with pytest.raises(AnthropicStatusError):
            await by_messages_stream(server, model)
        with pytest.raises(APIError):
            await by_responses_stream(server, model)
        told = await _traces(server, 3)
    assert {one.outcome for one in told} == {"failed"}
    assert all(one.attempts[-1]["is_estimated"] and one.cost_nanodollars for one in told)


async def test_tools_go_through_as_they_are(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, upstream):
        async with openai(server) as client:
            await client.chat.completions.create(
                model="gpt",
                messages=HI,
                tools=[{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
                n=1,
                logprobs=True,
                extra_body={"unheard_of": {"a": [1, 2.50]}},
            )
        body = upstream.received[0].body
    assert (body["model"], body["logprobs"], body["unheard_of"]) == ("gpt-x", True, {"a": [1, 2.5]})
    assert body["tools"] == [
        {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    ]


async def test_what_another_dialect_has_no_word_for_is_refused_by_name(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, upstream):
        async with openai(server) as client:
            with pytest.raises(APIStatusError) as raised:
                await client.chat.completions.create(model="claude", messages=HI, n=2)
        assert not upstream.received
    assert (raised.value.status_code, raised.value.param) == (400, "n")


async def test_hints_that_are_left_out_are_named(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, _), openai(server) as client:
        told = await client.chat.completions.with_raw_response.create(
            model="claude", messages=HI, seed=7, user="ada"
        )
        passed = await client.chat.completions.with_raw_response.create(model="gpt", messages=HI, user="ada")
    assert "user" in told.headers["x-buttress-ignored"]
    assert "x-buttress-ignored" not in passed.headers
    assert passed.headers["x-buttress-model"] == "gpt"
    assert float(passed.headers["x-buttress-overhead-ms"]) >= 0
    assert passed.headers["x-buttress-cost-nanodollars"] == "13000"


async def test_the_trace_names_the_user_that_each_dialect_tells(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, _):
        async with openai(server) as client:
            await client.chat.completions.create(model="gpt", messages=HI, user="ada")
            await client.chat.completions.create(model="gpt", messages=HI, safety_identifier="eve")
            await client.responses.create(model="gpt", input="Hi?", safety_identifier="x" * 1_000)
            await client.chat.completions.create(model="gpt", messages=HI)
        async with anthropic(server) as messages:
            user: Any = {"user_id": "ida"}
            await messages.messages.create(model="gpt", max_tokens=9, messages=HI, metadata=user)
        told = await _traces(server, 5)
    assert [one.user_id for one in told] == ["ada", "eve", "x" * 200, None, "ida"]


async def test_where_the_time_went_is_told(tmp_path: Path) -> None:
    """In the headers of a whole answer, in the last chunk of a stream, and by the trace."""
    async with asked(tmp_path, Reply(first_delay_s=0.05)) as (server, _):
        async with openai(server) as client:
            whole = await client.chat.completions.with_raw_response.create(model="claude", messages=HI)
            stream = await client.chat.completions.create(model="claude", messages=HI, stream=True)
            last = [chunk async for chunk in stream][-1].model_dump()["buttress"]
        told = await _traces(server, 2)
    headers = {
        name: float(whole.headers[f"x-buttress-{name}-ms"]) for name in ("overhead", "queued", "provider")
    }
    streamed = {name: last[f"{name}_ms"] for name in ("overhead", "queued", "provider")}
    for figures, trace in zip((headers, streamed), told, strict=True):
        (attempt,) = trace.attempts
        assert figures["queued"] == attempt["queued_ms"]
        assert figures["provider"] + figures["queued"] == pytest.approx(attempt["duration_ms"], abs=0.01)
        assert figures["provider"] >= 50
        assert 0 <= figures["overhead"] < trace.duration_ms


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
async def test_an_error_names_its_trace(tmp_path: Path, *, stream: bool) -> None:
    async with asked(tmp_path, Reply(status=401)) as (server, _):
        async with openai(server) as client:
            with pytest.raises(APIStatusError) as raised:
                await client.chat.completions.create(model="gpt", messages=HI, stream=stream)
        (trace,) = await _traces(server, 1)
    assert raised.value.response.headers["x-buttress-trace-id"] == trace.trace_id


async def test_nobody_of_that_name(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, _), openai(server) as client:
        with pytest.raises(NotFoundError) as raised:
            await client.chat.completions.create(model="gtp", messages=HI)
    assert "gpt" in str(raised.value)
    assert raised.value.code == "gateway.model_unknown"


@pytest.mark.parametrize(
    ("model", "pause", "is_worth_it"),
    [
        pytest.param("gpt", "30", "true", id="a pause that one waits for"),
        pytest.param("answers", "30", "true", id="of a ladder, the soonest moment"),
    ],
)
async def test_a_limit_of_the_upstream_is_a_limit_for_the_client(
    tmp_path: Path, model: str, pause: str, is_worth_it: str
) -> None:
    async with asked(tmp_path, Reply(status=429, retry_after=pause)) as (server, _), openai(server) as client:
        with pytest.raises(RateLimitError if model == "gpt" else APIStatusError) as raised:
            await client.chat.completions.create(model=model, messages=HI)
    headers = raised.value.response.headers
    assert (headers["retry-after"], headers["x-should-retry"]) == (pause, is_worth_it)


async def test_betas_that_a_client_asks_for_reach_an_upstream_of_its_dialect_alone(tmp_path: Path) -> None:
    betas = {"anthropic-beta": "context-1m,files"}
    async with asked(tmp_path, Reply()) as (server, upstream), anthropic(server) as client:
        for model in ("claude", "gpt"):
            await client.messages.create(model=model, max_tokens=9, messages=HI, extra_headers=betas)
    sent = [(one.path, one.headers.get("anthropic-beta")) for one in upstream.received]
    assert sent == [("/v1/messages", betas["anthropic-beta"]), ("/v1/chat/completions", None)]


async def test_the_state_of_the_responses_api_is_refused_with_a_hint(tmp_path: Path) -> None:
    async with asked(tmp_path, Reply()) as (server, _), openai(server) as client:
        with pytest.raises(APIStatusError) as raised:
            await client.responses.create(model="gpt", input="Hi?", previous_response_id="resp_1")
    assert raised.value.status_code == 400
    assert "previous_response_id" in str(raised.value)


@pytest.mark.parametrize("model", PROVIDERS)
async def test_a_client_that_hangs_up_ends_the_upstream_within_a_tenth_of_a_second(
    tmp_path: Path, model: str
) -> None:
    async with asked(tmp_path, Reply(ending="stall", after=2)) as (server, upstream):
        body = {"model": model, "messages": [{"role": "user", "content": "Hi?"}], "stream": True}
        async with server.session.post(f"{server.url}/v1/chat/completions", json=body) as response:
            async for line in response.content:
                if b"Hello" in line:
                    break
            left_at = asyncio.get_running_loop().time()
        received = upstream.received[0]
        await asyncio.wait_for(received.hung_up.wait(), 5)
        (trace,) = await _traces(server, 1)
    assert (received.hung_up_at or 0) - left_at < 1  # a tenth where the machine is at rest; see benchmarks
    assert (trace.outcome, trace.attempts[0]["outcome"]) == ("cancelled", "cancelled")
    assert trace.cost_nanodollars


async def _traces(server: Serving, count: int) -> list[Trace]:
    """Wait for so many traces."""
    await until(lambda: len(traces(server.project)) >= count)
    return traces(server.project)
