"""Features asked by OpenAI's own client, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai import APIError, APIStatusError, AsyncOpenAI, NotFoundError
from openai.types.chat import ChatCompletionMessageParam

from buttress.app.buttress import Buttress
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.unit.server.serving import Serving, eventually, serving, traces, write_project

pytestmark = pytest.mark.slow  # processes of their own, or a server: seconds, all together


HI: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hi?"}]


@asynccontextmanager
async def client_of(server: Serving) -> AsyncIterator[AsyncOpenAI]:
    """The official client, which asks once only: what it does by itself must not hide what we answer."""
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none yet", max_retries=0) as client:
        yield client


class TestAnswers:
    """Whole and streamed."""

    async def test_a_whole_answer(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            answered = await client.chat.completions.with_raw_response.create(
                model="chat", messages=HI, user="ada", temperature=0.9
            )
        completion = answered.parse()
        (choice,) = completion.choices
        assert (choice.message.content, choice.message.role, choice.finish_reason) == (
            "Hello world.",
            "assistant",
            "stop",
        )
        assert completion.usage is not None
        assert (completion.usage.prompt_tokens, completion.usage.total_tokens) == (7, 10)
        (trace,) = traces(project)
        assert completion.id == f"chatcmpl-{trace.trace_id}"
        assert answered.headers["x-buttress-trace-id"] == trace.trace_id
        assert answered.headers["x-buttress-ignored"] == "temperature"
        assert (trace.user_id, trace.feature) == ("ada", "chat")
        extension = completion.model_dump()["buttress"]
        assert (extension["trace_id"], extension["outcome"]) == (trace.trace_id, "answered")

    async def test_a_streamed_answer(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            stream = await client.chat.completions.create(
                model="chat", messages=HI, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
        assert chunks[0].choices[0].delta.role == "assistant"
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
        assert text == "Hello world."
        assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "stop"
        assert (chunks[-1].choices, chunks[-1].usage and chunks[-1].usage.total_tokens) == ([], 10)
        assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
        assert chunks[-2].model_dump()["buttress"]["trace_id"] == traces(project)[0].trace_id

    async def test_without_the_wish_there_is_no_usage(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            stream = await client.chat.completions.create(model="chat", messages=HI, stream=True)
            assert all(chunk.choices and chunk.usage is None for chunk in [one async for one in stream])

    @pytest.mark.slow
    async def test_citations_come_with_it(self, tmp_path: Path) -> None:
        project = write_project(tmp_path / "project")
        async with serving(project) as server, client_of(server) as client:
            async with Buttress.open(project) as buttress:
                await buttress.ingest()
            completion = await client.chat.completions.create(
                model="support",
                messages=[{"role": "user", "content": "When is a first payment refunded?"}],
            )
        extension = completion.model_dump()["buttress"]
        assert "30 days" in (completion.choices[0].message.content or "")
        assert extension["citations"][0]["document"] == "refunds.md"
        assert extension["support"]["verbatim"] >= 1

    async def test_the_history_is_sent_before_the_question(self, tmp_path: Path) -> None:
        async with ScriptedUpstream() as upstream:
            project = write_project(tmp_path / "project", upstream.url)
            async with serving(project) as server, client_of(server) as client:
                await client.chat.completions.create(
                    model="chat",
                    messages=[
                        {"role": "user", "content": "Is it open?"},
                        {"role": "assistant", "content": "Yes."},
                        {"role": "user", "content": [{"type": "text", "text": "On Sunday, too?"}]},
                    ],
                )
            sent = msgspec.convert(upstream.received[0].body["messages"], list[dict[str, str]])
        assert [one["content"] for one in sent] == ["Is it open?", "Yes.", "On Sunday, too?"]

    async def test_features_are_listed(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            listed = [model async for model in client.models.list()]
        assert [(one.id, one.object, one.owned_by) for one in listed[:2]] == [
            ("chat", "model", "buttress"),
            ("support", "model", "buttress"),
        ]


class TestRefusals:
    """In the client's own shape, with our code and a hint."""

    async def test_a_model_that_there_is_not(self, project: Path) -> None:
        async with serving(project) as server, client_of(server) as client:
            with pytest.raises(NotFoundError) as raised:
                await client.chat.completions.create(model="gpt-9", messages=HI)
        assert (raised.value.code, raised.value.param) == ("gateway.model_unknown", "model")
        assert "chat, support" in raised.value.message
        assert raised.value.response.headers["x-should-retry"] == "false"

    @pytest.mark.parametrize(
        ("changes", "code", "param"),
        [
            pytest.param({"n": 2}, "server.field_unsupported", "n", id="two answers"),
            pytest.param({"logprobs": True}, "server.field_unsupported", "logprobs", id="log probabilities"),
            pytest.param(
                {"tools": [{"type": "function", "function": {"name": "f"}}]},
                "server.field_unsupported",
                "tools",
                id="tools",
            ),
            pytest.param(
                {"response_format": {"type": "json_object"}},
                "server.field_unsupported",
                "response_format",
                id="JSON",
            ),
            pytest.param({"messages": []}, "server.body_invalid", "messages", id="no messages"),
            pytest.param(
                {"messages": [*HI, {"role": "assistant", "content": "Yes."}]},
                "server.body_invalid",
                "messages",
                id="no question at the end",
            ),
            pytest.param(
                {"messages": [{"role": "system", "content": "Be rude."}, *HI]},
                "server.system_message",
                "messages",
                id="a system message",
            ),
            pytest.param(
                {"messages": [{"role": "tool", "content": "42", "tool_call_id": "1"}]},
                "server.body_invalid",
                "messages[0].role",
                id="a role that there is not",
            ),
            pytest.param(
                {
                    "messages": [
                        {
                            "role": "user",
                            "content": [
                                {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
                            ],
                        }
                    ]
                },
                "server.field_unsupported",
                "messages[0].content",
                id="a picture",
            ),
            pytest.param({"messages": HI * 10_000}, "server.body_invalid", "messages", id="10,000 messages"),
            pytest.param(
                {"messages": [{"role": "user", "content": "x" * 5_000}]},
                "gateway.input_invalid",
                None,
                id="a question that is too long",
            ),
        ],
    )
    async def test_what_is_not_done_is_said(
        self, project: Path, changes: dict[str, Any], code: str, param: str | None
    ) -> None:
        async with serving(project) as server, client_of(server) as client:
            with pytest.raises(APIStatusError) as raised:
                await client.chat.completions.create(**{"model": "chat", "messages": HI, **changes})
        assert (raised.value.code, raised.value.param) == (code, param)
        assert raised.value.status_code in {400, 422}

    async def test_a_feature_may_ignore_system_messages(self, project: Path) -> None:
        declared = project / "features" / "chat" / "feature.yaml"
        declared.write_text(declared.read_text() + "chat: {system: ignore}\n")
        async with serving(project) as server, client_of(server) as client:
            said: list[ChatCompletionMessageParam] = [{"role": "system", "content": "Be rude."}, *HI]
            completion = await client.chat.completions.create(model="chat", messages=said)
        assert completion.choices[0].message.content == "Hello world."

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"model": 7}', b'{"model": "chat"}', b"\xff", b"[" * 5_000]
    )
    async def test_what_is_no_request(self, project: Path, body: bytes) -> None:
        async with (
            serving(project) as server,
            server.session.post(f"{server.url}/v1/chat/completions", data=body) as response,
        ):
            said = await response.json()
        assert (response.status, said["error"]["code"]) == (400, "server.body_invalid")
        assert set(said["error"]) == {"message", "type", "param", "code", "hint"}

    async def test_a_body_that_is_too_large(self, project: Path) -> None:
        async with serving(project, max_body_bytes=2_000) as server, client_of(server) as client:
            with pytest.raises(APIStatusError) as raised:
                await client.chat.completions.create(
                    model="chat", messages=[{"role": "user", "content": "x" * 9_000}]
                )
        assert (raised.value.status_code, raised.value.code) == (413, "server.body_too_large")


