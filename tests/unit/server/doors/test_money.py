"""`/api/budgets` and `/api/spend`: every role may look, each key at its own money only."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from buttress.access.errors import NotAllowed
from buttress.access.types import ROLES
from buttress.app.buttress import Buttress
from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import TraceId
from buttress.kernel.principal import ANYBODY, Payer, Principal
from buttress.kernel.usage import NanoDollars
from buttress.server.attending import Attention
from buttress.server.bells import Bell
from buttress.server.bodies import Message
from buttress.server.doors.money import answer_budgets, answer_spend, told_left
from buttress.server.errors import QueryInvalid
from buttress.server.request import Request
from buttress.settings.loading import load_settings
from buttress.spend.budgets import Spender, accounts_of
from buttress.spend.leases import Holding
from buttress.spend.purses import Left
from buttress.spend.store import Ledger, Report
from buttress.storage.database import Database
from buttress.tracing.errors import SpendingUnclear
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from tests.unit.server.serving import serving

BUDGETS = """
budgets:
  all: {limit: 9 USD, window: total}
  each-key: {limit: 3 USD, window: total, per: [key]}
  each-tenant: {limit: 5 USD, window: total, per: [tenant]}
  each-user: {limit: 2 USD, window: total, per: [user]}
  globex: {limit: 4 USD, window: total, where: {tenant: globex}}
