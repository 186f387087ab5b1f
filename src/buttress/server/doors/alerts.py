"""`/api/alerts`: the newest alerts, and how far their deliveries are. For admins: they are of all tenants."""

from collections.abc import Awaitable, Callable

import msgspec

from buttress.access.scopes import require_role
from buttress.server.bodies import NOT_KEPT, send_json
from buttress.server.request import Request
from buttress.storage.database import Database
from buttress.watch.store import AlertStore
from buttress.watch.types import Raised

ALERTS = "/api/alerts"

NEWEST = 100
"""So many are answered."""


class Alerts(msgspec.Struct, frozen=True):
    """What GET /api/alerts answers, newest first."""

    alerts: list[Raised]


async def answer_alerts(database: Callable[[], Awaitable[Database]], request: Request) -> None:
    """Answer with the newest alerts.

    Raises:
        NotAllowed: who asks is no admin.
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    require_role(request.principal, "admin")
    found = await AlertStore(await database()).latest(NEWEST)
    await send_json(request.send, Alerts(found), extra=NOT_KEPT)
