"""A scripted upstream: OpenAI's chat completions over real HTTP, doing exactly what its script says.

    async with ScriptedUpstream([Reply(chunks=("Hel", "lo"))]) as upstream:
        ...ask upstream.url...

Every request takes the next reply of the script, the last one again and again; or the script is a function
of the request. What came in is kept in `upstream.received`, with the moment the client went away, if it
did; `upstream.running` counts the answers that are under way.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal, Self

import msgspec
from aiohttp import web

Ending = Literal["done", "no_done", "cut", "stall", "malformed", "error"]
"""How a stream ends: `done` as it should; `no_done` closes without `[DONE]`; `cut` breaks the connection;
`stall` sends nothing more; `malformed` sends what is no JSON; `error` sends an error object."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer one request with.

    `after` is how many chunks come before an ending other than `done`; None is all. `usage` None leaves the
    usage out. `drip` sends every byte by itself. `message` is that of the error when `status` is not 200.
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
    message: str = "scripted"
    code: str | None = None


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
        messages = self.body.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else {}
        return str(last.get("content", "")) if isinstance(last, dict) else ""


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
        app.router.add_post("/v1/chat/completions", self._handle)
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

    async def _handle(self, request: web.Request) -> web.StreamResponse:
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
            return await self._answer(request, received, self._reply(received))
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

    async def _answer(self, request: web.Request, received: Received, reply: Reply) -> web.StreamResponse:
        await asyncio.sleep(reply.first_delay_s)
        if reply.status != 200:
            return _refusal(reply)
        model = str(received.body.get("model", ""))
        if not received.body.get("stream"):
            return web.json_response(_whole(reply, model))
        return await _Stream(request, reply, model).send()


class _Stream:
    """One streamed answer on its way out."""

    def __init__(self, request: web.Request, reply: Reply, model: str) -> None:
        self._request = request
        self._reply = reply
        self._model = model
        self._response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})

    async def send(self) -> web.StreamResponse:
        """Send the chunks, then end as the reply says."""
        reply = self._reply
        await self._response.prepare(self._request)
        await self._chunk({"role": "assistant", "content": ""})
        count = len(reply.chunks) if reply.ending == "done" else reply.after
        for at, text in enumerate(reply.chunks[:count]):
            await asyncio.sleep(reply.chunk_delay_s if at else 0)
            await self._chunk({"content": text})
        await self._end()
        return self._response

    async def _end(self) -> None:
        match self._reply.ending:
            case "done":
                await self._finish()
            case "no_done":
                pass
            case "cut":
                if self._request.transport is not None:
                    self._request.transport.abort()
            case "stall":
                await asyncio.Event().wait()
            case "malformed":
                await self._data(b'{"choices": [{"delta": {"content": "hal')
            case "error":
                await self._data(msgspec.json.encode({"error": _error(self._reply)}))

    async def _finish(self) -> None:
        await self._chunk({}, finish_reason=self._reply.finish_reason)
        if self._reply.usage is not None:
            await self._data(
                msgspec.json.encode(_envelope(self._model) | {"choices": [], "usage": self._reply.usage})
            )
        await self._data(b"[DONE]")

    async def _chunk(self, delta: dict[str, str], *, finish_reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        await self._data(msgspec.json.encode(_envelope(self._model) | {"choices": [choice], "usage": None}))

    async def _data(self, data: bytes) -> None:
        line = b"data: " + data + b"\n\n"
        pieces = [line[at : at + 1] for at in range(len(line))] if self._reply.drip else [line]
        for piece in pieces:
            await self._response.write(piece)
            await asyncio.sleep(0)


def _envelope(model: str) -> dict[str, object]:
    return {"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 0, "model": model}


def _whole(reply: Reply, model: str) -> dict[str, object]:
    message = {"role": "assistant", "content": "".join(reply.chunks)}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    usage = {} if reply.usage is None else {"usage": reply.usage}
    return _envelope(model) | {"object": "chat.completion", "choices": [choice]} | usage


def _refusal(reply: Reply) -> web.Response:
    headers = {} if reply.retry_after is None else {"Retry-After": reply.retry_after}
    return web.json_response({"error": _error(reply)}, status=reply.status, headers=headers)


def _error(reply: Reply) -> dict[str, str | None]:
    return {"message": reply.message, "type": "scripted_error", "param": None, "code": reply.code}


def _now() -> float:
    return asyncio.get_running_loop().time()
