"""A worker's purses: money is set aside in memory for each attempt; when it is short the ledger is asked.

An attempt must have its money in every account that it touches, or in none. Accounts are gone through in the
order of their budgets, which is the same for everybody.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from math import inf
from types import TracebackType
from typing import Protocol, Self

import msgspec
import psycopg
import structlog

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.usage import NanoDollars, format_dollars
from buttress.spend.budgets import AccountKey, Budget, Due
from buttress.spend.errors import BudgetExhausted, BudgetHeld, LeaseEnded, LedgerAway, PriceUnknown
from buttress.spend.leases import Purse
from buttress.spend.store import Balance, Grant, Ledger, Refusal, Report

GIVEN_BACK_S = 2.0
"""Within about so many seconds others have given back what they do not need, and the ledger knows of it."""

MAX_PURSES = 20_000
"""Of more, those that were idle for longest are given back."""

MAX_TIDIED = 1_000
"""Leases that are looked at, and ended, at once: in milliseconds, since calls wait for it."""

GIVE_UP_S = 10.0
"""A question that the ledger has not answered by then is asked again, by whoever needs the money."""

NOTHING = NanoDollars(0)

_log = structlog.get_logger("buttress.spend.purses")


class Left(msgspec.Struct, frozen=True):
    """What is left of an account as far as a worker knows, in nano-dollars: so much at most.

    It knows what it spent itself, and what others had told when it last asked the ledger. `resets_in_s` None:
    the window never ends.
    """

    budget: str
    left: int
    limit: int
    resets_in_s: float | None

    @property
    def share(self) -> float:
        """What is left as a share of 1 of the limit."""
        return self.left / self.limit


class Notes(Protocol):
    """Where a worker writes down what it does with its leases: its `journal.Journal`."""

    @property
    def newest_grant(self) -> int:
        """The highest number of a grant that anybody is known to have had."""
        ...

    def write(self, reports: Sequence[Report]) -> None:
        """Write one step down, before it counts. Never raises."""
        ...


class Scarce(msgspec.Struct, frozen=True):
    """An account of which somebody has no money left that others may hold: it is told to them."""

    budget: str
    owner: tuple[str, ...]


class PurseParts(msgspec.Struct, frozen=True, kw_only=True):
    """What purses need: the ledger, and where to write.

    A call waits `ask_timeout_s` for the ledger's answer, and until the ledger was had for the first time as
    long as `opening_timeout_s`, too. `short` is told of what others may hold money that is needed here.
    """

    ledger: Callable[[], Awaitable[Ledger]]
    notes: Notes
    clock: Clock
    short: Callable[[Scarce], None]
    ask_timeout_s: float = 0.05
    opening_timeout_s: float = 0.05


class _Held:
    """A purse with what it is for.

    One asks the ledger at a time, for all who wait. `is_unsure`: an answer was lost, and there may be more
    in the lease than the purse knows of.
    """

    def __init__(self, lease: str, worker: str, due: Due, purse: Purse) -> None:
        self.lease = lease
        self.worker = worker
        self.account = due.key
        self.budget = due.budget
        self.purse = purse
        self.grant = 0
        self.asking: _Asking | None = None
        self.is_unsure = False
        self.counted = (0, 0)
        self._others: int | None = None

    def hear(self, used: int) -> None:
        """Note what all had spent when the ledger was asked; of what is ours it may not know all."""
        self._others = max(self._others or 0, used - self.purse.used)

    @property
    def used(self) -> int | None:
        """What all have spent at least, in nano-dollars; None where the ledger never said."""
        return None if self._others is None else self._others + self.purse.used

    @property
    def report(self) -> Report:
        """What is to be written down of it."""
        return Report(
            lease=self.lease,
            worker=self.worker,
            account=self.account,
            holding=self.purse.holding,
            reserved=NanoDollars(self.purse.reserved),
            grant=self.grant,
        )

    @property
    def spare(self) -> int:
        """What may be spent without asking, in nano-dollars."""
        return 0 if self.purse.is_ended else max(0, self.purse.free)


class _Asking(msgspec.Struct, frozen=True):
    """A question to the ledger under way, for `amount`; the answer is None where the ledger was silent."""

    amount: NanoDollars
    answer: asyncio.Task[Grant | Refusal | None]


class Reservation(msgspec.Struct, frozen=True):
    """Money set aside for one attempt: so much in each of these purses."""

    parts: Sequence[tuple[_Held, NanoDollars]]


class Purses:
    """Those of the worker `worker`, for one event loop. To be entered before anything is reserved.

    A question to the ledger lives longer than the call that asked it: what is granted late is not lost.
    """

    def __init__(self, worker: str, parts: PurseParts) -> None:
        self._worker = worker
        self._parts = parts
        self._clock = parts.clock
        self._held: OrderedDict[AccountKey, _Held] = OrderedDict()
        self._leaving: list[_Held] = []
        self._uncounted: set[_Held] = set()
        self._budgets: Mapping[str, Budget] | None = None
        self._to_look_at: list[AccountKey] = []
        self._leases = self._free = self._reserved = 0
        self._is_open = False
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[Grant | Refusal | None]] = set()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def __len__(self) -> int:
        return len(self._held) + len(self._leaving)

    @property
    def free(self) -> int:
        """What may be spent without asking, in nano-dollars, in all accounts together."""
        self._count()
        return self._free

    @property
    def reserved(self) -> int:
        """What is set aside for attempts under way, in nano-dollars, in all accounts together."""
        self._count()
        return self._reserved

    async def reserve(self, dues: Sequence[Due], worst: NanoDollars | None) -> Reservation:
        """Set `worst` aside in every account, and write that down; None: nobody knows what it may cost.

        Raises:
            BudgetExhausted: a hard budget has not so much left.
            BudgetHeld: it has, but others hold it just now.
            PriceUnknown: a budget refuses what it cannot know.
            LedgerAway: the ledger would have to be asked, and cannot be.
        """
        parts: list[tuple[_Held, NanoDollars]] = []
        try:
            for due in dues:
                held, amount = self._of(due), _amount(due.budget, worst)
                if amount and not held.purse.reserve(amount, self._clock.monotonic()):
                    amount = await self._had(held, due, amount)
                parts.append((held, amount))
        except BaseException:
            for held, amount in parts:
                held.purse.settle(amount, NOTHING)
            # A line of another call may say that it is set aside.
            self._tell([held for held, amount in parts if amount])
            raise
        self._tell([held for held, _ in parts])
        return Reservation(parts)

    def settle(self, reservation: Reservation, cost: NanoDollars | None) -> None:
        """Pay `cost` from every account, and write it down. Exactly once for each reservation.

        Of a cost that nobody knows (None) all that was set aside is paid.
        """
        for held, amount in reservation.parts:
            held.purse.settle(amount, cost)
        self._tell([held for held, _ in reservation.parts])

    def left(self, *dues: Due) -> Left | None:
        """Return what is left of that account of `dues` which is nearest to its end, without asking anybody.

        None where that of none is known here.
        """
        now, least, nearest = self._clock.monotonic(), inf, None
        for due in dues:
            held = self._held.get(due.key)
            if held is None or (used := held.used) is None or held.purse.is_over(now):
                continue
            left, limit = max(0, due.budget.limit - used), due.budget.limit
            if left / limit < least:
                least, nearest = left / limit, (due.budget.name, left, limit, held.purse.spend_until)
        if nearest is None:
            return None
        name, left, limit, until = nearest
        return Left(name, left, limit, None if until == inf else until - now)

    def give_back(self, scarce: Scarce) -> None:
        """Give back what is free of an account: another worker has nothing left."""
        keys = [key for key in self._held if (key.budget, key.owner) == (scarce.budget, scarce.owner)]
        for key in keys:
            held = self._held[key]
            if held.is_unsure and held.asking is None:
                self._leave(key)
            elif held.purse.free > 0:
                held.purse.give_back()
                self._tell([held])

    def follow(self, budgets: Sequence[Budget]) -> None:
        """Have money of other budgets than these given back, little by little, at each `tidy`."""
        self._budgets = {one.name: one for one in budgets}

    def tidy(self) -> None:
        """End leases of windows that are over, and of budgets that are no more, once nothing is under way.

        It looks at `MAX_TIDIED` of them, the next ones each time: there may be one for each user.
        """
        now = self._clock.monotonic()
        keys = self._to_look_at or list(self._held)
        for key in keys[:MAX_TIDIED]:
            held = self._held.get(key)
            if held and (held.purse.is_over(now) or self._is_former(held)):
                self._leaving.append(self._held.pop(key))
        self._to_look_at = keys[MAX_TIDIED:]
        self._end(self._leaving[:MAX_TIDIED])
        self._leaving = [held for held in self._leaving if not held.purse.is_ended]
        self._count()

    def close(self) -> None:
        """End every lease under which nothing is under way; who reads the journal buries the others."""
        everybody = [*self._held.values(), *self._leaving]
        self._held.clear()
        self._leaving.clear()
        for start in range(0, len(everybody), MAX_TIDIED):
            self._end(everybody[start : start + MAX_TIDIED])

    async def _had(self, held: _Held, due: Due, amount: NanoDollars) -> NanoDollars:
        """Reserve `amount` with more from the ledger; nothing where that is away and the budget allows it."""
        try:
            await self._ask(held, due, amount)
        except LedgerAway:
            if due.budget.without_ledger == "refuse":
                raise
            return NOTHING
        return amount

    async def _ask(self, held: _Held, due: Due, amount: NanoDollars) -> None:
        """Reserve with more from the ledger; all who wait for the same purse hear the same answer."""
        purse, clock = held.purse, self._clock
        while not purse.reserve(amount, clock.monotonic()):
            if purse.is_over(clock.monotonic()):
                message = f"the budget {due.budget.name} changed, or its window ended, while it was asked"
                raise BudgetHeld(message, retry_after_s=GIVEN_BACK_S)
            asking = held.asking or self._begin(held, due, amount)
            given = await self._heard(asking, due)
            # Others may be faster than whoever asked, and reserve what came: then more is asked for.
            if isinstance(given, Refusal) and amount >= max(asking.amount, purse.free + 1):
                raise self._refusal(due, amount, given.balance)

    async def _heard(self, asking: _Asking, due: Due) -> Grant | Refusal:
        """Return what the ledger says, if it says it in time."""
        parts = self._parts
        within_s = parts.ask_timeout_s + (0 if self._is_open else parts.opening_timeout_s)
        await asyncio.wait([asking.answer], timeout=within_s)
        answer = asking.answer
        given = answer.result() if answer.done() and not answer.cancelled() else None
        if given is None:
            raise LedgerAway(f"the ledger did not say in time what is left of {due.budget.name}")
        return given

    def _begin(self, held: _Held, due: Due, amount: NanoDollars) -> _Asking:
        task = self._tasks.create_task(self._granted(held, due, amount))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        held.asking = _Asking(amount, task)
        return held.asking

    async def _granted(self, held: _Held, due: Due, amount: NanoDollars) -> Grant | Refusal | None:
        """Ask the ledger, and take what it grants, also when nobody waits for it any more."""
        parts, purse = self._parts, held.purse
        held.is_unsure = True
        try:
            async with asyncio.timeout(GIVE_UP_S):
                ledger = await parts.ledger()
                self._is_open = True
                needed, seen = NanoDollars(max(0, amount - purse.free)), parts.notes.newest_grant
                given = await ledger.grant(due, held.lease, self._worker, needed, seen, amount)
        except LeaseEnded as error:
            if not purse.is_ended:
                _log.error("lease.lost", lease=held.lease, reason=error.message)
            self._lose(held)
            return None
        except (TimeoutError, ButtressError, psycopg.Error, OSError) as error:
            if not isinstance(error, TimeoutError) and not _is_retryable(error):
                _log.error("ledger.refuses", budget=due.budget.name, reason=str(error))
            return None
        finally:
            held.asking = None
        held.hear(given.balance.used if isinstance(given, Refusal) else given.used)
        self._receive(held, given.granted if isinstance(given, Refusal) else given)
        return given

    def _receive(self, held: _Held, grant: Grant) -> None:
        held.is_unsure = False
        if grant.total > held.purse.granted:
            held.purse.receive(grant.total)
            held.grant = max(held.grant, grant.number)
            self._tell([held])

    def _lose(self, held: _Held) -> None:
        """Take a new lease for the next call: nothing is granted under this one any more."""
        if self._held.get(held.account) is held:
            self._leave(held.account)

    def _of(self, due: Due) -> _Held:
        """Return the purse of an account; the last of all is the one that was used last."""
        key = due.key
        held = self._held.get(key)
        if held is not None and self._is_good(held, due):
            self._held.move_to_end(key)
            return held
        if held is not None:
            self._leave(key)
        self._leases += 1
        lease = f"{self._worker}.{self._leases}"
        held = self._held[key] = _Held(lease, self._worker, due, Purse(self._spend_until(due)))
        if len(self._held) > MAX_PURSES:
            self._end_oldest(but=held)
        return held

    def _is_good(self, held: _Held, due: Due) -> bool:
        """Say whether a purse may be used: in its window, and for the budget as it was when it was begun."""
        is_same = held.budget is due.budget or held.budget == due.budget
        return is_same and not held.purse.is_over(self._clock.monotonic())

    def _is_former(self, held: _Held) -> bool:
        """Say whether the budget of a purse is not declared any more as it was."""
        return self._budgets is not None and self._budgets.get(held.account.budget) != held.budget

    def _leave(self, key: AccountKey) -> None:
        """Use a purse no more; its lease ends when nothing is under way under it."""
        self._leaving.append(self._held.pop(key))
        self._end(self._leaving[-1:])

    def _end(self, purses: Iterable[_Held]) -> None:
        """End them; where something is under way, what is free of them is given back already."""
        changed = []
        for held in purses:
            before = held.purse.holding
            if not before.is_ended and not held.purse.end():
                held.purse.give_back()
            if held.purse.holding != before:
                changed.append(held)
        self._tell(changed)

    def _end_oldest(self, but: _Held) -> None:
        idle = next((key for key, held in self._held.items() if held is not but and _is_idle(held)), None)
        if idle:
            self._leave(idle)

    def _spend_until(self, due: Due) -> float:
        """Return when the window is over, on the monotonic clock: from then on no wall clock is asked."""
        if due.window.end is None:
            return inf
        return self._clock.monotonic() + (due.window.end - self._clock.now()).total_seconds()

    def _refusal(self, due: Due, amount: NanoDollars, given: Balance) -> ButtressError:
        """Return why `amount` cannot be had of an account; others are asked for what they do not need."""
        budget = due.budget
        whose = f" of {', '.join(due.key.owner)}" if any(due.key.owner) else ""
        told = f"the budget {budget.name}{whose} has no {format_dollars(amount)} left"
        limit = format_dollars(budget.limit)
        if given.held and given.used + amount <= budget.limit:
            self._parts.short(Scarce(budget.name, due.key.owner))
            message = f"{told} now: of {limit}, {format_dollars(NanoDollars(given.held))} are set aside"
            return BudgetHeld(message, retry_after_s=GIVEN_BACK_S)
        if due.window.end is None:
            return BudgetExhausted(f"{told} of {limit}", retry_after_s=None)
        left_s = (due.window.end - self._clock.now()).total_seconds()
        return BudgetExhausted(f"{told} of {limit} this {budget.window}", retry_after_s=max(0.0, left_s))

    def _tell(self, touched: Sequence[_Held]) -> None:
        if not touched:
            return
        self._uncounted.update(touched)
        if len(self._uncounted) > MAX_TIDIED:
            self._count()
        self._parts.notes.write([held.report for held in touched])

    def _count(self) -> None:
        """Bring the sums of all purses up to date: there may be one for each user, and few have changed."""
        for held in self._uncounted:
            free, reserved = held.counted
            held.counted = (held.spare, held.purse.reserved)
            self._free += held.counted[0] - free
            self._reserved += held.counted[1] - reserved
        self._uncounted.clear()


def _amount(budget: Budget, worst: NanoDollars | None) -> NanoDollars:
    """Return what is to be set aside of `budget` for an attempt that costs `worst` at most."""
    if worst is None and budget.unpriced == "refuse":
        raise PriceUnknown(f"the budget {budget.name} allows no call whose price nobody knows")
    return worst if worst is not None and budget.hard else NOTHING


def _is_idle(held: _Held) -> bool:
    """Say whether nobody is about to reserve anything there, and nothing is under way."""
    return held.asking is None and not held.purse.reserved


def _is_retryable(error: Exception) -> bool:
    return isinstance(error, ButtressError) and error.retryable
