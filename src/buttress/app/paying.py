"""A project's budgets in one process: what attempts are paid from, and where that is written down."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from buttress.app.filling import PriceMeter, price_now, priced
from buttress.kernel.catalogue import Model, Price
from buttress.kernel.clock import Clock
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NANO, NanoDollars
from buttress.models.order import Order
from buttress.models.ports import Meter
from buttress.models.types import Bill
from buttress.spend.accounts import Accounts
from buttress.spend.budgets import Budget, Due, Sight, longest_s
from buttress.spend.journal import Journal, read_newest_grant, untold_bytes
from buttress.spend.prices import is_free, most
from buttress.spend.purses import Left, PurseParts, Purses, Reservation, Scarce
from buttress.spend.settings import SpendSettings
from buttress.spend.states import account_states
from buttress.spend.store import Ledger
from buttress.storage.database import Database, OpenDatabase
from buttress.tracing.metrics import ASSUMED, BEHIND, LEASED, LEASES, RESERVED, UNTOLD, USED, Present

DAY_S = 86_400.0

OPENING_S = 30.0
"""How long a program waits for the database of its project, which may have to be started."""

MAX_SHORT = 64
"""Accounts of which others are to be told that money is short; of more, the rest is told when it is again."""


class PayingParts(msgspec.Struct, frozen=True, kw_only=True):
    """What paying needs: who writes, where to, and the database, once somebody must be asked.

    Who is `served` has it opened at the start, and lets no call wait until it is back.
    """

    writer: str
    folder: Path
    database: OpenDatabase
    clock: Clock
    settings: SpendSettings
    is_served: bool = False


class Paying:
    """The purses of this process, to be entered. Without budgets attempts are priced, and no more happens."""

    def __init__(self, parts: PayingParts) -> None:
        self._parts = parts
        self._accounts: Accounts | None = None
        self._journal = Journal(parts.folder, parts.writer)
        self.short: asyncio.Queue[Scarce] = asyncio.Queue(MAX_SHORT)
        """Accounts of which other processes may hold money that is needed here."""
        self._purses = Purses(
            parts.writer,
            PurseParts(
                ledger=self._ledger,
                notes=self._journal,
                clock=parts.clock,
                short=self._say_short,
                ask_timeout_s=parts.settings.ask_timeout_s,
                opening_timeout_s=parts.settings.ask_timeout_s if parts.is_served else OPENING_S,
            ),
        )

    async def __aenter__(self) -> Self:
        await self._purses.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._purses.__aexit__(kind, error, trace)

    @property
    def trouble(self) -> str:
        """Why settlements are not where they should be; empty when they are."""
        return self._journal.trouble

    @property
    def present(self) -> Present:
        """How the purses stand, as metrics."""
        purses = self._purses
        return {
            LEASES: {(): len(purses)},
            LEASED: {(): purses.free / NANO},
            RESERVED: {(): purses.reserved / NANO},
        }

    def metering(self, budgets: Sequence[Budget]) -> Callable[[Payer], Meter]:
        """Return what gives the meter by which somebody pays from `budgets`, which are those from now on."""
        self._purses.follow(budgets)
        if not budgets:
            prices = PriceMeter(self._parts.clock)
            return lambda _: prices
        clock, accounts = self._parts.clock, self._accounts_of(budgets)
        return lambda payer: BudgetMeter(payer, accounts, self._purses, clock)

    def nearest(
        self, budgets: Sequence[Budget], payer: Payer, models: Iterable[Model], sight: Sight
    ) -> Left | None:
        """Return the account nearest to its end of those that `payer` pays `models` from.

        Of hard budgets, of accounts that are in `sight` as a whole, and as far as is known here.
        """
        accounts = self._accounts_of(budgets)
        asked = [accounts.hard(payer, model.name) for model in models if not is_free(model.price)]
        return self._purses.left(*[due for dues in asked for due in dues if due.is_in(sight)])

    def give_back(self, scarce: Scarce) -> None:
        """Give back what is free of an account: another process has nothing left."""
        self._purses.give_back(scarce)
        self._journal.seal()

    def seal(self) -> None:
        """Hand what was settled so far to whoever ships it."""
        self._purses.tidy()
        self._journal.seal()

    def close(self) -> None:
        """End what can be ended, and hand everything over."""
        self._purses.close()
        self._journal.close()

    def _accounts_of(self, budgets: Sequence[Budget]) -> Accounts:
        if self._accounts is None or self._accounts.budgets is not budgets:
            self._accounts = Accounts(budgets, self._parts.clock)
        return self._accounts

    async def _ledger(self) -> Ledger:
        return Ledger(await self._parts.database())

    def _say_short(self, scarce: Scarce) -> None:
        if not self.short.full():
            self.short.put_nowait(scarce)


async def budgets_now(database: Database, budgets: Sequence[Budget], clock: Clock, journals: Path) -> Present:
    """Return how each of `budgets` stands, as metrics: that account of it which has spent most.

    And how far the ledger is behind what stands in `journals`, a folder.

    Raises:
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    states = await account_states(database, budgets, clock.now(), most=1)
    known = await Ledger(database).newest_grant()
    return {
        BEHIND: {(): max(0, read_newest_grant(journals) - known)},
        UNTOLD: {(): untold_bytes(journals)},
        USED: {(one.budget,): one.used / one.limit for one in states},
        ASSUMED: {(one.budget,): one.assumed / NANO for one in states},
    }


async def forget_leases(database: Database, budgets: Sequence[Budget], settings: SpendSettings) -> int:
    """Delete the leases that no window of `budgets`, and no calendar's, counts any more; return how many.

    As long as journals are kept they stay beyond that: a database that learns again learns them, too.

    Raises:
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    keep_s = settings.keep_days * DAY_S
    return await Ledger(database).forget(longest_s(budgets) + keep_s, keep_s)


class BudgetMeter:
    """A `models.ports.Meter`: an attempt has its money in every budget that it touches, or does not begin."""

    def __init__(self, payer: Payer, accounts: Accounts, purses: Purses, clock: Clock) -> None:
        self._clock = clock
        self._payer = payer
        self._accounts = accounts
        self._purses = purses

    def attempt(self, model: Model, order: Order) -> AbstractAsyncContextManager[Bill]:
        """See `Meter.attempt`; what is free needs no money.

        Raises:
            BudgetExhausted, BudgetHeld, PriceUnknown, LedgerAway: see `spend.purses.Purses.reserve`.
        """
        bounds, price = order.bounds(model), price_now(model, order, self._clock)
        worst = most(price, bounds.input_tokens, bounds.output_tokens)
        dues = () if worst == 0 else self._accounts.of(self._payer, model.name)
        return _Paid(self._purses, dues, worst, price)


class _Paid:
    """One attempt. A class, since each call needs one."""

    def __init__(
        self, purses: Purses, dues: Sequence[Due], worst: NanoDollars | None, price: Price | None
    ) -> None:
        self._purses = purses
        self._dues = dues
        self._worst = worst
        self._price = price
        self._bill = Bill()
        self._reservation = Reservation(())

    async def __aenter__(self) -> Bill:
        self._reservation = await self._purses.reserve(self._dues, self._worst)
        return self._bill

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bill.cost = priced(self._bill, self._price)
        self._purses.settle(self._reservation, self._bill.cost)
