"""A scripted upstream over real HTTP, doing exactly what its script says.

    async with ScriptedUpstream([Reply(chunks=("Hel", "lo"))]) as upstream:
        ...ask upstream.url...

It speaks OpenAI's chat completions (`/v1/chat/completions`), Anthropic's Messages (`/v1/messages`), Google's
generateContent (`/v1/models/NAME:generateContent` and `:streamGenerateContent`), re-ranking
(`/v1/rerank`) and OpenAI's embeddings (`/v1/embeddings`).
Every request takes the next reply of the script, the last one again and again; or the script is a function
of the request. What came in is kept in `upstream.received`, with the moment the client went away, if it
did; `upstream.running` counts the answers that are under way.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Literal, Protocol, Self

import msgspec
from aiohttp import web

Ending = Literal["done", "no_done", "cut", "stall", "malformed", "error"]
"""How a stream ends: `done` as it should; `no_done` closes without `[DONE]` or `message_stop`; `cut` breaks
the connection; `stall` sends nothing more; `malformed` sends no JSON; `error` sends an error object."""


class Recording(msgspec.Struct, frozen=True):
    """What a provider answers, byte for byte: events to who asks for a stream, else JSON."""

    stream: bytes
    whole: bytes


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer one request with.

    `after` is how many chunks come before an ending other than `done`; None is all. `drip` sends every byte
    by itself. `usage` and `finish_reason` are OpenAI's; to who asks in another format they are said in its
    words; `usage` None leaves the usage out. `message`, `kind` (its `type`) and `code` are those of the
    error when `status` is not 200, or of one in the stream; in Anthropic's format a `code` is the type.
    `headers` are sent with errors and with streams. A `recording` takes the place of `chunks` and all that
    is said about them.
    """

    chunks: tuple[str, ...] = ("Hello", " world", ".")
    first_delay_s: float = 0.0
    chunk_delay_s: float = 0.0
    ending: Ending = "done"
    after: int | None = None
    drip: bool = False
    usage: dict[str, object] | None = msgspec.field(
        default_factory=lambda: dict[str, object](prompt_tokens=7, completion_tokens=3, total_tokens=10)
    )
    finish_reason: str | None = "stop"
    status: int = 200
    retry_after: str | None = None
    headers: dict[str, str] = {}
    message: str = "scripted"
    kind: str = "scripted_error"
    code: str | None = None
    recording: Recording | None = None


class Received(msgspec.Struct, kw_only=True):
    """A request that came in. `hung_up` is set when its client goes away early, at `hung_up_at`.

    `at` and `hung_up_at` are moments of the event loop's clock, in seconds. `peer` is the client's end of the
    connection: the same for two requests on one connection.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, object]
    at: float
    peer: str = ""
    hung_up: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    hung_up_at: float | None = None

    @property
    def question(self) -> str:
        """The content of the last message."""
        messages = self.body.get("messages", self.body.get("contents"))
        last = messages[-1] if isinstance(messages, list) and messages else {}
        if not isinstance(last, dict):
            return ""
        parts = last.get("parts")
        return str(parts[0].get("text", "")) if parts else str(last.get("content", ""))


Script = Sequence[Reply] | Callable[[Received], Reply]


class ScriptedUpstream:
    """The server; an async context manager. It listens on 127.0.0.1, on a port that the system gives it."""

    def __init__(self, script: Script = ()) -> None:
        self._script = script or (Reply(),)
        self._runner: web.AppRunner | None = None
        self.received: list[Received] = []
        self.running = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        for path, words in _FORMATS.items():
            app.router.add_post(path, partial(self._handle, words))
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, words: "_MakeWords", request: web.Request) -> web.StreamResponse:
        received = Received(
            path=request.path,
            headers=dict(request.headers),
            body=msgspec.json.decode(await request.read(), type=dict[str, object]),
            at=_now(),
            peer=str(request.transport and request.transport.get_extra_info("peername")),
        )
        self.received.append(received)
        self.running += 1
        try:
            reply = self._reply(received)
            model = request.match_info.get("model") or str(received.body.get("model", ""))
            return await _answer(request, received, reply, words(reply, model))
        except (asyncio.CancelledError, ConnectionError):
            received.hung_up_at = _now()
            received.hung_up.set()
            raise
        finally:
            self.running -= 1

    def _reply(self, received: Received) -> Reply:
        if callable(self._script):
            return self._script(received)
        return self._script[min(len(self.received), len(self._script)) - 1]


async def _answer(
    request: web.Request, received: Received, reply: Reply, words: "_Words"
) -> web.StreamResponse:
    await asyncio.sleep(reply.first_delay_s)
    if reply.status != 200:
        pause = {} if reply.retry_after is None else {"Retry-After": reply.retry_after}
        return web.json_response(words.error(), status=reply.status, headers=reply.headers | pause)
    is_stream = received.body.get("stream") or request.path.endswith(":streamGenerateContent")
    if reply.recording:
        kind = "text/event-stream" if is_stream else "application/json"
        body = reply.recording.stream if is_stream else reply.recording.whole
        return web.Response(body=body, content_type=kind, headers=reply.headers)
    if not is_stream:
        return web.json_response(words.whole())
    return await _Stream(request, reply, words).send()


class _Words(Protocol):
    """A reply in the words of a wire format; what is for a stream as the events' data, in their order."""

    def opening(self) -> list[dict[str, object] | bytes]: ...
    def piece(self, text: str) -> dict[str, object]: ...
    def closing(self) -> list[dict[str, object] | bytes]: ...
    def error(self) -> dict[str, object]: ...
    def whole(self) -> dict[str, object]: ...


