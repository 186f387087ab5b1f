"""The official clients, and a real `buttress serve` in processes of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from anthropic import AsyncAnthropic
from openai import APIError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk

from buttress.gateway.types import History
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.flows.running import Served, buttress, serve
from tests.unit.server.serving import write_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PATIENT = "prompts: {memory: {timeout_s: 10, open_timeout_s: 60, newest_messages: 2}}\n"


@contextmanager
def served(project: Path, upstream: ScriptedUpstream, *flags: str) -> Iterator[Served]:
    """Serve a project whose feature `chat` asks `upstream`, and which waits for its database."""
    write_project(project, upstream.url)
    (project / "buttress.yaml").write_text(PATIENT)
    with serve(project, flags=[part for flag in flags for part in ("--set", flag)]) as running:
        yield running


@asynccontextmanager
async def openai_of(server: Served) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client, which asks once only."""
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none yet", max_retries=0) as client:
        yield client


async def asked(client: AsyncOpenAI, question: str, user: str | None, conversation: str) -> History:
    """Ask in a conversation kept by the server; return what became of the turns before."""
    who = {"conversation": conversation} | ({"user": user} if user else {})
    completion = await client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": question}], extra_body=who
    )
    assert completion.choices[0].message.content == "Hello world."
    return msgspec.convert(completion.model_dump()["buttress"]["history"], History)


def told(received: Received) -> list[str]:
    """Return what the model was sent."""
    messages = msgspec.convert(received.body["messages"], list[dict[str, str]])
    return [one["content"] for one in messages]


async def test_a_conversation_is_known_to_its_next_turn_and_to_nobody_else(tmp_path: Path) -> None:
    async with ScriptedUpstream() as upstream:
        with served(tmp_path / "project", upstream) as server:
            async with openai_of(server) as client:
                first = await asked(client, "One?", "ada", "c1")
                second = await asked(client, "Two?", "ada", "c1")
                third = await asked(client, "Three?", "ada", "c1")
                others = [
                    await asked(client, "And I?", "eve", "c1"),
                    await asked(client, "And nobody?", None, "c1"),
                    await asked(client, "And who is called None?", "None", "c1"),
                    await asked(client, "Another one?", "ada", "c2"),
                ]
                nobody_again = await asked(client, "Nobody again?", None, "c1")
            assert await _through_messages(server) == History(sent=2, left_out=4)
            assert await _of_tenant(server, "acme") == History()
    assert (first, second, third) == (History(), History(sent=2), History(sent=2, left_out=2))
    assert others == [History()] * 4
    assert nobody_again == History(sent=2)
    assert [told(one) for one in upstream.received[:4]] == [
        ["One?"],
        ["One?", "Hello world.", "Two?"],
        ["Two?", "Hello world.", "Three?"],
        ["And I?"],
    ]
    assert told(upstream.received[7]) == ["And nobody?", "Hello world.", "Nobody again?"]


async def _through_messages(server: Served) -> History:
    """Ask in ada's conversation by Anthropic's client."""
    async with AsyncAnthropic(base_url=server.url, api_key="none yet", max_retries=0) as client:
        message = await client.messages.create(
            model="chat",
            max_tokens=100,
            messages=[{"role": "user", "content": "Four?"}],
            metadata={"user_id": "ada"},
            extra_body={"conversation": "c1"},
        )
    return msgspec.convert(message.model_dump()["buttress"]["history"], History)


async def _of_tenant(server: Served, tenant: str) -> History:
    """Ask in a conversation of the same id and user, of another tenant."""
    body = {"input": {"question": "Here?"}, "tenant": tenant, "user": "ada", "conversation": "c1"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/v1/features/chat", json=body) as response,
    ):
        return msgspec.convert((await response.json())["history"], History)


async def begun(client: AsyncOpenAI) -> tuple[AsyncStream[ChatCompletionChunk], str]:
    """Ask for a stream, and read until there is text."""
    stream = await client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": "Hi?"}], stream=True
    )
    text = ""
    while not text:
        chunk = await anext(aiter(stream))
        text = chunk.choices[0].delta.content or ""
    return stream, text


async def test_a_stream_under_way_finishes_when_serve_is_told_to_stop(tmp_path: Path) -> None:
    reply = Reply(chunks=("One is here. ", "Two is here. ", "Three is here."), chunk_delay_s=0.5)
    async with ScriptedUpstream([reply]) as upstream:
        with served(tmp_path / "project", upstream) as server:
            async with openai_of(server) as client:
                stream, text = await begun(client)
                server.process.terminate()
                rest = [chunk async for chunk in stream]
            assert await asyncio.to_thread(server.process.wait, 30) == 0
    text += "".join(chunk.choices[0].delta.content or "" for chunk in rest)
    assert text == "One is here. Two is here. Three is here."
    assert rest[-1].choices[0].finish_reason == "stop"


async def test_a_stream_beyond_the_limit_ends_with_an_error(tmp_path: Path) -> None:
    reply = Reply(chunks=("One is here. ", "Two."), ending="stall", after=2)
    async with ScriptedUpstream([reply]) as upstream:
        with served(tmp_path / "project", upstream, "server.drain_s=0.5") as server:
            async with openai_of(server) as client:
                stream, text = await begun(client)
                server.process.terminate()
                with pytest.raises(APIError) as raised:
                    await anext(aiter(stream))
            assert await asyncio.to_thread(server.process.wait, 30) == 0
    assert text == "One is here."
    assert raised.value.code == "server.stopping"


def test_a_port_of_another_program_is_said_in_a_line_with_an_exit_code(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = buttress(project, "serve", "--port", str(other.getsockname()[1]))
    error, hint, code = done.stderr.rstrip().splitlines()
    assert done.returncode == 1
    assert error.startswith("error: cannot listen on 127.0.0.1:")
    assert hint.startswith("hint: Choose another one")
    assert code == "(server.port_taken)"
