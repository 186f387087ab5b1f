"""The routes of a call worker: a path leads to a door. What may be asked and said is decided in `gateway`."""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec
import structlog

from buttress.access.idempotency import key_of
from buttress.access.limiter import Limiter
from buttress.access.scopes import require_role, require_whole
from buttress.app.buttress import Buttress
from buttress.app.keyring import Keyring
from buttress.kernel.errors import ButtressError
from buttress.kernel.principal import ANYBODY
from buttress.server.attending import Attention
from buttress.server.bells import Bell
from buttress.server.bodies import (
    Message,
    Receive,
    Send,
    error_body,
    read_body,
    send_bytes,
    send_error,
    send_json,
)
from buttress.server.connections import GONE
from buttress.server.doors.alerts import ALERTS, answer_alerts
from buttress.server.doors.asking import answer_request
from buttress.server.doors.clients import CHAT, MESSAGES, RESPONSES, Client
from buttress.server.doors.embeddings import answer_embeddings
from buttress.server.doors.features import FEATURES, answer_feature, read_question
from buttress.server.doors.keys import KEYS, answer_keys
from buttress.server.doors.listing import MODELS, list_models, show_model
from buttress.server.doors.money import BUDGETS, SPEND, answer_budgets, answer_spend
from buttress.server.doors.rerank import RERANK_PATHS, answer_rerank
from buttress.server.doors.rerank_wire import rerank_error
from buttress.server.errors import MISTAKES, RouteUnknown, WorkerBusy, as_error
from buttress.server.gate import Gate, keyring_of
from buttress.server.hosts import require_asked, require_host
from buttress.server.limiting import LimitedCall, hear
from buttress.server.metrics import CONTENT_TYPE, WorkerMetrics
from buttress.server.once import Once, answer_once
from buttress.server.openapi import openapi
from buttress.server.page.door import (
    ASSETS,
    DOCUMENT_PAGES,
    DOCUMENTS,
    KILL,
    PAGE,
    PageDoor,
    features_for,
)
from buttress.server.request import Handler, Request

_log = structlog.get_logger("buttress.server")


class Readiness(msgspec.Struct, frozen=True):
    """What `/readyz` answers: the roles waited for, each with its reason; none is ready.

    `problem` says why the files of the project are not what answers, or what else is wrong; mostly empty.
    """

    waiting_for: dict[str, str]
    problem: str = ""


class Route(msgspec.Struct, frozen=True):
    """What answers, and the body of an error there; no `methods` where that is for `handle` to know.

    Where it `is_open` nobody needs a key.
    """

    methods: tuple[str, ...]
    handle: Handler
    error: Callable[[ButtressError], bytes] = error_body
    is_open: bool = False


_READ = ("GET", "HEAD")
_ASKED = ("POST",)
"""Of routes that may cost something: with an `Idempotency-Key` they answer once."""


