"""Alerts from the ledger and the traces to a receiver: real PostgreSQL, real HTTP, a killed process."""

import asyncio
import base64
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import pytest

from buttress import verify_webhook
from buttress.app.alerting import Alerting, AlertParts, alerting, try_webhook, webhook_of
from buttress.app.declared import Declared
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.chance import SeededChance
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.outbound.sessions import Sessions
from buttress.releases.types import CostTarget, LatencyBudget
from buttress.settings.errors import SecretMissing
from buttress.settings.tree import Settings
from buttress.spend.budgets import Budget, Spender, accounts_of
from buttress.spend.leases import Holding
from buttress.spend.store import Ledger, Report
from buttress.storage.database import Database
from buttress.storage.embedded import EmbeddedServer
from buttress.storage.errors import StorageUnavailable
from buttress.testing.clock import ManualClock
from buttress.tracing.store import TraceStore
from buttress.watch.errors import SecretUnusable, WebhookUnknown
from buttress.watch.settings import WatchSettings
from buttress.watch.store import CLAIM_S
from buttress.watch.types import Raised, Route
from tests.unit.outbound.sites import OK, Visit, saying, settings, site
from tests.unit.releases.releasing import a_release
from tests.unit.tracing.test_figures import a_call
from tests.unit.watch.alerting import NOON, name
from tests.waiting import until

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class World:
    """A project's declarations, and what was raised of them; its clock is turned by hand."""

    def __init__(self, database: Database, folder: Path) -> None:
        (folder / "secret").write_text(SECRET + "\n")
        self.clock = ManualClock(NOON)
        self.raised: list[Raised] = []
        self.declared = Declared(fingerprint="", catalogue=Catalogue({}, {}), knowledge={}, releases={})
        self._database = database
        self.away = 0
        self.parts = AlertParts(
            project=folder,
            settings=Settings(watch=WatchSettings(look_every_s=0.01)),
            declared=lambda: self.declared,
            database=self._opened,
            clock=self.clock,
            chance=SeededChance(),
            hear=self.raised.append,
        )

    async def _opened(self) -> Database:
        if self.away:
            self.away -= 1
            raise StorageUnavailable("the database is away")
        return self._database

    def declare(self, **changes: object) -> None:
        """Change what the project's files say."""
        self.declared = msgspec.structs.replace(self.declared, **changes)

    def budget(self, **changes: object) -> Budget:
        """Declare a budget of its own, of 1,000 nano-dollars a day for each user, and return it."""
        plain = Budget(name=name(), limit=NanoDollars(1_000), window="day", per=("tenant", "user"))
        found = msgspec.structs.replace(plain, **changes)
        self.declare(budgets=(found,))
        return found

    def tell(self, url: str, **changes: object) -> Route:
        """Declare the webhook that is told, alone."""
        route = Route(name=name(), url=url, secrets=("file:secret",))
        self.declare(webhooks=(msgspec.structs.replace(route, **changes),))
        return route

    async def use(self, budget: Budget, amount: int, user: str = "anna", tenant: str = "acme") -> None:
        """Have a worker say that it spent `amount` for `user`."""
        spender = Spender(Payer(tenant=tenant, feature="support", user=user), "small")
        (due,) = accounts_of([budget], spender, self.clock.now())
        holding = Holding(granted=NanoDollars(amount), used=NanoDollars(amount))
        report = Report(lease=name(), worker="calls-1", account=due.key, holding=holding)
        await Ledger(self._database).tell([report])

    async def look(self) -> list[str]:
        """Look once, deliver what is due, and return the marks of what was raised by it."""
        self.raised.clear()
        async with Sessions(settings()) as sessions, asyncio.TaskGroup() as tasks:
            looking = Alerting(self.parts, sessions)
            await looking.look()
            await looking.deliver(tasks)
        return [one.alert.mark for one in self.raised]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """A project without declarations."""
    return World(database, tmp_path)


async def test_money_that_is_spent_is_told_share_by_share_each_once(world: World) -> None:
    budget = world.budget(alerts=(50.0, 80.0, 100.0))
    told = []
    for amount in (499, 1, 200, 150, 200, 500):
        await world.use(budget, amount)
        told += [await world.look(), await world.look()]
    marks = [mark.partition("%")[0] for each in told for mark in each]
    assert marks == ["50", "80", "100"]


