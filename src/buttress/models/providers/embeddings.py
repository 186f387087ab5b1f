"""Models that embed texts: behind HTTP, on any server that speaks OpenAI's embeddings."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import urlsplit

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import ModelEvent, ModelRequest
from buttress.models.dialects.embeddings import Watch, pass_on, read_answer, read_asked
from buttress.models.dialects.types import Body, Reader
from buttress.models.errors import BadAnswer, WrongKind
from buttress.models.providers.http import Format, HttpParts, HttpProvider, Speech
from buttress.models.types import Frame


def _url(model: Model) -> str:
    """Return where to ask: a base URL that is a host and nothing else is taken to want a version."""
    base = model.base_url.rstrip("/").removesuffix("/embeddings")
    return f"{base}/embeddings" if urlsplit(base).path else f"{base}/v1/embeddings"


def _headers(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def _no_chat(model: Model) -> WrongKind:
    return WrongKind(f"{model.name} embeds texts, and answers nothing else")


def _no_body(model: Model, request: ModelRequest) -> bytes:
    del request
    raise _no_chat(model)


def _no_reader(model: Model) -> Reader:
    raise _no_chat(model)


EMBEDDINGS = Format(
    url=_url,
    headers=_headers,
    body=_no_body,
    reader=_no_reader,
    speech=Speech("embeddings", pass_on, Watch),
)


class EmbeddingsProvider:
    """A `Provider` of a model that embeds. Its one frame is the upstream's answer, as it came."""

    def __init__(self, model: Model, parts: HttpParts) -> None:
        self._model = model
        self._max_bytes = parts.settings.max_answer_bytes
        self._http = HttpProvider(model, EMBEDDINGS, parts)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `Provider.stream`.

        Raises:
            WrongKind: always, and before anything is sent.
        """
        return _refuse(self._model, request)

    def pass_on(self, body: Body) -> AsyncGenerator[Frame, None] | None:
        """See `Provider.pass_on`."""
        passed = self._http.pass_on(body)
        return self._read(passed, body) if passed else None

    async def _read(self, passed: AsyncGenerator[Frame, None], body: Body) -> AsyncGenerator[Frame, None]:
        async with aclosing(passed) as frames:
            async for frame in frames:
                self._require_whole(frame.data)
                seen = read_answer(self._model, frame.data, read_asked(body))
                yield msgspec.structs.replace(frame, seen=seen)

    def _require_whole(self, data: bytes) -> None:
        if len(data) >= self._max_bytes:  # it was read up to there
            told = f"{self._model.name} answered with {self._max_bytes:,} bytes of vectors or more"
            raise BadAnswer(told, hint="Send fewer texts at a time, or raise `models.max_answer_bytes`.")


async def _refuse(model: Model, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
    del request
    raise _no_chat(model)
    yield
