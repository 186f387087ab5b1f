"""A re-ranker behind HTTP, as Cohere, Jina, vLLM and Buttress itself speak it. The adapter of `/v1/rerank`.

Sent is `{model, query, documents, max_tokens_per_doc}`; answered `{results: [{index, relevance_score}]}`, in
any order. Of which documents only the beginning was read is known where the service says so
(`meta.truncated`, as Buttress does).
"""

import re
from collections.abc import Iterable

import msgspec

from buttress.kernel.errors import UNDECODABLE
from buttress.knowledge.embedding.onnx_models import speakable
from buttress.knowledge.errors import RerankerAway, RerankerBroken
from buttress.knowledge.search_types import Reranked, Reranking
from buttress.knowledge.settings import RerankerSettings
from buttress.outbound.addresses import AddressInvalid, parse_address
from buttress.outbound.faults import BrokenOff, NotHttp, Unreachable, why_unreachable
from buttress.outbound.sessions import Outgoing, Sessions
from buttress.outbound.settings import OutboundSettings

_CONNECT_TIMEOUT_S = 2.0
_MAX_ANSWER_BYTES = 16 << 20
_HAS_VERSION = re.compile(r"/v\d+$")
_OK = 200
_LATER = frozenset((408, 429, 500, 502, 503, 504))
_TOLD_CHARACTERS = 200


class _Result(msgspec.Struct, frozen=True):
    index: int
    relevance_score: float


class _Tokens(msgspec.Struct, frozen=True):
    input_tokens: float = 0


class _Meta(msgspec.Struct, frozen=True):
    tokens: _Tokens | None = None
    truncated: list[int] = []


class _Usage(msgspec.Struct, frozen=True):
    total_tokens: int = 0


class _Answer(msgspec.Struct, frozen=True):
    results: list[_Result]
    usage: _Usage | None = None
    meta: _Meta | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def is_remote(settings: RerankerSettings) -> bool:
    """Say whether these settings name a service rather than files."""
    return settings.model.startswith(("http://", "https://"))


def remote_name(settings: RerankerSettings) -> str:
    """Return what clients call the service: the model that it is asked for, else its host.

    Raises:
        RerankerBroken: the address is none.
    """
    return settings.service_model or _origin(settings)


class RemoteReranker:
    """A `Reranker` that asks a service, with `key` where it has one. It belongs to one event loop."""

    def __init__(self, settings: RerankerSettings, key: str) -> None:
        self._name = remote_name(settings)
        self._model = settings.service_model
        self._url = _url(settings.model)
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._sessions = Sessions(OutboundSettings())

    @property
    def name(self) -> str:
        """See `Reranker.name`."""
        return self._name

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Reranker.rerank`. How long it may take is the caller's to say.

        Raises:
            RerankerAway: there was no answer, or none for now. RerankerBroken: there was, and it is none.
        """
        if not asked.documents:
            return Reranked(scores=[], tokens=0, truncated=[])
        status, body = await self._ask(msgspec.json.encode(self._request(asked)))
        if status != _OK:
            told = " ".join(body[:_TOLD_CHARACTERS].decode("utf-8", "replace").split())
            kind = RerankerAway if status in _LATER else RerankerBroken
            raise kind(f"{self._name} answered with status {status}: {told}")
        try:
            answer = _ANSWER.decode(body)
        except UNDECODABLE as error:
            raise RerankerBroken(f"{self._name} did not answer with a ranking: {error}") from error
        return self._reranked(answer, len(asked.documents))

    def close(self) -> None:
        """See `Reranker.close`: closes its connections."""
        self._sessions.close()

    def _request(self, asked: Reranking) -> dict[str, object]:
        model = {"model": self._model} if self._model else {}
        most = {} if asked.max_tokens is None else {"max_tokens_per_doc": asked.max_tokens}
        documents = [speakable(one) for one in asked.documents]
        return {**model, "query": speakable(asked.query), "documents": documents, **most}

    async def _ask(self, body: bytes) -> tuple[int, bytes]:
        outgoing = Outgoing(
            url=self._url, body=body, headers=self._headers, connect_timeout_s=_CONNECT_TIMEOUT_S
        )
        try:
            async with self._sessions.post(outgoing) as response:
                return response.status, await response.whole(_MAX_ANSWER_BYTES)
        except Unreachable as fault:
            raise RerankerAway(f"{self._name} cannot be reached: {why_unreachable(fault)}") from fault
        except (BrokenOff, NotHttp) as fault:
            raise RerankerAway(f"{self._name} broke off: {fault}") from fault

    def _reranked(self, answer: _Answer, count: int) -> Reranked:
        scores = {one.index: one.relevance_score for one in answer.results}
        if sorted(scores) != list(range(count)) or len(answer.results) != count:
            told = f"{len(answer.results)} documents that are not the {count} it got"
            raise RerankerBroken(f"{self._name} ranked {told}")
        meta = answer.meta or _Meta()
        return Reranked(
            scores=_within(scores[place] for place in range(count)),
            tokens=_tokens(answer, meta),
            truncated=sorted(one for one in set(meta.truncated) if 0 <= one < count),
        )


def _within(scores: Iterable[float]) -> list[float]:
    """Return `scores` with what is below 0 or above 1 as that: the services that matter keep to it."""
    return [min(1.0, max(0.0, one)) for one in scores]


def _tokens(answer: _Answer, meta: _Meta) -> int:
    told = answer.usage.total_tokens if answer.usage else meta.tokens.input_tokens if meta.tokens else 0
    return max(0, int(told))


def _origin(settings: RerankerSettings) -> str:
    try:
        return parse_address(settings.model).origin.host
    except AddressInvalid as error:
        raise RerankerBroken(f"`reranker.model` is {error}") from error


def _url(written: str) -> str:
    """Return where to ask; people write the address with a version, with the path, or without either."""
    whole = written.rstrip("/")
    if whole.endswith("/rerank"):
        return whole
    return f"{whole}/rerank" if _HAS_VERSION.search(whole) else f"{whole}/v1/rerank"
