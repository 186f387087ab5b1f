"""Which shares of a budget's limit have been reached, and which of them is worth telling. Pure."""

from datetime import datetime, timedelta
from fractions import Fraction

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget
from buttress.spend.windows import Window

WHOLE = 100.0
"""Percent of a limit from which on a hard budget has nothing more to give."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an account of a budget stands: what was used in its present window, in nano-dollars.

    `is_refusing`: it refused a call in this window, since what is left would not have paid for it.
    """

    budget: str
    owner: tuple[str, ...]
    used: NanoDollars
    is_refusing: bool


class Reached(msgspec.Struct, frozen=True):
    """A share of the limit, in percent, that was reached. `is_news` False: a higher one was reached, too."""

    percent: float
    is_news: bool


def reached(budget: Budget, standing: Standing) -> list[Reached]:
    """Return each of `budget.alerts` that `standing` has reached, lowest first; the highest is news.

    Where several are reached at once the highest says all that the lower ones would; those count as told,
    so that they do not come later, when they are no news. A hard budget that refused a call is at its end,
    although what is left may never be spent to the last cent: 100 is reached, and news. Lower shares are not
    reached by that: it may have been one large call.
    """
    by_use = [one for one in sorted(set(budget.alerts)) if standing.used >= least_used(budget, one)]
    found = [Reached(one, is_news=one == by_use[-1]) for one in by_use]
    refuses = budget.hard and standing.is_refusing and WHOLE in budget.alerts
    return [*found, Reached(WHOLE, is_news=True)] if refuses and WHOLE not in by_use else found


def least_used(budget: Budget, percent: float) -> int:
    """Return the fewest nano-dollars that are `percent` of the limit; exact."""
    return -(-Fraction(percent) * budget.limit // 100)


def quiet_until(budget: Budget, window: Window, now: datetime) -> datetime:
    """Return until when a share that is reached `now` is not told again, whatever window it is by then.

    A rolling window moves on all the time: it is quiet for as long as it is. Of others the next may tell.
    """
    return now + timedelta(seconds=budget.rolling_s) if budget.window == "rolling" else window.start