async def test_who_looks_again_and_again_tells_what_is_new_and_nothing_twice(world: World) -> None:
    budget = world.budget(alerts=(50.0, 80.0, 100.0))
    async with Sessions(settings()) as sessions:
        looking = Alerting(world.parts, sessions)
        for amount in (0, 500, 0, 300, 0, 0):
            await world.use(budget, amount)
            await looking.look()
        world.clock.advance(86_400)
        await world.use(budget, 500)
        await looking.look()
    assert [one.alert.mark.partition("%")[0] for one in world.raised] == ["50", "80", "50"]


async def test_a_share_that_was_passed_over_is_not_told_later(world: World) -> None:
    budget = world.budget(alerts=(50.0, 80.0))
    await world.use(budget, 900)
    assert [mark[:3] for mark in await world.look()] == ["80%"]
    world.declare(budgets=(msgspec.structs.replace(budget, alerts=(50.0,)),))
    assert await world.look() == []


async def test_the_next_window_tells_again_from_its_first_moment(world: World) -> None:
    budget = world.budget()
    await world.use(budget, 900)
    assert len(await world.look()) == 1
    world.clock.advance(12 * 3_600 - 0.001)
    assert await world.look() == []
    world.clock.advance(0.001)
    assert await world.look() == []  # nothing was spent in it
    await world.use(budget, 900)
    assert len(await world.look()) == 1
    assert world.raised[0].alert.window_start == datetime(2026, 11, 22, tzinfo=UTC)


async def test_a_soft_budget_is_told_of_beyond_its_limit(world: World) -> None:
    budget = world.budget(hard=False, alerts=(100.0, 200.0))
    await world.use(budget, 2_500)
    assert [mark[:4] for mark in await world.look()] == ["200%"]


async def test_of_many_processes_that_look_at_once_one_tells(database: Database, tmp_path: Path) -> None:
    worlds = [World(database, tmp_path) for _ in range(6)]
    async with site(saying(OK)) as there:
        budget = worlds[0].budget()
        worlds[0].tell(there.url)
        await worlds[0].use(budget, 900)
        for world in worlds:
            world.declared = worlds[0].declared
        told = await asyncio.gather(*(world.look() for world in worlds))
        assert sorted(map(len, told)) == [0, 0, 0, 0, 0, 1]
        assert len(there.visits) == 1


async def test_a_receiver_can_verify_it_and_sees_nobody_else(world: World) -> None:
    async with site(saying(OK)) as there:
        budget = world.budget()
        world.tell(there.url)
        await world.use(budget, 900)
        await world.use(budget, 10, user="ben", tenant="globex")
        await world.look()
        (visit,) = there.visits
    headers = dict(line.split(": ", 1) for line in visit.head.split("\r\n")[1:-2])
    assert verify_webhook(visit.body, headers, SECRET, clock=world.clock) == world.raised[0].alert_id
    said = msgspec.json.decode(visit.body)
    assert said["type"] == "alert.budget"
    assert said["data"]["owner"] == {"tenant": "acme", "user": "anna"}
    assert b"ben" not in visit.body
    assert b"globex" not in visit.body


async def test_each_webhook_is_told_of_what_it_wants(world: World) -> None:
    async with site(saying(OK)) as there:
        budget = world.budget()
        world.tell(there.url, on=("cost", "latency"))
        await world.use(budget, 900)
        assert len(await world.look()) == 1  # in the log
        assert not there.visits


async def test_a_feature_that_costs_too_much_is_told_once_until_it_is_well_again(
    world: World, database: Database
) -> None:
    feature = name()
    target = msgspec.structs.replace(
        a_release(), feature=feature, cost=CostTarget(per_interaction=NanoDollars(100))
    )
    world.declare(releases={feature: target})
    store, at = TraceStore(database), world.clock.now
    await store.add([a_call(feature, 500, started_at=at()) for _ in range(19)])
    assert await world.look() == []
    await store.add([a_call(feature, None, started_at=at()), a_call(feature, 500, started_at=at())])
    assert await world.look() == ["$0.000000 per interaction"]
    assert world.raised[0].alert.figures["unpriced_calls"] == 1
    assert await world.look() == []
    world.clock.advance(2 * 3_600)  # all of them are out of the hour by then
    assert await world.look() == []
    await store.add([a_call(feature, 500, started_at=at()) for _ in range(20)])
    assert len(await world.look()) == 1


