"""Reading budgets.yaml. Mistakes are values, all at once. Pure.

budgets:
  team:      {limit: 500 USD, window: month, time_zone: Europe/Berlin}
  each-user: {limit: 2 USD, window: day, per: [user]}
  trial:     {limit: 20 USD, window: total, where: {feature: search, tag.team: growth}, hard: false}
"""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, convert_all, did_you_mean, read_entries
from buttress.kernel.usage import NANO, NanoDollars
from buttress.spend.budgets import Budget, Policy
from buttress.spend.windows import Kind

BUDGETS = "budgets"
DIMENSIONS = ("tenant", "user", "key", "feature", "model")

_AMOUNT = re.compile(r"(?P<amount>\d{1,9}(?:\.\d{1,9})?) ?USD")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TAG = re.compile(r"tag\.[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HINT = "Write it like `5 USD` or `0.25 USD`: a number above 0, and the currency."

Percent = Annotated[float, Meta(gt=0, le=1_000)]
Value = Annotated[str, Meta(min_length=1, max_length=200)]


class BudgetEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One budget as it stands in the file; see `Budget`."""

    limit: object
    window: Kind
    rolling_s: Annotated[int, Meta(ge=60, le=31_622_400)] | None = None
    time_zone: str = "UTC"
    per: tuple[str, ...] = ()
    where: dict[str, Value] = {}
    hard: bool = True
    alerts: tuple[Percent, ...] = (80.0, 100.0)
    unpriced: Policy = "allow"
    without_ledger: Policy = "refuse"


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; budgets are read one by one."""

    budgets: dict[str, object] = {}


def read_budgets(text: str, path: Path) -> tuple[Budget, ...] | list[Mistake]:
    """Return the budgets of `text`, the content of budgets.yaml at `path`, by name; or all its mistakes."""
    return read_entries(text, path, Declaration, _budget, _contradictions)


def dollars(written: object) -> NanoDollars | None:
    """Return the amount that `written` is, in nano-dollars; None where it is none, or not above 0."""
    match = _AMOUNT.fullmatch(written.strip()) if isinstance(written, str) else None
    amount = int(Decimal(match["amount"]) * NANO) if match else 0
    return NanoDollars(amount) if amount > 0 else None


def _budget(located: Located, name: str) -> Budget | list[Mistake]:
    entry = convert_all(located, BudgetEntry, BUDGETS, name)
    if isinstance(entry, list):
        return [*entry, *_odd_limit(located, name)]
    mistakes = list(_odd(located, name, entry))
    limit = dollars(entry.limit)
    if limit is None or mistakes:
        return mistakes
    fields = msgspec.structs.asdict(entry) | {
        "name": name,
        "limit": limit,
        "per": _per(entry),
        "rolling_s": entry.rolling_s or 86_400,
        "alerts": tuple(sorted(set(entry.alerts))),
    }
    return Budget(**fields)


def _per(entry: BudgetEntry) -> tuple[str, ...]:
    """Return what a budget is cut by: users of two tenants who are called the same are not the same."""
    is_within = {"user", "tenant"} & {*entry.per} == {"user"} and "tenant" not in entry.where
    return ("tenant", *entry.per) if is_within else entry.per


Told = Callable[[str, str, str], Mistake]


def _odd(located: Located, name: str, entry: BudgetEntry) -> Iterator[Mistake]:
    """Yield what is wrong with a budget whose values each are of the right kind."""

    def told(key: str, message: str, hint: str) -> Mistake:
        return Mistake(located.at(BUDGETS, name, key), f"{BUDGETS}.{name}.{key}: {message}", hint)

    if not _NAME.fullmatch(name):
        where = located.at(BUDGETS, name)
        yield Mistake(where, f"{BUDGETS}: `{name}` is no name", "Use letters, digits, and . _ -.")
    yield from _odd_limit(located, name)
    yield from _odd_window(entry, told)
    yield from _odd_scope(entry, told)


def _odd_limit(located: Located, name: str) -> Iterator[Mistake]:
    """Yield what is wrong with the limit as it is written; one that is missing is told as any other key."""
    keys = (BUDGETS, name, "limit")
    written = located.get(*keys)
    if keys in located.lines and dollars(written) is None:
        message = f"{BUDGETS}.{name}.limit: `{str(written)[:40]}` is no amount of money"
        yield Mistake(located.at(*keys), message, _HINT)


def _odd_window(entry: BudgetEntry, told: Told) -> Iterator[Mistake]:
    if (entry.window == "rolling") != (entry.rolling_s is not None):
        message = "only a window of the kind `rolling` has a length, and it needs one"
        yield told("rolling_s", message, "Write `window: rolling` and `rolling_s: 86400`.")
    if not _is_zone(entry.time_zone):
        hint = "Write it like `Europe/Berlin`, or `UTC`."
        yield told("time_zone", f"no time zone is called `{entry.time_zone[:40]}`", hint)


def _odd_scope(entry: BudgetEntry, told: Told) -> Iterator[Mistake]:
    for key, dimensions in (("per", entry.per), ("where", tuple(entry.where))):
        for one in dimensions:
            if one not in DIMENSIONS and not _TAG.fullmatch(one):
                hint = did_you_mean(one, DIMENSIONS) or f"There are: {', '.join(DIMENSIONS)}, tag.NAME."
                yield told(key, f"there is no `{one[:40]}` to divide by", hint)
    for one in sorted(set(entry.per) & set(entry.where)):
        yield told("per", f"`{one}` is fixed by `where` already", "Leave it out of `per`.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _contradictions(located: Located, budgets: Sequence[Budget]) -> Iterator[Mistake]:
    """Yield a mistake for each of two budgets that are about the same money, and have not the same limit."""
    seen: dict[tuple[object, ...], Budget] = {}
    for budget in budgets:
        where = tuple(sorted(budget.where.items()))
        about = (budget.window, budget.rolling_s, budget.time_zone, frozenset(budget.per), where, budget.hard)
        other = seen.setdefault(about, budget)
        if other is not budget:
            message = f"{BUDGETS}.{budget.name}: about the same money as `{other.name}`"
            yield Mistake(
                located.at(BUDGETS, budget.name), message, "Keep one of them: the smaller one decides."
            )
