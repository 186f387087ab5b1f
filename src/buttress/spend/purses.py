"""A worker's purses: money is set aside in memory for each attempt; when it is short the ledger is asked.

An attempt must have its money in every account that it touches, or in none. Accounts are gone through in the
order of their budgets, which is the same for everybody.
"""

import asyncio
from collections.abc import Callable, Sequence
from math import inf

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.usage import NanoDollars, format_dollars
from buttress.spend.budgets import AccountKey, Budget, Due
from buttress.spend.errors import BudgetExhausted, LedgerAway, PriceUnknown
from buttress.spend.leases import Purse
from buttress.spend.store import Grant, Ledger, Report
from buttress.storage.errors import StorageBusy, StorageConflict, StorageTimeout, StorageUnavailable

AWAY = (StorageUnavailable, StorageBusy, StorageTimeout, StorageConflict)


class _Held:
    """A purse with what it is for; one asks the ledger at a time, the others then look again."""

    def __init__(self, lease: str, due: Due, purse: Purse) -> None:
        self.lease = lease
        self.account = due.key
        self.purse = purse
        self.asking = asyncio.Lock()


class Reservation(msgspec.Struct, frozen=True):
    """Money set aside for one attempt: so much in each of these purses."""

    worst: NanoDollars
    parts: tuple[tuple[_Held, NanoDollars], ...]


class Purses:
    """Those of the worker `worker`, for one event loop. `report` takes what is to stand in its spool.

    `ask_timeout_s` is how long a call waits for the ledger.
    """

    def __init__(
        self,
        worker: str,
        ledger: Ledger,
        clock: Clock,
        report: Callable[[Report], None],
        ask_timeout_s: float = 0.05,
    ) -> None:
        self._worker = worker
        self._ledger = ledger
        self._clock = clock
        self._report = report
        self._ask_timeout_s = ask_timeout_s
        self._held: dict[AccountKey, _Held] = {}
        self._leases = 0

    def __len__(self) -> int:
        return len(self._held)

    async def reserve(self, dues: Sequence[Due], worst: NanoDollars | None) -> Reservation:
        """Set `worst` aside in every account; None: nobody knows what it may cost.

        Raises:
            BudgetExhausted: a hard budget has not so much left.
            PriceUnknown: a budget refuses what it cannot know.
            LedgerAway: the ledger would have to be asked, and cannot be.
        """
        parts: list[tuple[_Held, NanoDollars]] = []
        try:
            for due in dues:
                parts.append(await self._part(due, worst))  # noqa: PERF401 - what was had is to be known
        except BaseException:
            for held, amount in parts:
                held.purse.settle(amount, NanoDollars(0))
            raise
        return Reservation(worst or NanoDollars(0), tuple(parts))

    def settle(self, reservation: Reservation, cost: NanoDollars) -> None:
        """Pay `cost` from every account, and write it down. Exactly once for each reservation."""
        for held, amount in reservation.parts:
            held.purse.settle(amount, cost)
            self._tell(held)

    def give_back(self, budget: str) -> None:
        """Give back what is free of a budget: another worker has nothing left."""
        for held in self._held.values():
            if held.account.budget == budget and held.purse.free > 0:
                held.purse.give_back()
                self._tell(held)

    def tidy(self) -> None:
        """End the leases of windows that are over, once nothing is under way in them."""
        now = self._clock.monotonic()
        for key, held in list(self._held.items()):
            if held.purse.is_over(now) and held.purse.end():
                self._tell(held)
                del self._held[key]

    def close(self) -> None:
        """End every lease under which nothing is under way; the others are buried by who reads the spool."""
        for held in self._held.values():
            if held.purse.end():
                self._tell(held)
        self._held.clear()

    async def _part(self, due: Due, worst: NanoDollars | None) -> tuple[_Held, NanoDollars]:
        budget, held = due.budget, self._of(due)
        if worst is None and budget.unpriced == "refuse":
            raise PriceUnknown(f"the budget {budget.name} allows no call whose price nobody knows")
        amount = worst if worst is not None and budget.hard else NanoDollars(0)
        if amount and not held.purse.reserve(amount, self._clock.monotonic()):
            await self._ask(held, due, amount)
        return held, amount

    async def _ask(self, held: _Held, due: Due, amount: NanoDollars) -> None:
        """Reserve with more from the ledger; who waited for another answer looks first what that gave."""
        async with held.asking:
            if held.purse.reserve(amount, self._clock.monotonic()):
                return
            grant = await self._granted(held, due, NanoDollars(max(0, amount - held.purse.free)))
            if grant:
                held.purse.receive(grant.total)
                self._tell(held)
            if not held.purse.reserve(amount, self._clock.monotonic()):
                raise self._exhausted(due.budget, due, amount)

    async def _granted(self, held: _Held, due: Due, needed: NanoDollars) -> Grant | None:
        try:
            async with asyncio.timeout(self._ask_timeout_s):
                return await self._ledger.grant(due, held.lease, self._worker, needed)
        except (TimeoutError, *AWAY) as error:
            message = (
                f"the ledger did not say within {self._ask_timeout_s:g} s what is left of {due.budget.name}"
            )
            raise LedgerAway(message) from error

    def _of(self, due: Due) -> _Held:
        held = self._held.get(due.key)
        if held is None:
            self._leases += 1
            lease = f"{self._worker}.{self._leases}"
            held = self._held[due.key] = _Held(lease, due, Purse(self._spend_until(due)))
        return held

    def _spend_until(self, due: Due) -> float:
        """Return when the window is over, on the monotonic clock: from then on no wall clock is asked."""
        if due.window.end is None:
            return inf
        return self._clock.monotonic() + (due.window.end - self._clock.now()).total_seconds()

    def _exhausted(self, budget: Budget, due: Due, amount: NanoDollars) -> BudgetExhausted:
        whose = f" of {', '.join(due.key.owner)}" if any(due.key.owner) else ""
        left, limit = format_dollars(amount), format_dollars(budget.limit)
        told = f"the budget {budget.name}{whose} has no {left} left of {limit}"
        if due.window.end is None:
            return BudgetExhausted(told, retry_after_s=None)
        left_s = (due.window.end - self._clock.now()).total_seconds()
        return BudgetExhausted(f"{told} this {budget.window}", retry_after_s=max(0.0, left_s))

    def _tell(self, held: _Held) -> None:
        self._report(
            Report(lease=held.lease, worker=self._worker, account=held.account, holding=held.purse.holding)
        )
