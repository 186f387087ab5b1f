"""Providers that we do not speak ourselves, through a library that does: any-llm (extra `longtail`).

The library translates between OpenAI's chat completions and whatever a provider's own SDK speaks; what it is
asked and what it answers is read with our own chat dialect. It is imported when such a model is first asked,
and it runs in a thread of its own: some of the SDKs block, and none is ours to trust with the event loop.
"""

import importlib
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from copy import copy
from functools import partial
from typing import Any

import msgspec
import structlog

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import ModelEvent, ModelRequest
from buttress.models.dialects.chat.reading import AnswerReader
from buttress.models.dialects.chat.request_out import request_body
from buttress.models.dialects.types import Body
from buttress.models.errors import ModelUnavailable
from buttress.models.providers.http import HttpParts
from buttress.models.providers.longtail_faults import Asked, error_of, said_by
from buttress.models.providers.longtail_thread import LoopThread
from buttress.models.settings import ModelSettings

LIBRARY = "any_llm"

_BLOCKING = frozenset({"bedrock", "sagemaker"})
"""Whose SDK waits without letting others run: each of their answers has a thread to itself."""

Turned = Callable[[BaseException], BaseException]
"""Makes an error of ours of one of the library's."""

_log = structlog.get_logger("buttress.models.longtail")


class _Line(msgspec.Struct, frozen=True):
    """A client of the library that holds one key, and the thread that it lives in."""

    secret: str
    thread: LoopThread
    client: Any