class _OpenAIWords:
    """Chat completions: events without a name, `[DONE]` at the end."""

    def __init__(self, reply: Reply, model: str) -> None:
        self._reply = reply
        self._envelope: dict[str, object] = {
            "id": "chatcmpl-scripted",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": model,
        }

    def opening(self) -> list[dict[str, object] | bytes]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def piece(self, text: str) -> dict[str, object]:
        return self._chunk({"content": text})

    def closing(self) -> list[dict[str, object] | bytes]:
        usage = self._reply.usage
        last = [] if usage is None else [self._envelope | {"choices": [], "usage": usage}]
        return [self._chunk({}, finish_reason=self._reply.finish_reason), *last, b"[DONE]"]

    def error(self) -> dict[str, object]:
        reply = self._reply
        return {
            "error": {"message": reply.message, "type": reply.kind, "param": None, "code": reply.code},
        }

    def whole(self) -> dict[str, object]:
        message = {"role": "assistant", "content": "".join(self._reply.chunks)}
        choice = {"index": 0, "message": message, "finish_reason": self._reply.finish_reason}
        usage = {} if self._reply.usage is None else {"usage": self._reply.usage}
        return self._envelope | {"object": "chat.completion", "choices": [choice]} | usage

    def _chunk(self, delta: dict[str, str], *, finish_reason: str | None = None) -> dict[str, object]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._envelope | {"choices": [choice], "usage": None}


class _AnthropicWords:
    """The Messages API: events named for their `type`, `message_stop` at the end."""

    def __init__(self, reply: Reply, model: str) -> None:
        self._reply = reply
        self._model = model

    def opening(self) -> list[dict[str, object] | bytes]:
        message = self._message() | {"content": [], "stop_reason": None}
        block = {"type": "text", "text": ""}
        return [
            {"type": "message_start", "message": message | self._usage(output=1)},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "ping"},
        ]

    def piece(self, text: str) -> dict[str, object]:
        delta = {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": 0, "delta": delta}

    def closing(self) -> list[dict[str, object] | bytes]:
        return [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": self._stop_reason()}} | self._usage(),
            {"type": "message_stop"},
        ]

    def error(self) -> dict[str, object]:
        error = {"type": self._reply.code or self._reply.kind, "message": self._reply.message}
        return {"type": "error", "error": error, "request_id": "req_scripted"}

    def whole(self) -> dict[str, object]:
        content = [{"type": "text", "text": "".join(self._reply.chunks)}]
        return self._message() | {"content": content, "stop_reason": self._stop_reason()} | self._usage()

    def _message(self) -> dict[str, object]:
        return {"id": "msg_scripted", "type": "message", "role": "assistant", "model": self._model}

    def _stop_reason(self) -> str | None:
        reason = self._reply.finish_reason
        return _STOP_REASONS.get(reason, reason) if reason else None

    def _usage(self, output: int | None = None) -> dict[str, object]:
        """Return the usage; `output` is what is known of the answer before it is written."""
        told = self._reply.usage
        if told is None:
            return {}
        usage = {_COUNTS[key]: value for key, value in told.items() if key in _COUNTS}
        return {"usage": usage if output is None else usage | {"output_tokens": output}}


_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
_COUNTS = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cache_creation_input_tokens": "cache_creation_input_tokens",
    "output_tokens_details": "output_tokens_details",
}


class _GeminiWords:
    """generateContent: each event is an answer of its own, and the end of the body is the end."""

    def __init__(self, reply: Reply, model: str) -> None:
        self._reply = reply
        self._model = model

    def opening(self) -> list[dict[str, object] | bytes]:
        return []

    def piece(self, text: str) -> dict[str, object]:
        return self._answer(text)

    def closing(self) -> list[dict[str, object] | bytes]:
        return [self._answer("", self._finish_reason()) | self._usage()]

    def error(self) -> dict[str, object]:
        reply = self._reply
        kind = _KINDS_OF_ERROR.get(reply.code or reply.kind, ("INTERNAL", 500, ""))
        message = f"{reply.message} {kind[2]}".strip()
        details = [{"reason": "BILLING_DISABLED"}] if reply.code == "insufficient_quota" else []
        code = kind[1] if reply.status == 200 else reply.status
        return {"error": {"code": code, "message": message, "status": kind[0], "details": details}}

    def whole(self) -> dict[str, object]:
        return self._answer("".join(self._reply.chunks), self._finish_reason()) | self._usage()

    def _answer(self, text: str, finish_reason: str | None = None) -> dict[str, object]:
        candidate: dict[str, object] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
        ended = {} if finish_reason is None else {"finishReason": finish_reason}
        return {"candidates": [candidate | ended], "modelVersion": self._model, "responseId": "scripted"}

    def _finish_reason(self) -> str | None:
        reason = self._reply.finish_reason
        return _FINISH_REASONS.get(reason, reason) if reason else None

    def _usage(self) -> dict[str, object]:
        told = self._reply.usage
        if told is None:
            return {}
        return {
            "usageMetadata": {
                _GEMINI_COUNTS[key]: value for key, value in told.items() if key in _GEMINI_COUNTS
            }
        }


