"""The routes of the demo page. Who looks at it sees what their key may see; without one, tenant `default`."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.access.scopes import may_ask_feature, require_role, scope_of
from buttress.app.buttress import Buttress
from buttress.console.demo import POLICY, assets, render_page, type_of
from buttress.console.document import render_document
from buttress.console.drills import budget_to_spend, kill_local_model
from buttress.console.excerpts import ShownExcerpt, shown, window
from buttress.kernel.ids import DocumentId
from buttress.kernel.principal import Principal
from buttress.releases.types import Release
from buttress.server.bodies import Send, send_json
from buttress.server.decoding import queried
from buttress.server.errors import RouteUnknown
from buttress.server.page.errors import CrossSite, DocumentUnknown, DrillsOff, NothingToKill
from buttress.server.request import Request

PAGE = "/"
ASSETS = "/assets/"
DOCUMENTS = "/api/documents/"
DOCUMENT_PAGES = "/documents/"
KILL = "/api/drills/kill-model"

_ALWAYS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_PLACE = "Send ?start=N&end=M: the place of a citation, in characters."
_HTML = "text/html; charset=utf-8"
_MAX_CHARACTERS = 1 << 30
_Character = Annotated[int, Meta(ge=0, le=_MAX_CHARACTERS)]


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of GET /documents/ID and /api/documents/ID: characters `start` to `end`.

    They begin on `page`, which who made the link knew. Without the name of a knowledge base all are looked
    into that the key is for.
    """

    start: _Character
    end: _Character
    knowledge: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    page: Annotated[int, Meta(ge=1, le=_MAX_CHARACTERS)] | None = None


class Killed(msgspec.Struct, frozen=True):
    """What POST /api/drills/kill-model answers: the process that was killed."""

    pid: int


class PageDoor:
    """Answers what the demo page asks for, apart from the questions themselves."""

    def __init__(self, buttress: Buttress) -> None:
        self._buttress = buttress

    async def answer(self, request: Request) -> None:
        """Answer a request for one of the page's paths.

        Raises:
            NotAllowed: the key is not for that.
            ButtressError: one of `server.page.errors`, or the database is away.
        """
        path, send = request.path, request.send
        is_drill = path == KILL
        if is_drill and not self._buttress.settings.server.drills:
            raise RouteUnknown(path)
        request.require(*(("POST",) if is_drill else ("GET", "HEAD")))
        if is_drill:
            require_role(request.principal, "developer")
            await self._kill(request)
        elif path == PAGE:
            await self._page(send, request.principal)
        elif path.startswith(ASSETS):
            await _asset(path.removeprefix(ASSETS), send, is_versioned=bool(request.query))
        elif path.startswith(DOCUMENT_PAGES):
            found, knowledge = await self._document(DocumentId(path.removeprefix(DOCUMENT_PAGES)), request)
            html = render_document(found, knowledge)
            await _send_file(send, html.encode(), _HTML, b"no-store")
        else:
            found, _ = await self._document(DocumentId(path.removeprefix(DOCUMENTS)), request)
            await send_json(send, found)

    async def _page(self, send: Send, who: Principal) -> None:
        drills = self._buttress.settings.server.drills
        budget = budget_to_spend(self._buttress.budgets) if drills else ""
        html = render_page(features_for(who, self._buttress.releases), drills=drills, budget=budget)
        await _send_file(send, html.encode(), _HTML, b"no-store")

    async def _document(self, document: DocumentId, request: Request) -> tuple[ShownExcerpt, str]:
        """Return what is shown of a document, and the knowledge base that it is of."""
        place, who = queried(request.query, Place, hint=_PLACE), request.principal
        start, end = min(place.start, place.end), place.end
        for knowledge in self._open_to(who, place.knowledge):
            found = await self._buttress.excerpt(knowledge, document, scope_of(who), window(start, end))
            if found:
                return shown(found, start, end, place.page), knowledge
        raise DocumentUnknown("there is no such document here, or who asks may not read it")

    def _open_to(self, who: Principal, named: str | None) -> list[str]:
        """Return the knowledge bases that `who` may read, or the one that is `named`, if it is among them."""
        known = self._buttress.knowledge
        if who.features is not None:
            known = sorted(knowledge_of(features_for(who, self._buttress.releases)))
        return [one for one in known if named in (None, one)]

    async def _kill(self, request: Request) -> None:
        _require_own(request)
        pid = kill_local_model(self._buttress.project)
        if pid is None:
            raise NothingToKill("no process of a local model runs just now")
        await send_json(request.send, Killed(pid))


def features_for(who: Principal, releases: Mapping[str, Release]) -> dict[str, Release]:
    """Return those of the features that `who` may ask."""
    return {name: release for name, release in releases.items() if may_ask_feature(who, name)}


def knowledge_of(releases: Mapping[str, Release]) -> set[str]:
    """Return the knowledge bases that features look into."""
    return {release.knowledge for release in releases.values() if release.knowledge}


def require_drills(buttress: Buttress, who: Principal) -> None:
    """Go on where the project lets `who` break things.

    Raises:
        DrillsOff: it lets nobody.
        NotAllowed: it needs another role.
    """
    require_role(who, "developer")
    if not buttress.settings.server.drills:
        raise DrillsOff("this server does not break things on request")


async def _asset(name: str, send: Send, *, is_versioned: bool) -> None:
    """Send a file of the page; what is asked for without its version, as modules do, must not grow old."""
    if name not in assets():
        raise RouteUnknown(f"{ASSETS}{name}")
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


def _require_own(request: Request) -> None:
    """Go on unless a page of another site sent it: browsers send JSON elsewhere only after asking.

    Raises:
        CrossSite: it may be one.
    """
    found = dict(request.headers)
    is_json = found.get(b"content-type", b"").partition(b";")[0].strip() == b"application/json"
    if not is_json or found.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        raise CrossSite("this request may come from another web site")
