"""The routes of a call worker: decode, call, encode. What may be asked and said is decided in `gateway`."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.kernel.errors import ButtressError
from buttress.server.attending import attended
from buttress.server.bodies import Message, Receive, Send, read_body, send_error, send_json
from buttress.server.errors import MISTAKES, BodyInvalid, MethodNotAllowed, RouteUnknown, as_error
from buttress.server.streaming import stream_events

_log = structlog.get_logger("buttress.server")

FEATURES = "/v1/features/"


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/features/NAME."""

    input: dict[str, object]
    user: str | None = None
    stream: bool = False


class CallServer:
    """The ASGI application of one worker. `readiness` says what `/readyz` answers; {} is ready."""

    def __init__(
        self, buttress: Buttress, readiness: Callable[[], dict[str, str]], draining: asyncio.Event
    ) -> None:
        self._buttress = buttress
        self._readiness = readiness
        self._draining = draining

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            await self._route(scope, receive, send)
        except ConnectionResetError:
            _log.info("request.abandoned", path=scope["path"])
        except ButtressError as error:
            _log.info("request.refused", path=scope["path"], code=error.code)
            await send_error(send, error)
        except MISTAKES as error:
            await send_error(send, as_error(error))

    async def _route(self, scope: Message, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        if path == "/healthz":
            _require(scope, "GET", "HEAD")
            await send_json(send, {"status": "ok"})
        elif path == "/readyz":
            _require(scope, "GET", "HEAD")
            await self._say_ready(send)
        elif path.startswith(FEATURES):
            _require(scope, "POST")
            await self._ask(scope, receive, send)
        else:
            raise RouteUnknown(f"nothing is served at {path[:200]}")

    async def _say_ready(self, send: Send) -> None:
        waiting = self._readiness()
        status = "waiting" if waiting else "ready"
        await send_json(send, {"status": status, "waiting_for": waiting}, 503 if waiting else 200)

    async def _ask(self, scope: Message, receive: Receive, send: Send) -> None:
        feature = str(scope["path"]).removeprefix(FEATURES)
        body = await read_body(scope, receive, self._buttress.settings.server.max_body_bytes)
        question = _question(body)
        events = self._buttress.stream(feature, question.input, user=question.user)
        if question.stream:
            await stream_events(events, receive, send, self._draining)
        else:
            ended = await attended(collect(events), receive, self._draining)
            await send_json(send, ended.answer)


def _require(scope: Message, *methods: str) -> None:
    if scope["method"] not in methods:
        raise MethodNotAllowed(f"{scope['path']} takes {' or '.join(methods)}, not {scope['method']}")


def _question(body: bytes) -> Question:
    try:
        return msgspec.json.decode(body, type=Question)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyInvalid(str(error)) from error
    except RecursionError as error:
        raise BodyInvalid("nested too deeply") from error
