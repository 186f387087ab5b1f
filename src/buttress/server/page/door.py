"""The routes of the demo page. Who looks at it is the tenant `default`, in no group."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from buttress.app.buttress import Buttress
from buttress.console.demo import POLICY, assets, render_page, type_of
from buttress.console.drills import kill_local_model
from buttress.console.excerpts import shown, window
from buttress.kernel.ids import DocumentId
from buttress.kernel.scope import Scope
from buttress.server.bodies import Message, Send, send_json
from buttress.server.errors import MethodNotAllowed, RouteUnknown
from buttress.server.page.errors import CrossSite, DocumentUnknown, DrillsOff, NothingToKill, QueryInvalid

PAGE = "/"
ASSETS = "/assets/"
DOCUMENTS = "/api/documents/"
KILL = "/api/drills/kill-model"

ASKER = Scope("default")
"""Whom the page asks for: nobody in particular."""

_ALWAYS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_MAX_CHARACTERS = 1 << 30
_Character = Annotated[int, Meta(ge=0, le=_MAX_CHARACTERS)]


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of GET /api/documents/ID: characters `start` to `end` of a document of `knowledge`."""

    knowledge: Annotated[str, Meta(min_length=1, max_length=200)]
    start: _Character
    end: _Character


class Killed(msgspec.Struct, frozen=True):
    """What POST /api/drills/kill-model answers: the process that was killed."""

    pid: int


class PageDoor:
    """Answers what the demo page asks for, apart from the questions themselves."""

    def __init__(self, buttress: Buttress) -> None:
        self._buttress = buttress

    @staticmethod
    def serves(path: str) -> bool:
        """Say whether `path` is one of the page's."""
        return path in (PAGE, KILL) or path.startswith((ASSETS, DOCUMENTS))

    async def answer(self, scope: Message, send: Send) -> None:
        """Answer a request for one of the page's paths.

        Raises:
            ButtressError: one of `server.page.errors`, or the database is away.
        """
        path, method = str(scope["path"]), str(scope["method"])
        is_drill = path == KILL
        allowed = ("POST",) if is_drill else ("GET", "HEAD")
        if is_drill and not self._buttress.settings.server.drills:
            raise RouteUnknown(f"nothing is served at {path}")
        if method not in allowed:
            raise MethodNotAllowed(path, method, allowed)
        if is_drill:
            await self._kill(scope, send)
        elif path == PAGE:
            await self._page(send)
        elif path.startswith(ASSETS):
            await _asset(path.removeprefix(ASSETS), send, is_versioned=bool(scope["query_string"]))
        else:
            await self._document(DocumentId(path.removeprefix(DOCUMENTS)), scope, send)

    async def _page(self, send: Send) -> None:
        drills = self._buttress.settings.server.drills
        html = render_page(self._buttress.releases, drills=drills)
        await _send_file(send, html.encode(), "text/html; charset=utf-8", b"no-store")

    async def _document(self, document: DocumentId, scope: Message, send: Send) -> None:
        place = _place(scope)
        start, end = min(place.start, place.end), place.end
        found = await self._buttress.excerpt(place.knowledge, document, ASKER, window(start, end))
        if found is None:
            raise DocumentUnknown("there is no such document here, or nobody in particular may not read it")
        await send_json(send, shown(found, start, end))

    async def _kill(self, scope: Message, send: Send) -> None:
        _require_own(scope)
        pid = kill_local_model(self._buttress.project)
        if pid is None:
            raise NothingToKill("no process of a local model runs just now")
        await send_json(send, Killed(pid))


def require_drills(buttress: Buttress) -> None:
    """Go on where the project lets its visitors break things.

    Raises:
        DrillsOff: it does not.
    """
    if not buttress.settings.server.drills:
        raise DrillsOff("this server does not break things on request")


async def _asset(name: str, send: Send, *, is_versioned: bool) -> None:
    """Send a file of the page; what is asked for without its version, as modules do, must not grow old."""
    if name not in assets():
        raise RouteUnknown(f"nothing is served at {ASSETS}{name[:200]}")
    await _send_file(
        send, assets()[name], type_of(name), b"public, max-age=3600" if is_versioned else b"no-cache"
    )


async def _send_file(send: Send, body: bytes, kind: str, caching: bytes) -> None:
    headers: Sequence[tuple[bytes, bytes]] = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", caching),
        *_ALWAYS,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _place(scope: Message) -> Place:
    query = scope["query_string"]
    assert isinstance(query, bytes)  # noqa: S101 - ASGI says so; for the type checker
    try:
        pairs = dict(parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=10))
        return msgspec.convert(pairs, Place, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise QueryInvalid(str(error)) from error


def _require_own(scope: Message) -> None:
    """Go on unless a page of another site sent it: browsers send JSON elsewhere only after asking.

    Raises:
        CrossSite: it may be one.
    """
    headers = scope["headers"]
    assert isinstance(headers, list)  # noqa: S101 - ASGI says so; for the type checker
    found = dict(headers)
    is_json = found.get(b"content-type", b"").partition(b";")[0].strip() == b"application/json"
    if not is_json or found.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        raise CrossSite("this request may come from another web site")
