"""The routes of a call worker: a path leads to a door. What may be asked and said is decided in `gateway`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog

from buttress.app.buttress import Buttress
from buttress.kernel.errors import ButtressError
from buttress.server.bodies import Message, Receive, Send, read_body, send_bytes, send_error, send_json
from buttress.server.doors.chat import answer_chat, list_models, send_chat_error
from buttress.server.doors.embeddings import answer_embeddings
from buttress.server.doors.features import FEATURES, answer_feature, read_question
from buttress.server.errors import MISTAKES, MethodNotAllowed, RouteUnknown, as_error
from buttress.server.metrics import CONTENT_TYPE, WorkerMetrics
from buttress.server.openapi import openapi
from buttress.server.page.door import PageDoor

_log = structlog.get_logger("buttress.server")


class Readiness(msgspec.Struct, frozen=True):
    """What `/readyz` answers: the roles waited for, each with its reason; none is ready.

    `problem` says why the files of the project are not what answers, or what else is wrong; mostly empty.
    """

    waiting_for: dict[str, str]
    problem: str = ""


class Request(msgspec.Struct, frozen=True):
    """A request under way."""

    scope: Message
    receive: Receive
    send: Send


Handler = Callable[[Request], Awaitable[None]]


class CallServer:
    """The ASGI application of one worker."""

    def __init__(
        self,
        buttress: Buttress,
        readiness: Callable[[], Readiness],
        draining: asyncio.Event,
        metrics: WorkerMetrics,
    ) -> None:
        self._buttress = buttress
        self._page = PageDoor(buttress)
        self._readiness = readiness
        self._draining = draining
        self._metrics = metrics
        buttress.listen(metrics.observe)
        self._routes: Mapping[str, tuple[tuple[str, ...], Handler]] = {
            "/healthz": (("GET", "HEAD"), self._say_alive),
            "/readyz": (("GET", "HEAD"), self._say_ready),
            "/metrics": (("GET", "HEAD"), self._say_metrics),
            "/api/openapi.json": (("GET", "HEAD"), self._say_openapi),
            "/v1/models": (("GET",), self._models),
            "/v1/chat/completions": (("POST",), self._chat),
            "/v1/embeddings": (("POST",), self._embed),
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            await self._route(Request(scope, receive, send))
        except ConnectionResetError:
            _log.info("request.abandoned", path=scope["path"])
        except ButtressError as error:
            _log.info("request.refused", path=scope["path"], code=error.code)
            await send_error(send, error)
        except MISTAKES as error:
            await send_error(send, as_error(error))

    async def _route(self, request: Request) -> None:
        path = str(request.scope["path"])
        if path in self._routes:
            methods, handle = self._routes[path]
            _require(request.scope, *methods)
            await handle(request)
        elif path.startswith(FEATURES):
            _require(request.scope, "POST")
            await self._ask(request)
        elif PageDoor.serves(path):
            await self._page.answer(request.scope, request.send)
        else:
            raise RouteUnknown(f"nothing is served at {path[:200]}")

    async def _say_alive(self, request: Request) -> None:
        await send_json(request.send, {"status": "ok"})

    async def _say_ready(self, request: Request) -> None:
        found = self._readiness()
        status = "waiting" if found.waiting_for else "ready"
        body = {"status": status, "waiting_for": found.waiting_for, "problem": found.problem}
        await send_json(request.send, body, 503 if found.waiting_for else 200)

    async def _say_metrics(self, request: Request) -> None:
        await send_bytes(request.send, self._metrics.scrape(), CONTENT_TYPE)

    async def _say_openapi(self, request: Request) -> None:
        await send_json(request.send, openapi(self._buttress.releases))

    async def _models(self, request: Request) -> None:
        await list_models(self._buttress, request.send)

    async def _chat(self, request: Request) -> None:
        """Answer in a shape that clients of OpenAI read, errors too."""
        with self._metrics.running():
            try:
                body = await self._body(request)
                await answer_chat(body, self._buttress, request.receive, request.send, self._draining)
            except ButtressError as error:
                await self._refuse_chat(error, request)

    async def _embed(self, request: Request) -> None:
        try:
            await answer_embeddings(await self._body(request), self._buttress, request.send)
        except ButtressError as error:
            await self._refuse_chat(error, request)

    async def _refuse_chat(self, error: ButtressError, request: Request) -> None:
        _log.info("request.refused", path=request.scope["path"], code=error.code)
        await send_chat_error(request.send, error)

    async def _ask(self, request: Request) -> None:
        feature = str(request.scope["path"]).removeprefix(FEATURES)
        question = read_question(await self._body(request))
        with self._metrics.running():
            await answer_feature(
                feature, question, self._buttress, request.receive, request.send, self._draining
            )

    async def _body(self, request: Request) -> bytes:
        limits = self._buttress.settings.server
        return await read_body(request.scope, request.receive, limits.max_body_bytes, limits.body_timeout_s)


def _require(scope: Message, *methods: str) -> None:
    if scope["method"] not in methods:
        raise MethodNotAllowed(str(scope["path"]), str(scope["method"]), methods)
