"""Documents re-ranked over real sockets: by the project's own model, by an upstream, down a ladder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from buttress.testing.upstream import Received, Recording, Reply, ScriptedUpstream
from tests.unit.server.serving import Serving, serving, traces
from tests.unit.tracing.test_metrics import values
from tests.waiting import until

pytestmark = pytest.mark.slow  # a server each

OWN = "all-MiniLM-L6-v2, int8, late interaction"
MODELS = """\
models:
  cohere: {{provider: rerank, id: rerank-x, base_url: "{url}", key: "file:key"}}
  jina: {{provider: rerank, id: jina-x, base_url: "{url}", price: {{input: 2, output: 0}}}}
  down: {{provider: rerank, id: down, base_url: "http://127.0.0.1:9/v1"}}
  own: {{provider: own-rerank}}
  quotes: {{provider: extractive}}
ladders:
  ranked: [down, jina]
  safe: [down, own]
"""
DOCUMENTS = [
    "The moon rises at nine.",
    "Refunds are paid within 30 days.",
    {"text": "Your money comes back."},
]
ODD: dict[str, object] = {"priority": 1, "a\r\nb": 1}
ASKED: dict[str, object] = {"query": "How do I get a refund?", "documents": DOCUMENTS}


def jina(received: Received) -> Reply:
    """Rank documents by their length, and count tokens."""
    documents = received.body["documents"]
    assert isinstance(documents, list)
    results = [{"index": at, "relevance_score": len(one) / 100} for at, one in enumerate(documents)]
    answer = {"model": "jina-x", "results": results, "usage": {"total_tokens": 30}}
    return Reply(recording=Recording(stream=b"", whole=msgspec.json.encode(answer)))


@asynccontextmanager
async def asked(folder: Path, upstream: ScriptedUpstream) -> AsyncIterator[Serving]:
    """Serve a project of models only, over `upstream`."""
    async with upstream:
        (folder / "key").write_text("sk-test")
        (folder / "buttress.yaml").write_text("models: {backoff_base_s: 0.01}\n")
        (folder / "models.yaml").write_text(MODELS.format(url=upstream.url))
        async with serving(folder) as server:
            yield server


Answered = tuple[int, dict[str, object], dict[str, str]]


async def post(server: Serving, model: str, path: str = "/v1/rerank", /, **fields: object) -> Answered:
    """Return the status, the body and the headers of an answer."""
    body = ASKED | {"model": model} | fields
    async with server.session.post(server.url + path, json=body) as response:
        return response.status, await response.json(), dict(response.headers)


def part(answer: object, *keys: str | int) -> object:
    """Return what stands at `keys`, one within the other."""
    for key in keys:
        match answer, key:
            case dict(), str():
                answer = answer[key]
            case list(), int():
                answer = answer[key]
            case _:
                raise AssertionError(f"there is no {key} in {answer}")
    return answer


def places(answer: dict[str, object]) -> list[object]:
    results = answer["results"]
    assert isinstance(results, list)
    return [part(one, "index") for one in results]


def code(answer: dict[str, object]) -> object:
    return part(answer, "error", "code")


async def test_without_any_configuration_the_own_model_answers(tmp_path: Path) -> None:
    (tmp_path / "buttress.yaml").write_text("{}\n")
    async with serving(tmp_path) as server:
        status, answer, headers = await post(server, OWN, **ODD, return_documents=True)
        _, cohere, _ = await post(server, OWN, "/v2/rerank", top_n=1, max_tokens_per_doc=3)
        wrong = await server.session.post(
            f"{server.url}/v1/chat/completions",
            json={"model": OWN, "messages": [{"role": "user", "content": "Hi?"}]},
        )
        refused = (wrong.status, code(await wrong.json()))
    assert (status, answer["model"], places(answer)) == (200, OWN, [1, 2, 0])
    assert part(answer, "results", 0, "document") == {"text": DOCUMENTS[1]}
    assert (headers["x-buttress-attempts"], headers["x-buttress-cost-nanodollars"]) == ("1", "0")
    assert headers["x-buttress-ignored"] == "a??b, priority"
    assert places(cohere) == [1]
    assert part(cohere, "meta", "truncated") == [0, 1, 2]
    assert refused == (400, "models.wrong_kind")
    first = traces(tmp_path)[0]
    assert (first.kind, first.feature, first.model, first.outcome) == ("model", OWN, OWN, "answered")
    assert answer["id"] == f"rerank-{first.trace_id}"
    assert answer["usage"] == {"prompt_tokens": first.usage.input, "total_tokens": first.usage.input}
    assert [one["index"] for one in msgspec.json.decode(first.answer)["results"]] == [1, 2, 0]


async def test_an_upstream_ranks_and_is_paid(tmp_path: Path) -> None:
    """In searches, whose price nobody knows, or in tokens."""
    upstream = ScriptedUpstream(lambda one: Reply() if one.body["model"] == "rerank-x" else jina(one))
    async with asked(tmp_path, upstream) as server:
        _, cohere, unknown = await post(server, "cohere")
        _, tokens, priced = await post(server, "ranked", top_n=2)
        async with server.session.get(f"{server.url}/metrics") as response:
            counted = values(await response.read())
    assert cohere["meta"] == {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    assert "usage" not in cohere
    assert unknown["x-buttress-cost-nanodollars"] == "unknown"
    assert places(tokens) == [1, 0]
    assert tokens["usage"] == {"prompt_tokens": 30, "total_tokens": 30}
    assert (priced["x-buttress-model"], priced["x-buttress-cost-nanodollars"]) == ("jina", "60000")
    one, other = traces(tmp_path)
    assert (one.cost_nanodollars, one.attempts[0]["is_estimated"]) == (None, True)
    assert [attempt["error_code"] for attempt in other.attempts][-2:] == ["models.unavailable", None]
    assert (other.cost_nanodollars, other.usage.input) == (60_000, 30)
    assert counted["buttress_tokens_total", "input", "jina", "calls"] == 30


async def test_the_own_model_is_a_rung_to_fall_back_on(tmp_path: Path) -> None:
    async with asked(tmp_path, ScriptedUpstream()) as server:
        status, answer, headers = await post(server, "safe")
    assert (status, places(answer), headers["x-buttress-model"]) == (200, [1, 2, 0], "own")


async def test_what_cannot_be_answered_is_said(tmp_path: Path) -> None:
    """In the shapes that clients read, with what to do about it."""
    upstream = ScriptedUpstream([Reply(status=429, message="slow down"), Reply(status=401, message="who")])
    async with asked(tmp_path, upstream) as server:
        told = [
            await post(server, "nobody"),
            await post(server, "quotes"),
            await post(server, OWN, documents=[]),
            await post(server, OWN, documents=["a"] * 1_001),
            await post(server, OWN, query=7),
            await post(server, "cohere"),
        ]
    assert [(status, code(answer)) for status, answer, _ in told] == [
        (404, "gateway.model_unknown"),
        (400, "models.wrong_kind"),
        (400, "server.body_invalid"),
        (400, "server.body_invalid"),
        (400, "server.body_invalid"),
        (502, "models.refused_key"),
    ]
    assert all(answer["message"] for _, answer, _ in told)


async def test_who_hangs_up_ends_the_work(tmp_path: Path) -> None:
    upstream = ScriptedUpstream([Reply(first_delay_s=30)])
    async with asked(tmp_path, upstream) as server:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(post(server, "jina"))
            await until(lambda: upstream.received)
            call.cancel()
        await until(upstream.received[0].hung_up.is_set)
        await until(lambda: traces(tmp_path))
    assert [trace.outcome for trace in traces(tmp_path)] == ["cancelled"]
