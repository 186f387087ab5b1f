"""Which accounts the attempts of a payer touch: worked out once, good until one of the windows is over."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.principal import Payer
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.windows import BEGINNING

MAX_KNOWN = 10_000
"""Payers of whom it is known; of more, the oldest are worked out again."""

_PAYER = frozenset(("tenant", "user", "key", "feature"))
"""Dimensions that are fields of a payer: all of them are read at once, since each call needs it."""

_EVER = datetime.max.replace(tzinfo=UTC)


class _Known(msgspec.Struct, frozen=True):
    dues: Sequence[Due]
    hard: Sequence[Due]
    since: datetime
    until: datetime

    def holds(self, now: datetime) -> bool:
        """Say whether all windows are those of `now`: a clock that was put right goes back, too."""
        return self.since <= now < self.until


class Accounts:
    """Those of `budgets`."""

    def __init__(self, budgets: Sequence[Budget], clock: Clock) -> None:
        self.budgets = budgets
        self._clock = clock
        dimensions = sorted({one for budget in budgets for one in (*budget.per, *budget.where)})
        plain = [one for one in dimensions if one in _PAYER]
        self._of_payer: Callable[[Payer], object] = attrgetter(*plain) if plain else _nothing
        self._others = [one for one in dimensions if one not in _PAYER]
        self._known: dict[tuple[object, ...], _Known] = {}

    def of(self, payer: Payer, model: str) -> Sequence[Due]:
        """Return the accounts that an attempt at `model` touches now, in the order of the budgets."""
        return self._of(payer, model).dues

    def hard(self, payer: Payer, model: str) -> Sequence[Due]:
        """Return those of them that may refuse it."""
        return self._of(payer, model).hard

    def _of(self, payer: Payer, model: str) -> _Known:
        now = self._clock.now()
        values: tuple[object, ...] = (self._of_payer(payer),)
        if self._others:
            spender = Spender(payer, model)
            values = (*values, *[spender.at(dimension) for dimension in self._others])
        known = self._known.get(values)
        if known is None or not known.holds(now):
            known = self._known[values] = _found(self.budgets, Spender(payer, model), now)
            if len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]
        return known


def _nothing(payer: Payer) -> None:
    del payer


def _found(budgets: Sequence[Budget], spender: Spender, now: datetime) -> _Known:
    dues = accounts_of(budgets, spender, now)
    since = max((due.window.start for due in dues), default=BEGINNING)
    hard = [due for due in dues if due.budget.hard]
    return _Known(dues, hard, since, min((due.window.end for due in dues if due.window.end), default=_EVER))