_FINISH_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_GEMINI_COUNTS = {
    "prompt_tokens": "promptTokenCount",
    "completion_tokens": "candidatesTokenCount",
    "total_tokens": "totalTokenCount",
    "cached_content_tokens": "cachedContentTokenCount",
    "thoughts_tokens": "thoughtsTokenCount",
}
_KINDS_OF_ERROR = {
    "rate_limit_exceeded": ("RESOURCE_EXHAUSTED", 429, ""),
    "insufficient_quota": ("PERMISSION_DENIED", 403, ""),
    "overloaded_error": ("UNAVAILABLE", 503, ""),
    "authentication_error": ("UNAUTHENTICATED", 401, ""),
    "context_length_exceeded": (
        *("INVALID_ARGUMENT", 400),
        "The input token count exceeds the maximum number of tokens allowed",
    ),
}
"""For what went wrong, in the words of others: Google's status, its number, and what its message adds."""


class _RerankWords:
    """Re-ranking in Cohere's words: one answer. Which documents it ranks how, says a `recording`."""

    def __init__(self, reply: Reply, model: str) -> None:
        self._reply = reply
        self._model = model

    def opening(self) -> list[dict[str, object] | bytes]:
        return []

    def piece(self, text: str) -> dict[str, object]:
        return {"index": 0, "relevance_score": 0.5, "document": {"text": text}}

    def closing(self) -> list[dict[str, object] | bytes]:
        return []

    def error(self) -> dict[str, object]:
        return {"id": "scripted", "message": self._reply.message}

    def whole(self) -> dict[str, object]:
        meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
        return {"id": self._model, "results": [{"index": 0, "relevance_score": 0.5}], "meta": meta}


class _EmbeddingsWords(_OpenAIWords):
    """OpenAI's embeddings: one vector. Others, and in base64, says a `recording`."""

    def whole(self) -> dict[str, object]:
        usage = {} if self._reply.usage is None else {"usage": self._reply.usage}
        vector = {"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 0.125]}
        return {"object": "list", "data": [vector], "model": self._envelope["model"]} | usage


_MakeWords = Callable[[Reply, str], _Words]
_FORMATS: dict[str, _MakeWords] = {
    "/v1/chat/completions": _OpenAIWords,
    "/v1/messages": _AnthropicWords,
    "/v1/rerank": _RerankWords,
    "/v1/embeddings": _EmbeddingsWords,
    "/v1/models/{model}:generateContent": _GeminiWords,
    "/v1/models/{model}:streamGenerateContent": _GeminiWords,
}


class _Stream:
    """One streamed answer on its way out."""

    def __init__(self, request: web.Request, reply: Reply, words: _Words) -> None:
        self._request = request
        self._reply = reply
        self._words = words
        self._response = web.StreamResponse(headers=reply.headers | {"Content-Type": "text/event-stream"})

    async def send(self) -> web.StreamResponse:
        """Send the chunks, then end as the reply says."""
        reply = self._reply
        await self._response.prepare(self._request)
        await self._events(self._words.opening())
        count = len(reply.chunks) if reply.ending == "done" else reply.after
        for at, text in enumerate(reply.chunks[:count]):
            await asyncio.sleep(reply.chunk_delay_s if at else 0)
            await self._event(self._words.piece(text))
        await self._end()
        return self._response

    async def _end(self) -> None:
        match self._reply.ending:
            case "done":
                await self._events(self._words.closing())
            case "no_done":
                pass
            case "cut" if self._request.transport is not None:
                self._request.transport.abort()
            case "stall":
                await asyncio.Event().wait()
            case "malformed":
                await self._event(b'{"choices": [{"delta": {"content": "hal')
            case "error":
                await self._event(self._words.error())

    async def _events(self, told: list[dict[str, object] | bytes]) -> None:
        for one in told:
            await self._event(one)

    async def _event(self, told: dict[str, object] | bytes) -> None:
        data = told if isinstance(told, bytes) else msgspec.json.encode(told)
        kind = told.get("type") if isinstance(told, dict) else None
        name = b"" if kind is None else f"event: {kind}\n".encode()
        whole = name + b"data: " + data + b"\n\n"
        pieces = [whole[at : at + 1] for at in range(len(whole))] if self._reply.drip else [whole]
        for piece in pieces:
            await self._response.write(piece)
            await asyncio.sleep(0)


def _now() -> float:
    return asyncio.get_running_loop().time()
