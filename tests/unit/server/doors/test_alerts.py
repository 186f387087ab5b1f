"""`/api/alerts`: for admins, newest first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from buttress.access.errors import NotAllowed
from buttress.access.types import ROLES
from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.kernel.principal import Principal
from buttress.server.attending import Attention
from buttress.server.bells import Bell
from buttress.server.bodies import Message
from buttress.server.doors.alerts import answer_alerts
from buttress.server.request import Request
from buttress.settings.loading import load_settings
from buttress.storage.database import Database
from buttress.watch.store import AlertStore
from tests.unit.server.serving import serving
from tests.unit.watch.alerting import alert, raise_them

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.slow  # a server, and a database of its own
async def test_the_newest_alerts_are_answered(project: Path) -> None:
    async with project_database(load_settings(project), SystemClock()) as database:
        store = AlertStore(database)
        await raise_them(store, alert("first"), now=NOON)
        await raise_them(store, alert("second"), webhooks=("ops",), now=NOON + timedelta(hours=1))
    async with serving(project) as server:
        async with server.session.get(f"{server.url}/api/alerts") as response:
            said = await response.json()
        assert (response.status, response.headers["cache-control"]) == (200, "no-store")
        assert [one["alert"]["subject"] for one in said["alerts"]] == ["second", "first"]
        assert [one["webhook"] for one in said["alerts"][0]["deliveries"]] == ["ops"]
        async with server.session.post(f"{server.url}/api/alerts") as response:
            assert response.status == 405


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
async def test_others_learn_nothing(role: str) -> None:
    async def nothing() -> Message:
        raise AssertionError("nothing is read")

    async def nowhere(message: Message) -> None:
        raise AssertionError("nothing is answered")

    async def unopened() -> Database:
        raise AssertionError("nothing is looked up")

    request = Request({}, nothing, nowhere, Attention(Bell(), Bell()), Principal(key="k", role=role))
    with pytest.raises(NotAllowed):
        await answer_alerts(unopened, request)
