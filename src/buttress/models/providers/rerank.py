"""Models that re-rank documents: behind HTTP as Cohere, Jina and vLLM speak it, and the project's own."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.rerank import (
    Ranked,
    ignored,
    in_order,
    pass_on,
    read_asked,
    read_ranked,
    seen_in,
)
from buttress.models.dialects.types import Body, Seen, Tally
from buttress.models.dialects.whole import WholeWatch
from buttress.models.ports import Reranker
from buttress.models.providers.http import Format, HttpParts, HttpProvider, Speech, bearer, no_chat
from buttress.models.types import Frame

_HAS_VERSION = re.compile(r"/v\d+$")


def _url(model: Model) -> str:
    """Return where to ask; people write a base URL with a version or without."""
    base = model.base_url.rstrip("/").removesuffix("/rerank")
    return f"{base}/rerank" if _HAS_VERSION.search(base) else f"{base}/v1/rerank"


_no_chat = no_chat("re-ranks documents")


def _unread(model: Model, body: Body) -> WholeWatch:
    """Return a watcher that takes any answer: what it means is read when it is put into our own order."""
    del body
    finished = Finished(reason="stop", usage=None, model=model.name)
    return WholeWatch(model, lambda _: Seen(finished=finished))


RERANK = Format(
    url=_url,
    headers=bearer,
    body=_no_chat,
    reader=_no_chat,
    speech=Speech("rerank", pass_on, _unread),
)


class RerankProvider:
    """A `Provider` of a re-ranker behind HTTP. Its one frame holds a `Ranked`."""

    def __init__(self, model: Model, parts: HttpParts) -> None:
        self._model = model
        self._http = HttpProvider(model, RERANK, parts)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`.

        Raises:
            WrongKind: always, and before anything is sent.
        """
        return self._http.stream(request)

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`."""
        passed = self._http.pass_on(body)
        return self._ranked(passed, body) if passed else None

    async def _ranked(self, passed: AsyncGenerator[Frame, None], body: Body) -> AsyncGenerator[Frame, None]:
        async with aclosing(passed) as frames:
            async for frame in frames:
                yield _frame(self._model, read_ranked(self._model, frame.data, read_asked(body)))


class OwnRerankProvider:
    """A `Provider` of the project's own re-ranker, in the engine. Its one frame holds a `Ranked`."""

    def __init__(self, model: Model, reranker: Reranker) -> None:
        self._model = model
        self._reranker = reranker

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `RerankProvider.stream`; raises at once."""
        del request
        return _no_chat(self._model)

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`."""
        return self._ranked(body) if body.dialect == "rerank" else None

    async def _ranked(self, body: Body) -> AsyncGenerator[Frame, None]:
        asked = read_asked(body)
        scored = await self._reranker.rerank(asked.query, asked.documents, asked.max_tokens)
        ranked = Ranked(
            results=in_order(scored.scores, asked.top_n),
            tokens=scored.tokens,
            truncated=scored.truncated,
            ignored=ignored(body),
        )
        yield _frame(self._model, ranked)


def _frame(model: Model, ranked: Ranked) -> Frame:
    return Frame(encode(ranked), seen_in(model, ranked))
