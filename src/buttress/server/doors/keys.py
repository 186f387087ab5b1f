"""`/api/keys`: keys are listed, made, rotated and revoked. For admins; a key's text is in one answer only."""

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.access.issuing import MAX_GRACE_S, Issued, Shown, Wanted, issue, revoke, rotate, shown
from buttress.app.keyring import Keyring
from buttress.kernel.clock import Clock
from buttress.server.bodies import NOT_KEPT, send_json
from buttress.server.decoding import parsed
from buttress.server.errors import RouteUnknown
from buttress.server.request import Request

KEYS = "/api/keys"


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/keys/ID/rotate: how long the secret before it stays good, in seconds."""

    grace_s: Annotated[int, Meta(ge=0, le=MAX_GRACE_S)] = 86_400


class Listed(msgspec.Struct, frozen=True):
    """What GET /api/keys answers."""

    keys: list[Shown]


async def answer_keys(body: bytes, keyring: Keyring, clock: Clock, request: Request) -> None:
    """Answer a request below /api/keys; nothing waits for a model here, but for the database.

    Raises:
        RouteUnknown, MethodNotAllowed: there is no such thing to do.
        BodyInvalid, TermsInvalid, NoSuchKey, KeyOver: it cannot be done.
        StorageUnavailable: the database is away; nothing was done.
    """
    _, _, rest = request.path.removeprefix(KEYS).partition("/")
    key_id, _, deed = rest.partition("/")
    if deed:
        await _do(deed, key_id, body, _At(keyring, clock, request))
    elif key_id:
        request.require("GET")
        found = await (await keyring.store()).get(key_id)
        await send_json(request.send, shown(found, clock.now()), extra=NOT_KEPT)
    elif request.method == "POST":
        await _make(body, _At(keyring, clock, request))
    else:
        keys = [shown(key, clock.now()) for key in await (await keyring.store()).all()]
        await send_json(request.send, Listed(keys), extra=NOT_KEPT)


class _At(msgspec.Struct, frozen=True):
    keyring: Keyring
    clock: Clock
    request: Request

    async def tell(self, issued: Issued, status: int) -> None:
        said = shown(issued.key, self.clock.now(), issued.text)
        await send_json(self.request.send, said, status, NOT_KEPT)


async def _make(body: bytes, at: _At) -> None:
    wanted, store = parsed(body, Wanted), await at.keyring.store()
    await at.tell(await issue(store, wanted, at.keyring.made_secret(), at.clock.now()), 201)


async def _do(deed: str, key_id: str, body: bytes, at: _At) -> None:
    at.request.require("POST")
    now = at.clock.now()
    if deed == "rotate":
        grace, store = timedelta(seconds=parsed(body or b"{}", Rotation).grace_s), await at.keyring.store()
        await at.tell(await rotate(store, key_id, grace, at.keyring.made_secret(), now), 200)
    elif deed == "revoke":
        over = await revoke(await at.keyring.store(), key_id, now)
        await send_json(at.request.send, shown(over, now), extra=NOT_KEPT)
    else:
        raise RouteUnknown(at.request.path)