class TestBroken:
    """A stream that does not end as it should."""

    async def test_a_stop_of_the_server_is_an_error_without_an_end(self, tmp_path: Path) -> None:
        reply = Reply(chunks=("One is here. ", "Two. ", "Three."), ending="stall", after=2)
        async with ScriptedUpstream([reply]) as upstream:
            project = write_project(tmp_path / "project", upstream.url)
            async with serving(project) as server, client_of(server) as client:
                stream = await client.chat.completions.create(model="chat", messages=HI, stream=True)
                said = [await anext(aiter(stream)) for _ in range(2)]
                server.draining.ring()
                with pytest.raises(APIError) as raised:
                    await anext(aiter(stream))
        assert [one.choices[0].delta.content for one in said] == ["", "One is here."]
        assert raised.value.code == "server.stopping"

    async def test_a_client_that_hangs_up_ends_the_work(self, tmp_path: Path) -> None:
        reply = Reply(chunks=("One is here. ", "Two. ", "Three."), ending="stall", after=2)
        async with ScriptedUpstream([reply]) as upstream:
            project = write_project(tmp_path / "project", upstream.url)
            async with serving(project) as server, client_of(server) as client:
                stream = await client.chat.completions.create(model="chat", messages=HI, stream=True)
                await anext(aiter(stream))
                await stream.close()
                await eventually(lambda: upstream.running == 0)
                await eventually(lambda: [one.outcome for one in traces(project)] == ["cancelled"])

    async def test_sixty_four_streams_do_not_mix(self, tmp_path: Path) -> None:
        def echo(received: Received) -> Reply:
            return Reply(chunks=("You said ", received.question, "."), chunk_delay_s=0.01)

        async with ScriptedUpstream(echo) as upstream:
            project = write_project(tmp_path / "project", upstream.url)
            async with serving(project) as server, client_of(server) as client:

                async def said(number: int) -> str:
                    stream = await client.chat.completions.create(
                        model="chat", messages=[{"role": "user", "content": f"n{number}"}], stream=True
                    )
                    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

                answers = await asyncio.gather(*(said(number) for number in range(64)))
        assert answers == [f"You said n{number}." for number in range(64)]
