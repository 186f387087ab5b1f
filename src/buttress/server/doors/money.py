"""`/api/budgets` and `/api/spend`: what is left of the money, and where it went; the same with each answer.

For every role. A key sees the money that it is for (`access.scopes.sight_of`), and nothing of others.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from math import ceil
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.access.scopes import require_role, sight_of, tenant_of
from buttress.app.buttress import Buttress
from buttress.kernel.catalogue import Model
from buttress.kernel.principal import Payer, Principal
from buttress.kernel.usage import NANO
from buttress.server.bodies import NOT_KEPT, send_json
from buttress.server.decoding import queried
from buttress.server.request import Request
from buttress.spend.purses import Left
from buttress.spend.states import MAX_ACCOUNTS, AccountState, account_states
from buttress.tracing.spending import Wanted, asked_for
from buttress.tracing.spent import Dimension, Spent, spent

BUDGETS = "/api/budgets"
SPEND = "/api/spend"

BUDGET_HEADER = b"x-buttress-budget"


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of GET /api/budgets: so many accounts of each budget at most, those that have spent most."""

    most: Annotated[int, Meta(ge=1, le=MAX_ACCOUNTS)] = 20


class Accounts(msgspec.Struct, frozen=True):
    """What GET /api/budgets answers: accounts by their budgets' names; money in nano-dollars."""

    accounts: list[AccountState]


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """What GET /api/spend answers: `groups` of calls since that moment, divided `by`; in nano-dollars."""

    since: datetime
    by: list[Dimension]
    groups: list[Spent]


async def answer_budgets(buttress: Buttress, request: Request) -> None:
    """Answer with how the accounts of every budget stand.

    Raises:
        NotAllowed: the key has no role that looks at figures.
        QueryInvalid: the query is not a `Look`.
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    who = request.principal
    require_role(who, "viewer")
    most, now = queried(request.query, Look).most, buttress.clock.now()
    budgets = buttress.budgets
    found = await account_states(await buttress.database(), budgets, now, most, sight_of(who))
    await send_json(request.send, Accounts(found), extra=NOT_KEPT)


async def answer_spend(buttress: Buttress, request: Request) -> None:
    """Answer with what calls cost.

    Raises:
        NotAllowed: the key has no role that looks at figures, or is not for the tenant that is named.
        QueryInvalid, SpendingUnclear: the query is not a `tracing.spending.Wanted`.
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    who = request.principal
    require_role(who, "viewer")
    wanted = queried(request.query, Wanted)
    if wanted.tenant is not None:
        tenant_of(who, wanted.tenant)
    asked = asked_for(wanted, buttress.clock.now(), sight_of(who))
    found = await spent(await buttress.database(), asked)
    said = Spending(since=asked.since, by=list(asked.by), groups=found)
    await send_json(request.send, said, extra=NOT_KEPT)


def budget_headers(
    buttress: Buttress, who: Principal, payer: Callable[[], Payer]
) -> list[tuple[bytes, bytes]]:
    """Return how the account stands that is nearest to its end, of those that a call by `who` is paid from.

    Nothing where there are no budgets, or this process does not know; nobody is asked for it.
    """
    if not buttress.budgets:
        return []
    paid = payer()
    left = buttress.paying.nearest(buttress.budgets, paid, _models(paid.feature, buttress), sight_of(who))
    return [(BUDGET_HEADER, told_left(left).encode())] if left else []


def _models(name: str, buttress: Buttress) -> Iterable[Model]:
    """Return what may be asked for a feature, a ladder or a model of that name."""
    if release := buttress.releases.get(name):
        return release.models.values()
    return buttress.catalogue.rungs(name)


def told_left(left: Left) -> str:
    """Return what is left as it stands in a header: dollars, and whole seconds until the window is over."""
    parts = [left.budget, f"left={_dollars(left.left)}", f"limit={_dollars(left.limit)}"]
    if left.resets_in_s is not None:
        parts.append(f"reset={ceil(left.resets_in_s)}")
    return ";".join(parts)


@lru_cache(maxsize=1_000)
def _dollars(amount: int) -> str:
    """Return an amount of nano-dollars to its last digit, without zeros that say nothing."""
    whole, rest = divmod(amount, NANO)
    return f"{whole}.{rest:09}".rstrip("0").removesuffix(".")