async def test_a_feature_that_is_late_too_often_is_told(world: World, database: Database) -> None:
    feature = name()
    late = msgspec.structs.replace(a_release(), feature=feature, latency=LatencyBudget(total_ms=800))
    world.declare(releases={feature: late})
    calls = [a_call(feature, late="total_ms" if number < 2 else "") for number in range(20)]
    await TraceStore(database).add(calls)
    assert await world.look() == ["total_ms of 800"]
    assert await world.look() == []


async def test_while_the_database_is_away_nothing_is_lost(world: World) -> None:
    async with site(saying(OK)) as there:
        world.tell(there.url)
        await world.use(world.budget(), 900)
        world.away = 5
        async with alerting(world.parts):
            await until(partial(_has, there.visits, 1))
    assert (world.away, len(world.raised)) == (0, 1)


async def _has(visits: list[Visit], count: int) -> bool:
    return len(visits) >= count


async def test_the_block_beside_which_it_looks_sees_its_own_errors(world: World) -> None:
    with pytest.raises(StorageUnavailable, match="of the block"):
        async with alerting(world.parts):
            raise StorageUnavailable("of the block")


DIES = """
import asyncio, sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
from tests.unit.app.test_alerting import World
import msgspec
from buttress.spend.budgets import Budget
from buttress.watch.types import Route

async def main(project, folder, budget, route):
    async with open_database(StorageSettings(), Path(project), SystemClock()) as database:
        world = World(database, Path(folder))
        world.declare(budgets=(msgspec.json.decode(budget, type=Budget),))
        world.declare(webhooks=(msgspec.json.decode(route, type=Route),))
        await world.look()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_killed_between_raising_and_delivering_it_is_delivered_by_the_next(
    world: World, shared_server: tuple[Path, EmbeddedServer], tmp_path: Path
) -> None:
    """The receiver has the message and has not answered: so it comes again, under the same id."""
    is_silent = True

    async def answer(visit: Visit) -> None:
        await (visit.until_gone() if is_silent else visit.say(OK))

    async with site(answer) as there:
        budget, route = world.budget(), world.tell(there.url)
        await world.use(budget, 900)
        declared = [msgspec.json.encode(one).decode() for one in (budget, route)]
        command = [sys.executable, "-c", DIES, str(shared_server[0]), str(tmp_path), *declared]
        process = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[3])
        try:
            await until(partial(_has, there.visits, 1), within_s=40)
        finally:
            process.kill()
            await process.wait()
        is_silent = False
        assert await world.look() == []  # it was raised already
        assert len(there.visits) == 1  # and is still the dead one's
        world.clock.advance(CLAIM_S)
        await world.look()
        assert len(there.visits) == 2
        assert len({_id(visit) for visit in there.visits}) == 1


def _id(visit: Visit) -> str:
    return visit.head.partition("webhook-id: ")[2].partition("\r")[0]


async def test_a_webhook_is_tried_with_a_message_that_says_so(world: World) -> None:
    async with site(saying(OK)) as there:
        route = world.tell(there.url)
        sent = await try_webhook(
            world.declared.webhooks, route.name, world.parts.project, Settings(), world.clock, SeededChance()
        )
        assert (sent.kind, sent.status) == ("delivered", 200)
        assert msgspec.json.decode(there.visits[0].body)["type"] == "alert.test"


@pytest.mark.parametrize(
    ("secrets", "error"),
    [
        pytest.param(("file:nowhere",), SecretMissing, id="it is not there"),
        pytest.param(("file:secret", "file:weak"), SecretUnusable, id="it signs nothing"),
    ],
)
def test_a_secret_that_does_not_do_is_named_and_not_shown(
    tmp_path: Path, secrets: tuple[str, ...], error: type[Exception]
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "weak").write_text("hunter2")
    route = Route(name="ops", url="http://127.0.0.1:9", secrets=secrets)
    with pytest.raises(error) as raised:
        webhook_of((route,), "ops", tmp_path)
    assert secrets[-1] in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_webhook_that_is_not_declared_is_named(tmp_path: Path) -> None:
    with pytest.raises(WebhookUnknown, match="`osp`; there are: ops"):
        webhook_of((Route(name="ops", url="x", secrets=()),), "osp", tmp_path)
