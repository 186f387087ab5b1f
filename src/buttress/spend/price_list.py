"""The packaged price list, `genai-prices`: read here, and nowhere else. It takes 0.3 s and 40 MB.

So only a process of its own reads it (`spend.pricing` starts one: `python -m buttress.spend.price_list`), or
a command that is over soon. It is never asked to fetch newer prices: they come with a newer package.

What tokens alone do not tell is not priced: a model with a price of its own for pictures or quotes is
unknown, one with its own for sound is known for text, and what it takes for searches is not in a price.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import version

import msgspec
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from buttress.kernel.catalogue import Change, Lane, Price, Rates, Tier, Tiered
from buttress.kernel.clock import SystemClock
from buttress.spend.listed import Entry

PACKAGE = "genai-prices"

_Figures = Mapping[str, Decimal | TieredPrices | None]
_Constraint = StartDateConstraint | TimeOfDateConstraint | None
_Periods = list[tuple[_Constraint, ModelPrice]]

_INPUT, _OUTPUT = "input_mtok", "output_mtok"
_CLASSES = {
    "input": _INPUT,
    "output": _OUTPUT,
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
}
_REQUESTS = "requests_kcount"
_BESIDE = ("web_searches_kcount", "storage_searches_kcount", "social_searches_kcount")
"""What tools of the provider's own cost, if they are used: nothing that the tokens of a call tell."""

_LANES = (
    ("service_tier", "flex"),
    ("service_tier", "priority"),
    ("service_tier", "fast"),
    ("speed", "fast"),
)
"""What a request may ask for at a price of its own: with OpenAI and Google, and with Anthropic."""

_SOUND = frozenset(("input_audio_mtok", "output_audio_mtok", "cache_audio_read_mtok"))
_SOLD = frozenset((*_CLASSES.values(), _REQUESTS, *_BESIDE, *_SOUND))
"""Units of models whose calls can be priced by their tokens."""


class Offer(msgspec.Struct, frozen=True):
    """An entry of the list, and its price; None where tokens alone do not tell it."""

    entry: Entry
    price: Price | None


def offer_of(entry: Entry, today: date) -> Offer | None:
    """Return what the list says of `entry` for calls from `today` on; None where it is not in it."""
    seller = _sellers().get(entry.seller)
    found = seller.find_model(entry.model, all_providers=get_snapshot().providers) if seller else None
    if seller is None or found is None:
        return None
    return Offer(Entry(entry.seller, found.id), _price(seller, found, today))


def offers_like(text: str, today: date) -> Iterator[Offer]:
    """Yield every entry with `text` in its seller's or its own name."""
    wanted = text.casefold()
    for seller in _sellers().values():
        for model in seller.models:
            if wanted in f"{seller.id} {model.id} {model.name or ''}".casefold():
                yield Offer(Entry(seller.id, model.id), _price(seller, model, today))


@cache
def list_date(today: date) -> date:
    """Return the last day, not after `today`, that the list knows a change of: it is not older than that."""
    days = [
        constraint.start_date
        for seller in get_snapshot().providers
        for model in seller.models
        for constraint in _constraints(model)
        if isinstance(constraint, StartDateConstraint) and constraint.start_date <= today
    ]
    return max(days, default=date.min)


@cache
def _sellers() -> dict[str, Provider]:
    return {seller.id: seller for seller in get_snapshot().providers}


def _constraints(model: ModelInfo) -> Iterator[_Constraint]:
    yield from (constraint for constraint, _ in _periods(model))
    yield from (one.constraint for one in model.price_variants or ())


def _price(seller: Provider, model: ModelInfo, today: date) -> Price | None:
    """Return the price of `model` with the changes to come; None where one of them is not told by tokens."""
    source = f"{PACKAGE} {version(PACKAGE)}"
    # Who only sells another one's model has its prices, but not those in batches and lanes.
    variants = model.price_variants or [] if any(model is one for one in seller.models) else []
    read: list[tuple[_Constraint, Price]] = []
    for constraint, figures in _from(today, _periods(model)):
        since = constraint.start_date if isinstance(constraint, StartDateConstraint) else today
        told = _Told(figures, variants, max(since, today))
        price = _priced(_of(figures), told.variant(("processing", "batch")))
        if price is None:
            return None
        said = {"source": source, "date": since if since > today else list_date(today)}
        lanes = _lanes(told, said)
        read.append((constraint, msgspec.structs.replace(price, lanes=lanes, **said)))
    changes = tuple(_change(constraint, price) for constraint, price in read[1:])
    return msgspec.structs.replace(read[0][1], changes=changes)


