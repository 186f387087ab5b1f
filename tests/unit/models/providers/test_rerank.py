"""Models that re-rank documents: over real HTTP, and the project's own."""

from collections.abc import Sequence

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.request_in import read_body as read_chat
from buttress.models.dialects.known import read_request
from buttress.models.dialects.rerank import Ranked, Result, read_body
from buttress.models.dialects.types import Body
from buttress.models.errors import BadAnswer, ModelUnavailable, RateLimited, RefusedKey, WrongKind
from buttress.models.ports import Provider
from buttress.models.providers.rerank import RERANK, OwnRerankProvider, RerankProvider
from buttress.models.types import Frame, Scored
from buttress.outbound.sessions import Sessions
from buttress.testing.upstream import Recording, Reply, ScriptedUpstream
from tests.unit.models.providers.asking import SECRET, ask, http_parts

BODY = read_body(
    b'{"model": "m", "query": "q", "documents": ["a", "b"], "return_documents": true, "seed": 1}'
)
CHAT = read_chat(b'{"model": "m", "messages": [{"role": "user", "content": "Hi?"}]}')


class Lengths:
    """A `Reranker` that finds a longer document better."""

    async def rerank(self, query: str, documents: Sequence[str], max_tokens: int | None) -> Scored:
        del query
        return Scored(
            scores=[len(one) / 100 for one in documents],
            tokens=max_tokens or 9,
            truncated=[len(documents) - 1],
        )


def at(url: str, sessions: Sessions) -> RerankProvider:
    model = Model(name="ranker", id="rerank-x", provider="rerank", base_url=url, key="env:KEY")
    return RerankProvider(model, http_parts(sessions))


async def frames_of(provider: Provider, body: Body = BODY) -> list[Frame]:
    passed = provider.pass_on(body)
    assert passed is not None
    return [frame async for frame in passed]


def answering(data: bytes) -> ScriptedUpstream:
    return ScriptedUpstream([Reply(recording=Recording(stream=b"", whole=data))])


async def test_an_upstream_is_asked_as_the_client_asked(sessions: Sessions) -> None:
    data = (
        b'{"results": [{"index": 0, "relevance_score": 0.1}, {"index": 1, "relevance_score": 0.7}],'
        b' "usage": {"total_tokens": 11}}'
    )
    async with answering(data) as upstream:
        (frame,) = await frames_of(at(upstream.url, sessions))
    ranked = msgspec.json.decode(frame.data, type=Ranked)
    assert ranked == Ranked(results=[Result(1, 0.7), Result(0, 0.1)], tokens=11)
    assert frame.seen.finished is not None
    assert frame.seen.finished.usage == Usage(input=11)
    (received,) = upstream.received
    assert received.body == {"model": "rerank-x", "query": "q", "documents": ["a", "b"], "seed": 1}
    assert received.headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        pytest.param("https://api.cohere.com/v2", "https://api.cohere.com/v2/rerank", id="Cohere"),
        pytest.param("https://api.cohere.com", "https://api.cohere.com/v1/rerank", id="without a version"),
        pytest.param("https://api.jina.ai/v1/", "https://api.jina.ai/v1/rerank", id="Jina"),
        pytest.param("http://gpu:8000/v1/rerank", "http://gpu:8000/v1/rerank", id="the whole address"),
    ],
)
def test_where_it_is_asked(base_url: str, url: str) -> None:
    assert RERANK.url(Model(name="m", provider="rerank", base_url=base_url)) == url


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        pytest.param(Reply(status=401, message="no key"), RefusedKey, "no key", id="a wrong key"),
        pytest.param(Reply(status=429, retry_after="2"), RateLimited, "429", id="too many"),
        pytest.param(Reply(status=503, message="away"), ModelUnavailable, "away", id="away"),
    ],
)
async def test_what_an_upstream_refuses(
    sessions: Sessions, reply: Reply, kind: type[Exception], told: str
) -> None:
    async with ScriptedUpstream([reply]) as upstream:
        with pytest.raises(kind, match=told):
            await frames_of(at(upstream.url, sessions))
    assert sessions.open_connections <= 1


@pytest.mark.parametrize("data", [b"{}", b'{"results": [{"index": 7, "relevance_score": 1}]}'])
async def test_an_answer_about_other_documents_is_a_bad_one(sessions: Sessions, data: bytes) -> None:
    async with answering(data) as upstream:
        with pytest.raises(BadAnswer):
            await frames_of(at(upstream.url, sessions))


async def test_an_upstream_that_counts_searches_tells_no_tokens(sessions: Sessions) -> None:
    async with ScriptedUpstream([Reply()]) as upstream:
        (frame,) = await frames_of(at(upstream.url, sessions))
    assert msgspec.json.decode(frame.data, type=Ranked).search_units == 1
    assert frame.seen.finished is not None
    assert frame.seen.finished.usage is None


async def test_the_projects_own() -> None:
    provider = OwnRerankProvider(Model(name="own", provider="own-rerank"), Lengths())
    body = read_body(
        b'{"model": "m", "query": "q", "documents": ["a", "bbb", "bb"], "top_n": 2, "seed": 1,'
        b' "max_tokens_per_doc": 5}'
    )
    (frame,) = await frames_of(provider, body)
    assert msgspec.json.decode(frame.data, type=Ranked) == Ranked(
        results=[Result(1, 0.03), Result(2, 0.02)], tokens=5, truncated=[2], ignored=("seed",)
    )
    assert frame.seen.finished is not None
    assert frame.seen.finished.usage == Usage(input=5)


@pytest.mark.parametrize("is_own", [True, False])
async def test_a_re_ranker_answers_nothing_else(sessions: Sessions, *, is_own: bool) -> None:
    """And nothing is sent."""
    own = OwnRerankProvider(Model(name="ranker", provider="own-rerank"), Lengths())
    provider: Provider = own if is_own else at("http://127.0.0.1:9", sessions)
    assert provider.pass_on(CHAT) is None
    with pytest.raises(WrongKind, match="ranker re-ranks documents, and answers nothing else"):
        await anext(provider.stream(ask()))


def test_whoever_answers_does_not_re_rank() -> None:
    with pytest.raises(WrongKind, match="m re-ranks no documents"):
        read_request(BODY)