class CallServer:
    """The ASGI application of one worker."""

    def __init__(
        self,
        buttress: Buttress,
        readiness: Callable[[], Readiness],
        draining: Bell,
        metrics: WorkerMetrics,
        keyring: Keyring | None = None,
        limiter: Limiter | None = None,
    ) -> None:
        self._buttress = buttress
        self._page = PageDoor(buttress)
        self._keys = keyring or keyring_of(buttress)
        self._gate = Gate(self._keys.ring, buttress.clock, buttress.settings.server)
        self._readiness = readiness
        self._draining = draining
        self._metrics = metrics
        self._requests = 0
        self._max_requests = buttress.settings.server.max_requests
        self._limiter = limiter
        buttress.listen(metrics.observe)
        buttress.listen(hear)
        self._routes: Mapping[str, Route] = {
            "/healthz": Route(_READ, self._say_alive, is_open=True),
            "/readyz": Route(_READ, self._say_ready, is_open=True),
            "/metrics": Route(_READ, self._say_metrics),
            "/api/openapi.json": Route(_READ, self._say_openapi),
            ALERTS: Route(_READ, self._show_alerts),
            BUDGETS: Route(_READ, partial(answer_budgets, buttress)),
            SPEND: Route(_READ, partial(answer_spend, buttress)),
            "/v1/models": Route(_READ, self._models, CHAT.error),
            "/v1/chat/completions": self._asking(CHAT),
            "/v1/responses": self._asking(RESPONSES),
            "/v1/messages": self._asking(MESSAGES),
            "/v1/embeddings": Route(("POST",), self._embed, CHAT.error),
            **dict.fromkeys(RERANK_PATHS, Route(("POST",), self._rerank, rerank_error)),
            **dict.fromkeys((PAGE, KILL), Route((), self._page.answer)),
            KEYS: Route(("GET", "POST"), self._hold_keys),
        }
        self._families: Mapping[str, Route] = {
            FEATURES: Route(("POST",), self._ask),
            MODELS: Route(_READ, self._model, CHAT.error),
            ASSETS: Route((), self._page.answer, is_open=True),
            DOCUMENTS: Route((), self._page.answer),
            DOCUMENT_PAGES: Route((), self._page.answer),
            f"{KEYS}/": Route(("GET", "POST"), self._hold_keys),
        }

    @property
    def paths(self) -> list[str]:
        """The paths that are answered; one that ends in a star stands for all that begin so."""
        return [*self._routes, *(f"{family}*" for family in self._families)]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; an error in the shape that clients of its route read."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive, send, self._attention(scope))
        route = self._route_of(request.path)
        self._requests += 1
        try:
            await _in_words(route, request, partial(self._admit, route))
        finally:
            self._requests -= 1

    async def _admit(self, route: Route, request: Request) -> None:
        self._require_host(request)
        require_asked(request.headers, request.method)
        if not route.is_open:
            who = self._gate.principal_of(request.headers)
            request = request if who is ANYBODY else msgspec.structs.replace(request, principal=who)
        if route.methods:
            request.require(*route.methods)
        self._require_room(route)
        if route.methods != _ASKED or (key := key_of(request.headers)) is None:
            await route.handle(request)
            return
        body, answer = await self._body(request), partial(_in_words, route, handle=route.handle)
        await answer_once(Once(request, key, body), answer, self._buttress.claims)

    def _attention(self, scope: Message) -> Attention:
        state = scope["state"]
        assert isinstance(state, dict)  # noqa: S101 - ASGI says so; for the type checker
        return Attention(state[GONE], self._draining)

    def _route_of(self, path: str) -> Route:
        if path in self._routes:
            return self._routes[path]
        family = next((one for one in self._families if path.startswith(one)), None)
        return self._families[family] if family else Route((), _nothing)

    def _require_host(self, request: Request) -> None:
        server = request.scope["server"]
        assert isinstance(server, tuple)  # noqa: S101 - ASGI says so, of a server that listens on a port
        allowed = self._buttress.settings.server.allowed_hosts
        require_host(request.headers, str(request.scope["http_version"]), str(server[0]), allowed)

    def _require_room(self, route: Route) -> None:
        """Go on where another request fits into memory; how the worker is doing can always be asked."""
        if self._requests > self._max_requests and route.methods != _READ:
            raise WorkerBusy(
                f"this worker has {self._max_requests:,} requests under way", data={"retry_after_s": 1}
            )

    async def _say_alive(self, request: Request) -> None:
        await send_json(request.send, {"status": "ok"})

    async def _say_ready(self, request: Request) -> None:
        found = self._readiness()
        status = "waiting" if found.waiting_for else "ready"
        body = {"status": status, "waiting_for": found.waiting_for, "problem": found.problem}
        await send_json(request.send, body, 503 if found.waiting_for else 200)

    async def _say_metrics(self, request: Request) -> None:
        require_whole(request.principal)
        await send_bytes(request.send, self._metrics.scrape(), CONTENT_TYPE)

    async def _say_openapi(self, request: Request) -> None:
        await send_json(request.send, openapi(features_for(request.principal, self._buttress.releases)))

    async def _models(self, request: Request) -> None:
        await list_models(self._buttress, request.send, request.principal)

    async def _model(self, request: Request) -> None:
        name = request.path.removeprefix(MODELS)
        await show_model(name, self._buttress, request.send, request.principal)

    def _asking(self, client: Client) -> Route:
        async def answer(request: Request) -> None:
            body = await self._body(request)
            with self._metrics.running, LimitedCall(self._limiter, request) as limited:
                await answer_request(body, client, self._buttress, limited)

        return Route(("POST",), answer, client.error)

    async def _embed(self, request: Request) -> None:
        body = await self._body(request)
        with self._metrics.running, LimitedCall(self._limiter, request) as limited:
            await answer_embeddings(body, self._buttress, limited)

    async def _rerank(self, request: Request) -> None:
        body = await self._body(request)
        with self._metrics.running, LimitedCall(self._limiter, request) as limited:
            await answer_rerank(body, self._buttress, limited)

    async def _ask(self, request: Request) -> None:
        feature = request.path.removeprefix(FEATURES)
        question = read_question(await self._body(request))
        with self._metrics.running, LimitedCall(self._limiter, request) as limited:
            await answer_feature(feature, question, self._buttress, limited)

    async def _show_alerts(self, request: Request) -> None:
        await answer_alerts(self._buttress.database, request)

    async def _hold_keys(self, request: Request) -> None:
        require_role(request.principal, "admin")
        body = await self._body(request) if request.method == "POST" else b""
        await answer_keys(body, self._keys, self._buttress.clock, request)

    async def _body(self, request: Request) -> bytes:
        limits = self._buttress.settings.server
        return await read_body(request.scope, request.receive, limits.max_body_bytes, limits.body_timeout_s)


async def _in_words(route: Route, request: Request, handle: Handler) -> None:
    """Have `handle` answer; an error in the shape that clients of its route read."""
    try:
        await handle(request)
    except ConnectionResetError:
        _log.info("request.abandoned", path=request.path)
    except ButtressError as error:
        _log.info("request.refused", path=request.path, code=error.code)
        await send_error(request.send, error, route.error)
    except MISTAKES as error:
        await send_error(request.send, as_error(error), route.error)


async def _nothing(request: Request) -> None:
    raise RouteUnknown(request.path)
