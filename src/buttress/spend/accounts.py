"""Which accounts the attempts of a payer touch: worked out once, good until one of the windows is over."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.principal import Payer
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.windows import BEGINNING

MAX_KNOWN = 10_000
"""Payers of whom it is known; of more, the oldest are worked out again."""

_EVER = datetime.max.replace(tzinfo=UTC)


class _Known(msgspec.Struct, frozen=True):
    dues: Sequence[Due]
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
        self._dimensions = sorted({one for budget in budgets for one in (*budget.per, *budget.where)})
        self._known: dict[tuple[str, ...], _Known] = {}

    def of(self, payer: Payer, model: str) -> Sequence[Due]:
        """Return the accounts that an attempt at `model` touches now, in the order of the budgets."""
        spender, now = Spender(payer, model), self._clock.now()
        values = tuple([spender.at(dimension) for dimension in self._dimensions])
        known = self._known.get(values)
        if known is None or not known.holds(now):
            known = self._known[values] = _found(self.budgets, spender, now)
            if len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]
        return known.dues


def _found(budgets: Sequence[Budget], spender: Spender, now: datetime) -> _Known:
    dues = accounts_of(budgets, spender, now)
    since = max((due.window.start for due in dues), default=BEGINNING)
    return _Known(dues, since, min((due.window.end for due in dues if due.window.end), default=_EVER))