"""
ACME = Payer(tenant="acme", feature="chat", user="ada", key="k-acme")
ACME_BEN = Payer(tenant="acme", feature="chat", user="ben", key="k-acme")
GLOBEX = Payer(tenant="globex", feature="chat", user="ada", key="k-globex")

Row = tuple[str, tuple[str, ...], int]


class _Account(msgspec.Struct):
    budget: str
    owner: dict[str, str]
    used: int


class _Said(msgspec.Struct):
    accounts: list[_Account] = []
    groups: list[dict[str, object]] = []


class _Answered:
    """What a door sends."""

    def __init__(self) -> None:
        self.body = b""

    async def send(self, message: Message) -> None:
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        self.body += body


async def nothing() -> Message:
    raise AssertionError("nothing is read")


def asking(who: Principal, query: bytes, answered: _Answered) -> Request:
    return Request({"query_string": query}, nothing, answered.send, Attention(Bell(), Bell()), who)


async def accounts(buttress: Buttress, who: Principal, query: bytes = b"") -> list[Row]:
    answered = _Answered()
    await answer_budgets(buttress, asking(who, query, answered))
    said = msgspec.json.decode(answered.body, type=_Said)
    return [(one.budget, tuple(one.owner.values()), one.used) for one in said.accounts]


async def spending(buttress: Buttress, who: Principal, query: bytes = b"") -> list[tuple[object, object]]:
    answered = _Answered()
    await answer_spend(buttress, asking(who, query, answered))
    return [(one["of"], one["cost"]) for one in msgspec.json.decode(answered.body, type=_Said).groups]


async def spend(buttress: Buttress, database: Database, payer: Payer, cost: int) -> None:
    """Have `payer` spend something: in the ledger, and in a trace."""
    now = buttress.clock.now()
    for due in accounts_of(buttress.budgets, Spender(payer, "scripted"), now):
        lease = f"{due.key.budget} of {payer.tenant} {payer.user}"
        holding = Holding(granted=NanoDollars(cost), used=NanoDollars(cost), is_ended=True)
        await Ledger(database).tell([Report(lease=lease, worker="w", account=due.key, holding=holding)])
    trace = Trace(
        trace_id=TraceId(f"tr_{payer.tenant}_{payer.user}"),
        tenant=payer.tenant,
        feature=payer.feature,
        release_id=None,
        user_id=payer.user,
        key_id=payer.key,
        started_at=now,
        duration_ms=1.0,
        outcome="answered",
        input={},
        attempts=[{"model": "scripted", "cost": cost, "usage": {"input": 1}}],
    )
    await TraceStore(database).add([trace])


@pytest.mark.slow  # a database of its own
async def test_a_key_sees_the_money_that_it_is_for(project: Path) -> None:
    """One database for all of it: a start takes a second."""
    (project / "budgets.yaml").write_text(BUDGETS)
    async with (
        Buttress.open(project) as buttress,
        project_database(load_settings(project), SystemClock()) as database,
    ):
        await spend(buttress, database, ACME, 100)
        await spend(buttress, database, ACME_BEN, 20)
        await spend(buttress, database, GLOBEX, 3)
        await _everybody(buttress)
        await _of_a_tenant(buttress)
        await _of_a_user_or_a_feature(buttress)
        await _asked_wrongly(buttress)


async def _everybody(buttress: Buttress) -> None:
    every: list[Row] = [
        ("all", (), 123),
        ("each-key", ("k-acme",), 120),
        ("each-key", ("k-globex",), 3),
        ("each-tenant", ("acme",), 120),
        ("each-tenant", ("globex",), 3),
        ("each-user", ("acme", "ada"), 100),
        ("each-user", ("acme", "ben"), 20),
        ("each-user", ("globex", "ada"), 3),
        ("globex", (), 3),
    ]
    assert await accounts(buttress, ANYBODY) == every
    for role in ROLES:
        assert await accounts(buttress, Principal(key="k", role=role)) == every
    dearest = await accounts(buttress, ANYBODY, b"most=1")
    assert [one[0] for one in dearest] == ["all", "each-key", "each-tenant", "each-user", "globex"]
    assert await spending(buttress, ANYBODY, b"by=tenant") == [
        ({"tenant": "acme"}, 120),
        ({"tenant": "globex"}, 3),
    ]
    assert await spending(buttress, ANYBODY, b"by=user&tenant=acme&most=1&days=0.5") == [
        ({"user": "ada"}, 100)
    ]


async def _of_a_tenant(buttress: Buttress) -> None:
    """A foreign key: nothing of acme, and nothing of what acme has a part in."""
    globex = Principal(key="k-globex", tenant="globex", tenants=frozenset({"globex"}), role="viewer")
    assert await accounts(buttress, globex) == [
        ("each-tenant", ("globex",), 3),
        ("each-user", ("globex", "ada"), 3),
        ("globex", (), 3),
    ]
    assert await spending(buttress, globex, b"by=tenant,user") == [({"tenant": "globex", "user": "ada"}, 3)]
    assert await spending(buttress, globex, b"by=&tenant=globex") == [({}, 3)]
    with pytest.raises(NotAllowed):
        await spending(buttress, globex, b"tenant=acme")
    nobody = Principal(key="k-other", tenant="other", tenants=frozenset({"other"}))
    assert await accounts(buttress, nobody) == []
    assert await spending(buttress, nobody) == []


async def _of_a_user_or_a_feature(buttress: Buttress) -> None:
    ben = Principal(key="k-acme", tenant="acme", tenants=frozenset({"acme"}), user="ben")
    assert await accounts(buttress, ben) == [("each-user", ("acme", "ben"), 20)]
    assert await spending(buttress, ben, b"by=user") == [({"user": "ben"}, 20)]
    chat = Principal(key="k-globex", features=frozenset({"chat"}))
    assert await accounts(buttress, chat) == [("each-key", ("k-globex",), 3)]
    assert await spending(buttress, chat, b"by=key") == [({"key": "k-globex"}, 3)]


async def _asked_wrongly(buttress: Buttress) -> None:
    async def refused(kind: type[ButtressError], query: bytes) -> str:
        with pytest.raises(kind) as error:
            await spending(buttress, ANYBODY, query)
        return f"{error.value.message} {error.value.hint}"

    assert "Did you mean `model`?" in await refused(SpendingUnclear, b"by=modell")
    assert "Europe/Berlin" in await refused(SpendingUnclear, b"zone=Europe/Berlni")
    assert "$.days" in await refused(QueryInvalid, b"days=0")
    assert "$.tenant" in await refused(QueryInvalid, b"tenant=")
    assert "tennant" in await refused(QueryInvalid, b"tennant=acme")
    with pytest.raises(QueryInvalid, match="most"):
        await accounts(buttress, ANYBODY, b"most=many")
    with pytest.raises(NotAllowed):
        await accounts(buttress, Principal(key="k", role="nobody"))


@pytest.mark.slow  # a database of its own
async def test_money_is_seen_over_http(project: Path) -> None:
    (project / "budgets.yaml").write_text(BUDGETS)
    async with serving(project) as server:
        async with server.session.get(f"{server.url}/api/budgets?most=1") as response:
            said = await response.json()
        assert (response.status, response.headers["cache-control"]) == (200, "no-store")
        assert [(one["budget"], one["used"], one["limit"]) for one in said["accounts"]] == [
            ("all", 0, 9 * 10**9),
            ("globex", 0, 4 * 10**9),
        ]
        async with server.session.get(f"{server.url}/api/spend?by=model,day&days=7") as response:
            said = await response.json()
        assert (said["by"], said["groups"]) == (["model", "day"], [])
        assert datetime.fromisoformat(said["since"]).hour == 0
        async with server.session.get(f"{server.url}/api/spend?by=cost") as response:
            assert (response.status, (await response.json())["error"]["code"]) == (
                400,
                "tracing.spending_unclear",
            )
        async with server.session.post(f"{server.url}/api/budgets") as response:
            assert response.status == 405


@pytest.mark.slow  # a database of its own
async def test_each_answer_tells_what_is_left(project: Path) -> None:
    """Whole and streamed, of features and models, in each dialect; nothing before anything is known."""
    models = (project / "models.yaml").read_text()
    (project / "models.yaml").write_text(models.replace('v1"}', 'v1", price: {input: 0, output: 1}}'))
    (project / "budgets.yaml").write_text("budgets: {all: {limit: 9 USD, window: total}}\n")
    (project / "buttress.yaml").write_text("spend: {ask_timeout_s: 10}\n")
    turns = [{"role": "user", "content": "Hi?"}]
    asked: list[tuple[str, dict[str, object]]] = [
        ("/v1/features/chat", {"input": {"question": "Hi?"}}),
        ("/v1/chat/completions", {"model": "scripted", "messages": turns}),
        ("/v1/chat/completions", {"model": "chat", "messages": turns}),
        ("/v1/messages", {"model": "answers", "messages": turns, "max_tokens": 5}),
    ]
    async with serving(project) as server:

        async def left(path: str, body: dict[str, object]) -> str | None:
            async with server.session.post(f"{server.url}{path}", json=body) as response:
                await response.read()
                assert response.status == 200
            return response.headers.get("x-buttress-budget")

        assert await left("/v1/features/chat", {"input": {"question": "When do you open?"}}) is None
        told = [
            await left(path, body | {"stream": stream}) for stream in (False, True) for path, body in asked
        ]
    amounts = [float(one.split(";")[1].removeprefix("left=")) for one in told if one]
    assert len(amounts) == len(told)
    assert all(9 > now >= then for now, then in pairwise(amounts))
    assert told[0] == f"all;left={amounts[0]:.9f}".rstrip("0") + ";limit=9"


@pytest.mark.parametrize(
    ("left", "told"),
    [
        pytest.param(
            Left("each", 12_300_000, 2 * 10**9, 59.1), "each;left=0.0123;limit=2;reset=60", id="a day"
        ),
        pytest.param(
            Left("t.1", 0, 1, None), "t.1;left=0;limit=0.000000001", id="for ever, and nothing left"
        ),
        pytest.param(
            Left("m", 10**9 + 1, 10**10, 0.0), "m;left=1.000000001;limit=10;reset=0", id="to the last"
        ),
    ],
)
def test_what_is_left_is_told_in_a_header(left: Left, told: str) -> None:
    assert told_left(left) == told