def _from(day: date, periods: _Periods) -> _Periods:
    """Return what may still hold on `day` or later: what came before the price of that day is over."""
    begun = [
        at
        for at, (constraint, _) in enumerate(periods)
        if constraint is None
        or (isinstance(constraint, StartDateConstraint) and constraint.start_date <= day)
    ]
    return periods[max(begun, default=0) :]


def _periods(model: ModelInfo) -> _Periods:
    """Return what it costs when, the first at all other times; the last that holds counts."""
    if isinstance(model.prices, ModelPrice):
        return [(None, model.prices)]
    return [(one.constraint, one.prices) for one in model.prices] or [(None, ModelPrice())]


def _change(constraint: _Constraint, price: Price) -> Change:
    if isinstance(constraint, StartDateConstraint):
        return Change(price=price, since=constraint.start_date)
    if isinstance(constraint, TimeOfDateConstraint):
        return Change(price=price, daily=(_utc(constraint.start_time), _utc(constraint.end_time)))
    return Change(price=price)


def _utc(moment: time) -> time:
    offset = moment.utcoffset() or timedelta()
    return (datetime.combine(date(2000, 1, 1), moment.replace(tzinfo=None)) - offset).time()


def _of(figures: ModelPrice) -> _Figures:
    """Return the figures that `figures` names, by their units."""
    return {unit: figure for unit, figure in vars(figures).items() if figure is not None}


class _Told(msgspec.Struct, frozen=True):
    """What the list tells of a model for a time that begins on `day`."""

    standard: ModelPrice
    variants: Sequence[PriceVariant]
    day: date

    def variant(self, asked: tuple[str, str]) -> _Figures:
        """Return the figures of requests that ask for this; nothing where they cost what others do."""
        noon = datetime.combine(self.day, time(12), UTC)
        found: dict[str, Decimal | TieredPrices | None] = {}
        for one in self.variants:
            if one.when == dict([asked]) and (one.constraint is None or one.constraint.active(noon)):
                found = {**_of(one.prices), **found}
        return {**_of(self.standard), **found} if found else {}


def _lanes(told: _Told, said: Mapping[str, object]) -> tuple[Lane, ...]:
    found = [
        (name, _priced(figures, {})) for field, name in _LANES if (figures := told.variant((field, name)))
    ]
    return tuple(Lane(name, msgspec.structs.replace(price, **said)) for name, price in found if price)


def _priced(figures: _Figures, batch: _Figures) -> Price | None:
    if not figures.keys() <= _SOLD or not figures.keys() & {_INPUT, _REQUESTS}:
        return None
    fee = figures.get(_REQUESTS)
    return Price(
        **msgspec.structs.asdict(_tiered(figures)),
        request=float(fee) / 1_000 if isinstance(fee, Decimal) else 0.0,
        batch=_tiered(batch) if batch else None,
        text_only=not _SOUND.isdisjoint(figures),
    )


def _tiered(figures: _Figures) -> Tiered:
    starts = {tier.start for one in figures.values() if isinstance(one, TieredPrices) for tier in one.tiers}
    tiers = tuple(
        Tier(**msgspec.structs.asdict(_rates(figures, start)), above_tokens=start) for start in sorted(starts)
    )
    return Tiered(**msgspec.structs.asdict(_rates(figures, -1)), tiers=tiers)


def _rates(figures: _Figures, start: int) -> Rates:
    """Return what tokens cost in requests just longer than `start` tokens of input."""
    found = {name: _at(figures.get(unit), start) for name, unit in _CLASSES.items()}
    told = {name: one for name, one in found.items() if one is not None}
    return Rates(**{"input": 0.0, "output": 0.0} | told)


def _at(figure: Decimal | TieredPrices | None, start: int) -> float | None:
    if not isinstance(figure, TieredPrices):
        return None if figure is None else float(figure)
    return float(next((tier.price for tier in reversed(figure.tiers) if tier.start <= start), figure.base))


def main() -> None:
    """Answer on standard output for the entries that stand on standard input, both in JSON."""
    entries = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Entry])
    today = SystemClock().now().date()
    offers = [offer_of(entry, today) for entry in entries]
    sys.stdout.buffer.write(msgspec.json.encode([offer and offer.price for offer in offers]))


if __name__ == "__main__":
    main()
