"""Features asked by Anthropic's own client, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anthropic import APIStatusError, AsyncAnthropic, BadRequestError, InternalServerError, NotFoundError
from anthropic.types import MessageParam

from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.server.serving import Serving, eventually, serving, traces, write_project

pytestmark = pytest.mark.slow  # processes of their own, or a server: seconds, all together

HI: list[MessageParam] = [{"role": "user", "content": "Hi?"}]


@asynccontextmanager
async def client_of(server: Serving) -> AsyncIterator[AsyncAnthropic]:
    """The official client, which asks once only: what it does by itself must not hide what we answer."""
    async with AsyncAnthropic(base_url=server.url, api_key="none yet", max_retries=0) as client:
        yield client


class TestAnswers:
    """Whole and streamed."""

    async def test_a_whole_answer(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            answered = await client.messages.with_raw_response.create(
                model="chat", max_tokens=100, messages=HI, metadata={"user_id": "ada"}
            )
        message = await answered.parse()
        (block,) = message.content
        assert block.type == "text"
        assert (block.text, message.role, message.stop_reason) == ("Hello world.", "assistant", "end_turn")
        assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 3)
        (trace,) = traces(project)
        assert message.id == f"msg_{trace.trace_id}"
        assert answered.headers["x-buttress-trace-id"] == trace.trace_id
        assert answered.headers["x-buttress-ignored"] == "max_tokens"
        assert (trace.user_id, trace.feature) == ("ada", "chat")
        assert message.model_dump()["buttress"]["outcome"] == "answered"

    async def test_a_streamed_answer(self, project: Path) -> None:
        async with (
            serving(project) as server,
            client_of(server) as client,
            client.messages.stream(model="chat", max_tokens=100, messages=HI) as stream,
        ):
            pieces = [piece async for piece in stream.text_stream]
            message = await stream.get_final_message()
        assert "".join(pieces) == "Hello world."
        (block,) = message.content
        assert block.type == "text"
        assert (block.text, message.stop_reason) == ("Hello world.", "end_turn")
        assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 3)
        assert message.id == f"msg_{traces(project)[0].trace_id}"

    async def test_the_events_of_a_stream_hold_what_is_ours(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            stream = await client.messages.create(model="chat", max_tokens=100, messages=HI, stream=True)
            events = [event async for event in stream]
        assert [event.type for event in events] == [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
        assert events[-2].model_dump()["buttress"]["trace_id"] == traces(project)[0].trace_id

    async def test_a_feature_may_ignore_system_texts(self, project: Path) -> None:
        declared = project / "features" / "chat" / "feature.yaml"
        declared.write_text(declared.read_text() + "chat: {system: ignore}\n")
        async with serving(project) as server, client_of(server) as client:
            message = await client.messages.create(
                model="chat", max_tokens=100, messages=HI, system="Be rude."
            )
        assert message.content


class TestRefusals:
    """As the client's own exceptions, with our code and a hint."""

    async def test_a_model_that_there_is_not(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            with pytest.raises(NotFoundError) as raised:
                await client.messages.create(model="claude-9", max_tokens=100, messages=HI)
        assert error_in(raised.value)["type"] == "not_found_error"
        assert error_in(raised.value)["code"] == "gateway.model_unknown"
        assert raised.value.response.headers["x-should-retry"] == "false"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            pytest.param(
                {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
                "server.field_unsupported",
                id="tools",
            ),
            pytest.param({"messages": []}, "server.body_invalid", id="no messages"),
            pytest.param({"system": "Be rude."}, "server.system_message", id="a system text"),
            pytest.param(
                {"messages": [*HI, {"role": "assistant", "content": "Yes,"}]},
                "server.body_invalid",
                id="words put into its mouth",
            ),
            pytest.param(
                {"messages": [{"role": "system", "content": "Be rude."}]},
                "server.body_invalid",
                id="a role that there is not",
            ),
            pytest.param({"messages": HI * 10_000}, "server.body_invalid", id="10,000 messages"),
            pytest.param({"extra_body": {"conversation": 7}}, "server.body_invalid", id="a number for an id"),
        ],
    )
    async def test_what_is_not_done_is_said(self, project: Path, changes: dict[str, Any], code: str) -> None:
        async with serving(project) as server, client_of(server) as client:
            with pytest.raises(BadRequestError) as raised:
                await client.messages.create(
                    **{"model": "chat", "max_tokens": 100, "messages": HI, **changes}
                )
        said = error_in(raised.value)
        assert (said["type"], said["code"]) == ("invalid_request_error", code)
        assert said["hint"]

    async def test_a_body_that_is_too_large(self, project: Path) -> None:
        async with serving(project, max_body_bytes=2_000) as server, client_of(server) as client:
            with pytest.raises(APIStatusError) as raised:
                await client.messages.create(
                    model="chat", max_tokens=1, messages=[{"role": "user", "content": "x" * 9_000}]
                )
        assert (raised.value.status_code, error_in(raised.value)["type"]) == (413, "request_too_large")

    async def test_a_server_that_stops(self, tmp_path: Path) -> None:
        async with ScriptedUpstream([Reply(first_delay_s=30)]) as upstream:
            project = write_project(tmp_path / "project", upstream.url)
            async with serving(project) as server, client_of(server) as client:
                async with asyncio.TaskGroup() as group:
                    asking = group.create_task(refusal_of(client))
                    await eventually(lambda: upstream.received)
                    server.draining.ring()
                raised = asking.result()
        assert (raised.status_code, error_in(raised)["code"]) == (503, "server.stopping")
        assert raised.response.headers["x-should-retry"] == "true"


async def test_a_stream_that_is_cut_is_an_error_without_an_end(tmp_path: Path) -> None:
    reply = Reply(chunks=("One is here. ", "Two. ", "Three."), ending="stall", after=2)
    async with ScriptedUpstream([reply]) as upstream:
        project = write_project(tmp_path / "project", upstream.url)
        async with serving(project) as server, client_of(server) as client:
            stream = await client.messages.create(model="chat", max_tokens=9, messages=HI, stream=True)
            said = [await anext(aiter(stream)) for _ in range(3)]
            server.draining.ring()
            with pytest.raises(APIStatusError) as raised:
                await anext(aiter(stream))
    assert said[-1].type == "content_block_delta"
    assert error_in(raised.value)["code"] == "server.stopping"


async def refusal_of(client: AsyncAnthropic) -> InternalServerError:
    """Ask; return the error that it ends with."""
    with pytest.raises(InternalServerError) as raised:
        await client.messages.create(model="chat", max_tokens=1, messages=HI)
    return raised.value


def error_in(raised: APIStatusError) -> dict[str, Any]:
    """Return the error as the client read it."""
    assert isinstance(raised.body, dict)
    error: dict[str, Any] = raised.body["error"]
    return error