class LongtailProvider:
    """A `Provider` that asks through the library. `id:` of its model is `PROVIDER:MODEL`, as there.

    The client, and its connections, are kept from call to call; another key has another client.
    """

    def __init__(self, model: Model, parts: HttpParts) -> None:
        self._name, _, bare = model.id.partition(":")
        self._model = msgspec.structs.replace(model, id=bare)
        self._parts = parts
        self._line: _Line | None = None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `Provider.stream`.

        Raises:
            LongtailMissing: the library, or the SDK that it needs for this provider, is not installed.
        """
        secret = self._parts.resolve_secret(self._model.key).strip() if self._model.key else ""
        reader = AnswerReader(self._model)
        turned = partial(self._error, secret, reader)
        line = await self._line_with(secret, turned)
        answer = _Answer(line, turned, is_blocking=self._name in _BLOCKING)
        try:
            await answer.begin(self._fields(request))
            while (chunk := await answer.next()) is not None:
                for event in reader.read(chunk):
                    yield event
        finally:
            answer.leave()
        ended = reader.end()
        if not ended:
            raise reader.cut()
        for event in ended:
            yield event

    def pass_on(self, body: Body) -> None:
        """See `Provider.pass_on`; what the library takes is less than the dialect has."""

    async def _line_with(self, secret: str, turned: Turned) -> _Line:
        """Return the client that holds `secret`; made where the one at hand holds another."""
        line = self._line
        if line is None or line.secret != secret:
            thread = LoopThread()
            client = await thread.run(self._open(secret), turned)
            thread.at_end(partial(_close, client))
            self._line = line = _Line(secret, thread, client)
        return line

    async def _open(self, secret: str) -> Any:  # noqa: ANN401 - a class of the library
        """Return a client of the library with its own retries off; it is imported where it is not yet."""
        began = self._parts.clock.monotonic()
        is_first = LIBRARY not in sys.modules
        library = importlib.import_module(LIBRARY)
        logging.getLogger(LIBRARY).setLevel(logging.ERROR)  # it warns of Bedrock at every call
        kind = library.AnyLLM.get_provider_class(self._name)
        off = _without_retries(self._name, kind.MAX_RETRIES_SUPPORT, self._parts.settings)
        client = library.AnyLLM.create(
            self._name,
            api_key=secret or None,
            api_base=self._model.base_url or None,
            unified_exceptions=True,
            **{**off, **dict(self._model.options)},
        )
        took_ms = round((self._parts.clock.monotonic() - began) * 1000)
        _log.info("models.client_made", model=self._model.name, imported_library=is_first, took_ms=took_ms)
        return client

    def _fields(self, request: ModelRequest) -> dict[str, Any]:
        return msgspec.json.decode(request_body(self._model, request), type=dict[str, Any])

    def _error(self, secret: str, heard: AnswerReader, error: BaseException) -> BaseException:
        now = self._parts.clock.now()
        asked = Asked(model=self._model, provider=self._name, secret=secret, heard=heard, now=now)
        ours = error_of(error, asked)
        if isinstance(ours, ModelUnavailable):  # it does not say where that was, which its log does
            _log.info("models.no_answer", model=self._model.name, reason=said_by(error, secret))
        return ours


class _Answer:
    """An answer of the library, which comes by a thread; by one of its own where its SDK blocks."""

    def __init__(self, line: _Line, turned: Turned, *, is_blocking: bool) -> None:
        self._thread = LoopThread() if is_blocking else line.thread
        self._turned = turned
        self._chunks: Any = None
        self._bodies: list[Any] = []
        self._client = _watched(line.client, self._bodies) if is_blocking else line.client

    async def begin(self, fields: Mapping[str, Any]) -> None:
        """Ask for the answer that `fields` describe."""
        await self._thread.run(self._begin(fields), self._turned)

    async def next(self) -> str | None:
        """Return the next chunk as JSON, None behind the last one."""
        return await self._thread.run(self._next(), self._turned)

    def leave(self) -> None:
        """End it upstream, where it has not ended."""
        for body in self._bodies:
            _unblock(body)
        self._thread.leave(self._close())

    async def _begin(self, fields: Mapping[str, Any]) -> None:
        self._chunks = await self._client.acompletion(**fields)

    async def _next(self) -> str | None:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            return None
        text: str = chunk.model_dump_json(exclude_none=True, warnings=False)
        return text

    async def _close(self) -> None:
        if self._chunks is not None:
            await self._chunks.aclose()
        for body in self._bodies:
            body.close()


class _Watched:
    """Stands for a client of boto3, and notes the bodies that it answers with: the library closes none."""

    def __init__(self, client: Any, bodies: list[Any]) -> None:  # noqa: ANN401 - of boto3
        self._client = client
        self._bodies = bodies

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever boto3 has
        call = getattr(self._client, name)

        def noted(**fields: Any) -> Any:  # noqa: ANN401 - as boto3
            answer = call(**fields)
            said = answer.values() if isinstance(answer, dict) else ()
            self._bodies += [one for one in said if hasattr(one, "close")]
            return answer

        return noted if callable(call) else call


def _watched(client: Any, bodies: list[Any]) -> Any:  # noqa: ANN401 - of the library
    """Return `client`, of a provider through boto3, whose answers' bodies are added to `bodies`."""
    watched = copy(client)
    watched.client = _Watched(client.client, bodies)
    return watched


def _unblock(body: Any) -> None:  # noqa: ANN401 - of boto3
    """End a read of `body` that another thread waits in; what has been read to its end is left alone."""
    with suppress(AttributeError, OSError, RuntimeError, ValueError):
        body._raw_stream.shutdown()  # noqa: SLF001 - botocore has no public way to it


async def _close(client: Any) -> None:  # noqa: ANN401 - of the library
    """Close the connections of a client; the SDKs agree on one way to do it, where they have any."""
    leave = getattr(getattr(client, "client", None), "__aexit__", None)
    if leaves := leave and leave(None, None, None):
        await leaves


def _without_retries(name: str, support: str, settings: ModelSettings) -> dict[str, Any]:
    """Return what turns the retries of a provider's SDK off, in the words that it has for them."""
    match name:
        case "bedrock" | "sagemaker":
            waits = {"connect_timeout": settings.connect_timeout_s, "read_timeout": settings.idle_timeout_s}
            config = importlib.import_module("botocore.config").Config
            return {"config": config(retries={"total_max_attempts": 1}, **waits)}
        case "azure":
            return {"retry_total": 0}
        case "watsonx":
            return {"max_retries": 0}
        case _:
            return {} if support == "unsupported" else {"max_retries": 0}
