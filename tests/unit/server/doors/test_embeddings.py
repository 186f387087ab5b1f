"""Vectors asked for by OpenAI's own client: of the project's own model, of an upstream, down a ladder."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from openai import APIStatusError, AsyncOpenAI

from buttress.knowledge.embedding.embedder import OnnxEmbedder
from buttress.testing.upstream import Received, Recording, Reply, ScriptedUpstream
from tests.unit.server.doors.test_listing import client_of
from tests.unit.server.serving import Serving, serving, traces
from tests.unit.tracing.test_metrics import values
from tests.waiting import until

pytestmark = pytest.mark.slow

MODELS = """\
models:
  small:
    {{provider: embeddings, id: e-small, base_url: "{url}", key: "file:key", price: {{input: 2, output: 0}}}}
  down: {{provider: embeddings, id: e-small, base_url: "http://127.0.0.1:9/v1"}}
  chat: {{provider: openai, id: chat-x, base_url: "{url}"}}
ladders:
  vectors: [down, small]
"""
ODD = b"\n  "
"""How an answer begins that only goes on as it came."""

VECTORS = [[0.25, -0.5, 1.0], [0.125, 0.0, 2.0]]


def embedded(received: Received, usage: dict[str, object] | None) -> Reply:
    """Answer with as many of VECTORS as were asked for, as numbers or in base64."""
    texts = received.body["input"]
    count = len(texts) if isinstance(texts, list) and isinstance(texts[0], str) else 1
    is_packed = received.body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": at, "embedding": packed(one) if is_packed else one}
        for at, one in enumerate(VECTORS[:count])
    ]
    answer = {"object": "list", "data": data, "model": "e-small-2026"} | ({"usage": usage} if usage else {})
    return Reply(recording=Recording(stream=b"", whole=ODD + msgspec.json.encode(answer)))


def packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def counting(received: Received) -> Reply:
    return embedded(received, {"prompt_tokens": 30, "total_tokens": 30})


@asynccontextmanager
async def asked(folder: Path, upstream: ScriptedUpstream) -> AsyncIterator[tuple[Serving, AsyncOpenAI]]:
    """Serve a project of models only, over `upstream`, to the official client."""
    async with upstream:
        (folder / "key").write_text("sk-test")
        (folder / "buttress.yaml").write_text("models: {backoff_base_s: 0.01}\n")
        (folder / "models.yaml").write_text(MODELS.format(url=upstream.url))
        async with serving(folder) as server, client_of(server) as client:
            yield server, client


async def refusal_of(client: AsyncOpenAI, **fields: object) -> tuple[int, str | None, object]:
    """Return the status, the code and the parameter of what a client is refused; it has a hint."""
    with pytest.raises(APIStatusError) as raised:
        await client.post("/embeddings", body=fields, cast_to=object)
    error = raised.value
    assert isinstance(error.body, dict)
    assert error.body["message"]
    return error.status_code, error.code, error.param


async def test_texts_become_vectors(project: Path, embedder: OnnxEmbedder) -> None:
    """The client asks for base64 by itself, and decodes it."""
    async with serving(project) as server, client_of(server) as client:
        name = (await client.models.list()).data[-1].id
        packed = await client.embeddings.create(model=name, input=["roses", "moss"])
        plain = await client.embeddings.create(model=name, input="roses", encoding_format="float")
    ours = embedder.embed(["roses", "moss"])
    assert packed.data[1].embedding == pytest.approx(ours[1].tolist(), abs=1e-5)
    assert plain.data[0].embedding == pytest.approx(ours[0].tolist(), abs=1e-5)
    assert packed.usage.prompt_tokens > plain.usage.prompt_tokens > 0


async def test_another_model_is_not_there(project: Path) -> None:
    async with serving(project) as server, client_of(server) as client:
        with pytest.raises(APIStatusError) as raised:
            await client.embeddings.create(model="text-embedding-3-small", input="roses")
    assert (raised.value.status_code, raised.value.code) == (404, "server.model_unknown")


async def test_an_upstream_embeds_and_is_paid(tmp_path: Path) -> None:
    """Down the ladder, as numbers and in base64, each field as it came."""
    upstream = ScriptedUpstream(counting)
    async with asked(tmp_path, upstream) as (server, client):
        plain = await client.embeddings.with_raw_response.create(
            model="vectors", input=["roses", "moss"], encoding_format="float", dimensions=3, user="ada"
        )
        binary = await client.embeddings.create(model="small", input=[7, 8, 9])
        async with server.session.get(f"{server.url}/metrics") as response:
            counted = values(await response.read())
    assert [one.embedding for one in plain.parse().data] == VECTORS
    assert plain.content.startswith(ODD)
    assert binary.data[0].embedding == VECTORS[0]
    assert (binary.model, binary.usage.prompt_tokens) == ("e-small-2026", 30)
    first = upstream.received[0].body
    assert (first["model"], first["input"], first["dimensions"]) == ("e-small", ["roses", "moss"], 3)
    assert (first["encoding_format"], first["user"]) == ("float", "ada")
    assert upstream.received[1].body["input"] == [7, 8, 9]
    assert upstream.received[1].headers["Authorization"] == "Bearer sk-test"
    told = [plain.headers[f"x-buttress-{name}"] for name in ("model", "cost-nanodollars", "trace-id")]
    one, other = traces(tmp_path)
    assert told == ["small", "60000", one.trace_id]
    assert (one.kind, one.feature, one.model, one.user_id) == ("model", "vectors", "small", "ada")
    assert [attempt["error_code"] for attempt in one.attempts][-2:] == ["models.unavailable", None]
    assert (one.answer, other.answer) == ('{"vectors":2,"length":3}', '{"vectors":1,"length":3}')
    assert (one.cost_nanodollars, one.usage.input, one.usage.output) == (60_000, 30, 0)
    assert counted["buttress_tokens_total", "input", "small", "calls"] == 60


async def test_a_missing_usage_is_estimated(tmp_path: Path) -> None:
    async with asked(tmp_path, ScriptedUpstream(lambda one: embedded(one, None))) as (_, client):
        await client.embeddings.create(model="small", input="Roses need sun, and water twice a week.")
    (trace,) = traces(tmp_path)
    assert trace.attempts[0]["is_estimated"] is True
    assert trace.usage.input > 0
    assert trace.usage.output == 0


async def test_what_cannot_be_answered_is_said(tmp_path: Path) -> None:
    """In OpenAI's shape; and a model of another kind is not asked."""
    script = [Reply(status=401, message="who"), Reply(recording=Recording(stream=b"", whole=b"{}"))]
    upstream = ScriptedUpstream(script)
    async with asked(tmp_path, upstream) as (_, client):
        told = [
            await refusal_of(client, model="chat", input="a"),
            await refusal_of(client, model="small"),
            await refusal_of(client, model="small", input=[{"a": 1}]),
            await refusal_of(client, model="nobody", input="a"),
            await refusal_of(client, model="small", input="a"),
            await refusal_of(client, model="small", input="a"),
        ]
        with pytest.raises(APIStatusError) as raised:
            await client.chat.completions.create(model="small", messages=[{"role": "user", "content": "Hi?"}])
    assert [one[:2] for one in told] == [
        (400, "models.wrong_kind"),
        (400, "server.body_invalid"),
        (400, "server.body_invalid"),
        (404, "server.model_unknown"),
        (502, "models.refused_key"),
        (502, "models.bad_answer"),
    ]
    assert [one[2] for one in told[1:4]] == ["input", "input[0]", "model"]
    assert (raised.value.status_code, raised.value.code) == (400, "models.wrong_kind")
    assert len(upstream.received) == 2


async def test_who_hangs_up_ends_the_work(tmp_path: Path) -> None:
    upstream = ScriptedUpstream([Reply(first_delay_s=30)])
    async with asked(tmp_path, upstream) as (_, client):
        async with asyncio.TaskGroup() as group:
            call = group.create_task(client.embeddings.create(model="small", input="a"))
            await until(lambda: upstream.received)
            call.cancel()
        await until(upstream.received[0].hung_up.is_set)
        await until(lambda: traces(tmp_path))
    assert [trace.outcome for trace in traces(tmp_path)] == ["cancelled"]
