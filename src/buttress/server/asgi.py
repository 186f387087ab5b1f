"""The routes of a call worker: decode, call, encode. What may be asked and said is decided in `gateway`."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta

from buttress.app.buttress import Buttress
from buttress.gateway.answer import collect
from buttress.kernel.errors import ButtressError
from buttress.server.attending import attended
from buttress.server.bodies import Message, Receive, Send, read_body, send_error, send_json
from buttress.server.errors import MISTAKES, BodyInvalid, MethodNotAllowed, RouteUnknown, as_error
from buttress.server.streaming import stream_events

_log = structlog.get_logger("buttress.server")

FEATURES = "/v1/features/"


_NAME = Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")
Name = Annotated[str, _NAME]
Groups = Annotated[tuple[Name, ...], Meta(max_length=1_000)]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/features/NAME.

    `user`, `tenant` and `groups` are believed: they decide which documents are seen, and until there are keys
    nobody but the caller says who asks. The caller must be a program that knows.
    """

    input: dict[str, object]
    user: Name | None = None
    tenant: Name = "default"
    groups: Groups = ()
    stream: bool = False


class Readiness(msgspec.Struct, frozen=True):
    """What `/readyz` answers: the roles waited for, each with its reason; none is ready.

    `problem` says why the files of the project are not what answers; empty when they are.
    """

    waiting_for: dict[str, str]
    problem: str = ""


class CallServer:
    """The ASGI application of one worker."""

    def __init__(
        self, buttress: Buttress, readiness: Callable[[], Readiness], draining: asyncio.Event
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
        found = self._readiness()
        status = "waiting" if found.waiting_for else "ready"
        body = {"status": status, "waiting_for": found.waiting_for, "problem": found.problem}
        await send_json(send, body, 503 if found.waiting_for else 200)

    async def _ask(self, scope: Message, receive: Receive, send: Send) -> None:
        feature = str(scope["path"]).removeprefix(FEATURES)
        limits = self._buttress.settings.server
        body = await read_body(scope, receive, limits.max_body_bytes, limits.body_timeout_s)
        question = _question(body)
        events = self._buttress.stream(
            feature, question.input, user=question.user, tenant=question.tenant, groups=question.groups
        )
        if question.stream:
            await stream_events(events, receive, send, self._draining)
        else:
            ended = await attended(collect(events), receive, self._draining)
            await send_json(send, ended.answer)


def _require(scope: Message, *methods: str) -> None:
    if scope["method"] not in methods:
        raise MethodNotAllowed(str(scope["path"]), str(scope["method"]), methods)


def _question(body: bytes) -> Question:
    try:
        return msgspec.json.decode(body, type=Question)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyInvalid(str(error)) from error
    except RecursionError as error:
        raise BodyInvalid("nested too deeply") from error
