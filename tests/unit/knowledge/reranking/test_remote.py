"""A re-ranker behind HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
from aiohttp import web

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import RerankerAway, RerankerBroken
from buttress.knowledge.ports import Reranker
from buttress.knowledge.reranking.late_interaction import LateInteraction
from buttress.knowledge.reranking.remote import RemoteReranker, remote_name
from buttress.knowledge.search_types import Reranking
from buttress.knowledge.settings import RerankerSettings
from buttress.testing.contracts.reranker import MAX_TOKENS, RerankerContract
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.reranking.serving import Handler, service

ASKED = Reranking(query="roses", documents=["moss", "roses"])


def ranking_of(reranker: Reranker) -> Handler:
    """Return what answers as `reranker` does: best first, as such services sort."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        done = await reranker.rerank(
            Reranking(
                query=body["query"], documents=body["documents"], max_tokens=body.get("max_tokens_per_doc")
            )
        )
        results = [{"index": place, "relevance_score": score} for place, score in enumerate(done.scores)]
        results.sort(key=lambda one: -one["relevance_score"])
        meta = {"truncated": done.truncated}
        return web.json_response({"results": results, "usage": {"total_tokens": done.tokens}, "meta": meta})

    return answer


class TestRemoteReranker(RerankerContract):
    """Over a service that compares words."""

    @pytest.fixture
    async def reranker(self) -> AsyncIterator[Reranker]:
        """Return it."""
        settings = RerankerSettings(max_tokens=MAX_TOKENS, threads=2)
        with closing(LateInteraction("late", HashedWords(512), settings)) as late:
            async with service(ranking_of(late)) as url:
                with closing(RemoteReranker(RerankerSettings(model=url), "")) as reranker:
                    yield reranker


async def test_what_is_sent() -> None:
    """The key in its header, the model where one is named; the address may hold version and path."""
    seen: list[tuple[str | None, dict[str, object]]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Authorization"), await request.json()))
        return web.json_response({"results": [{"index": place, "relevance_score": 0.5} for place in (1, 0)]})

    async with service(answer) as url:
        for path, model, key in (("", "", ""), ("/v1", "rerank-v3.5", "k1"), ("/v1/rerank/", "", "k2")):
            settings = RerankerSettings(model=url + path, service_model=model)
            with closing(RemoteReranker(settings, key)) as reranker:
                assert (await reranker.rerank(ASKED)).scores == [0.5, 0.5]
    asked: dict[str, object] = {"query": "roses", "documents": ["moss", "roses"]}
    assert seen == [(None, asked), ("Bearer k1", {"model": "rerank-v3.5", **asked}), ("Bearer k2", asked)]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        pytest.param(
            401, '{"message": "no such key"}', r"status 401: .*no such key", id="the key is refused"
        ),
        pytest.param(307, "", "status 307", id="it is elsewhere: nobody goes there"),
        pytest.param(200, "<html>", "did not answer with a ranking", id="no JSON"),
        pytest.param(200, "[" * 100_000, "did not answer with a ranking", id="too deep"),
        pytest.param(200, '{"data": []}', "did not answer with a ranking", id="something else"),
        pytest.param(200, [0], "1 documents that are not the 2", id="one is missing"),
        pytest.param(200, [0, 0], "2 documents that are not the 2", id="one stands twice"),
        pytest.param(200, [0, 7], "2 documents that are not the 2", id="one was never sent"),
        pytest.param(200, [0, 1], "did not answer with a ranking", id="not a number"),
    ],
)
async def test_an_answer_that_is_none_is_refused(status: int, body: str | list[int], told: str) -> None:
    """And the message names the service and says why."""
    if not isinstance(body, str):
        score = "1e999" if body == [0, 1] else "0.5"
        results = ", ".join(f'{{"index": {place}, "relevance_score": {score}}}' for place in body)
        body = f'{{"results": [{results}]}}'

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, text=str(body), headers={"Location": "/v1/rerank"})

    async with service(answer) as url:
        with closing(RemoteReranker(RerankerSettings(model=url), "")) as reranker:
            with pytest.raises(ButtressError, match=told) as refused:
                await reranker.rerank(ASKED)
            assert isinstance(refused.value, RerankerBroken)
            assert refused.value.message.startswith("127.0.0.1 ")


async def test_scores_are_kept_within_0_and_1() -> None:
    """Whatever a service means by others."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        results = [{"index": 0, "relevance_score": -3.0}, {"index": 1, "relevance_score": 7.5}]
        return web.Response(text=json.dumps({"results": results}))

    async with service(answer) as url:
        with closing(RemoteReranker(RerankerSettings(model=url), "")) as reranker:
            assert (await reranker.rerank(ASKED)).scores == [0, 1]


async def busy(request: web.Request) -> web.Response:
    """Answer that there is no time."""
    await request.read()
    return web.Response(status=503, text="later")


async def test_nobody_there_is_said_and_may_be_tried_again() -> None:
    """And so is a service that has no time."""
    async with service(busy) as url:
        reranker = RemoteReranker(RerankerSettings(model=url), "")
        with closing(reranker), pytest.raises(RerankerAway, match="status 503: later"):
            await reranker.rerank(ASKED)
    reranker = RemoteReranker(RerankerSettings(model=url), "")
    with closing(reranker), pytest.raises(RerankerAway, match="the connection was refused") as away:
        await reranker.rerank(ASKED)
    assert away.value.retryable


def test_what_it_is_called() -> None:
    """By the model that it is asked for, else by its host; an address that is none is refused."""
    assert remote_name(RerankerSettings(model="https://api.jina.ai/v1")) == "api.jina.ai"
    assert remote_name(RerankerSettings(model="https://x.org", service_model="rerank-v3.5")) == "rerank-v3.5"
    with pytest.raises(RerankerBroken, match=r"`reranker\.model` is not"):
        remote_name(RerankerSettings(model="https://"))
