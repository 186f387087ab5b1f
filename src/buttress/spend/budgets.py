"""Budgets, and which accounts of theirs a call touches. Pure.

A budget is a limit for a window. `per` cuts it into one account for each value that a call has there: `per:
[user]` gives every user a limit of their own. `where` is which calls it is about.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from buttress.kernel.ids import hash_of
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.windows import PARTS, Kind, Window, window_at

NOBODY = ""
"""The value of a call that has none there: all that have none share an account."""

LONGEST_MONTH_S = 32 * 86_400.0
"""A month of 31 days, in which clocks may change."""

MAX_VALUE, READABLE = 200, 40
"""Characters of a value that stands in an account as it is; of a longer one, those before its hash."""

Policy = Literal["allow", "refuse"]


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A limit in nano-dollars for a window.

    A `hard` one refuses what would go beyond it; another one only warns. `alerts` are shares of the limit, in
    percent, that are told once each window. `unpriced` says what becomes of a call whose cost nobody can
    know before, `without_ledger` of one for which the database would have to be asked and is away. Names of
    dimensions are `tenant`, `user`, `key`, `feature`, `model`, and `tag.NAME`.
    """

    name: str
    limit: NanoDollars
    window: Kind
    rolling_s: int = 86_400
    time_zone: str = "UTC"
    per: tuple[str, ...] = ()
    where: dict[str, str] = {}
    hard: bool = True
    alerts: tuple[float, ...] = (80.0, 100.0)
    unpriced: Policy = "allow"
    without_ledger: Policy = "refuse"


class Spender(msgspec.Struct, frozen=True):
    """Who and what an attempt at `model` is paid for."""

    payer: Payer
    model: str

    def at(self, dimension: str) -> str:
        """Return the value in `dimension`; `NOBODY` where there is none."""
        if dimension == "model":
            return self.model
        if dimension.startswith("tag."):
            return self.payer.tags.get(dimension.removeprefix("tag."), NOBODY)
        return getattr(self.payer, dimension) or NOBODY


def storable(value: str) -> str:
    """Return `value` if every database can hold it and index it, else what begins like it, and its hash."""
    if len(value) <= MAX_VALUE and value.isprintable():
        return value
    readable = "".join(one for one in value[:READABLE] if one.isprintable())
    return f"{readable}~{hash_of(value.encode(errors='surrogatepass').hex())}"


class AccountKey(msgspec.Struct, frozen=True, gc=False):
    """One account of a budget: whose it is, by the dimensions of `per`, and from when on it counts."""

    budget: str
    owner: tuple[str, ...]
    start: datetime


Sight = Mapping[str, Collection[str]]
"""Whose money somebody may see: that of these values in these dimensions; in all others, of any."""


class Due(msgspec.Struct, frozen=True):
    """An account that an attempt touches, with its budget and its window."""

    key: AccountKey
    budget: Budget
    window: Window

    def is_in(self, sight: Sight) -> bool:
        """Say whether all that draw from the account are in `sight`."""
        if not sight:
            return True
        known = self.budget.where | dict(zip(self.budget.per, self.key.owner, strict=True))
        return all(known.get(dimension) in among for dimension, among in sight.items())


def current_window(budget: Budget, moment: datetime) -> Window:
    """Return the window of `budget` that `moment` falls into."""
    return window_at(budget.window, moment, ZoneInfo(budget.time_zone), rolling_s=budget.rolling_s)


def longest_s(budgets: Iterable[Budget]) -> float:
    """Return for how long after its beginning a window may count, in seconds: a month's, or a longer one's.

    Those that never end are left out.
    """
    rolling = [one.rolling_s * (1 + 1 / PARTS) for one in budgets if one.window == "rolling"]
    return max([LONGEST_MONTH_S, *rolling])


def accounts_of(budgets: Iterable[Budget], spender: Spender, moment: datetime) -> list[Due]:
    """Return every account that must have the money of an attempt at `moment`, in the order of `budgets`.

    The order is the same for all, so that two that need several never wait for one another.
    """
    found = []
    for budget in budgets:
        if all(spender.at(dimension) == value for dimension, value in budget.where.items()):
            window = current_window(budget, moment)
            owner = tuple(storable(spender.at(dimension)) for dimension in budget.per)
            found.append(Due(AccountKey(budget.name, owner, window.start), budget, window))
    return found
