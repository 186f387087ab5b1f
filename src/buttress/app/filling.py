"""The ports of a call, filled: what one room needs of another is handed over here."""

from collections.abc import Sequence
from types import TracebackType

from buttress.kernel.catalogue import Model, Price
from buttress.kernel.clock import Clock
from buttress.kernel.usage import NanoDollars
from buttress.knowledge.ports import Engine
from buttress.models.order import Order
from buttress.models.types import Bill
from buttress.spend.prices import cost, in_force, in_lane


class EngineRanker:
    """A `models.ports.SentenceRanker`: the engine's cosine, 0 where the two have nothing in common."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def rank(self, question: str, sentences: Sequence[str]) -> Sequence[float]:
        """See `SentenceRanker.rank`."""
        ranked = await self._engine.rank_sentences(question, sentences)
        return [max(0.0, cosine) for cosine in ranked]


class PriceMeter:
    """A `models.ports.Meter` without budgets: nothing is reserved, each attempt is priced at its end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def attempt(self, model: Model, order: Order) -> "_Metered":
        """See `Meter.attempt`; never refuses."""
        return _Metered(price_now(model, order, self._clock))


class _Metered:
    """One attempt that is priced at its end. A class, since each call needs one."""

    def __init__(self, price: Price | None) -> None:
        self._price = price
        self._bill = Bill()

    async def __aenter__(self) -> Bill:
        return self._bill

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bill.cost = priced(self._bill, self._price)


def price_now(model: Model, order: Order, clock: Clock) -> Price | None:
    """Return what `order` costs at `model` in this moment, in which it begins; None where nobody knows."""
    price = model.price
    if price and price.changes:
        price = in_force(price, clock.now())
    return in_lane(price, order.lane(model))


def priced(bill: Bill, price: Price | None) -> NanoDollars | None:
    """Return what an attempt cost; None where nobody knows."""
    return NanoDollars(0) if bill.is_free else cost(bill.usage, price)


class OpenEgress:
    """A `models.ports.Egress` without a policy: everything may leave to every declared model."""

    async def allow(self, model: Model, order: Order) -> None:
        """See `Egress.allow`; never refuses."""
        del model, order
