"""The `price:` of a model in models.yaml. Pure.

price: {input: 1.25, output: 10, cache_read: 0.125, source: our contract, date: 2026-05-01}
price:
  input: 1.25
  output: 10
  tiers: [{above_tokens: 200_000, input: 2.5, output: 15}]
  request: 0.001
  batch: {input: 0.6, output: 5}
  lanes: {priority: {input: 2.5, output: 20}}
"""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.kernel.catalogue import Lane, Price

Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]
Tokens = Annotated[int, Meta(gt=0)]

Odd = tuple[tuple[str | int, ...], str, str]
"""Where in a price something is wrong, what, and what to do."""


class RatesEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars per million tokens; see `Rates`."""

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    cache_write: Dollars | None = None
    cache_write_1h: Dollars | None = None
    reasoning: Dollars | None = None


class TierEntry(RatesEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Those of longer requests."""

    above_tokens: Tokens


class TieredEntry(RatesEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates, and those of longer requests."""

    tiers: tuple[TierEntry, ...] = ()


class PriceEntry(TieredEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `price` of a model; see `Price`."""

    request: Dollars = 0.0
    batch: TieredEntry | None = None
    lanes: dict[str, TieredEntry] = {}
    text_only: bool = False
    source: Annotated[str, Meta(max_length=200)] = ""
    date: str = ""


def price_of(entry: PriceEntry) -> Price:
    """Return the price that `entry`, with which nothing is wrong, says."""
    day = _day(entry.date)
    told = {name: getattr(entry, name) for name in entry.__struct_fields__ if name not in ("date", "lanes")}
    price = msgspec.convert({**told, "date": day}, Price, from_attributes=True)
    lanes = (Lane(name, _in_lane(price, lane)) for name, lane in entry.lanes.items())
    return msgspec.structs.replace(price, lanes=tuple(lanes))


def _in_lane(price: Price, lane: TieredEntry) -> Price:
    """Return the price of a lane: its own rates, and all else of `price`."""
    rates = {name: getattr(lane, name) for name in lane.__struct_fields__}
    same = {name: getattr(price, name) for name in ("request", "text_only", "source", "date")}
    return msgspec.convert(rates | same, Price, from_attributes=True)


def odd_in(entry: PriceEntry) -> Iterator[Odd]:
    """Yield what is wrong with a price whose figures each are of the right kind."""
    if entry.date and _day(entry.date) is None:
        yield ("date",), f"`{entry.date[:40]}` is no day", "Write it like 2026-05-31."
    lanes = ((("lanes", name), lane) for name, lane in entry.lanes.items())
    for place, tiered in (((), entry), (("batch",), entry.batch), *lanes):
        for at, (lower, upper) in enumerate(pairwise(tiered.tiers if tiered else ()), start=1):
            if upper.above_tokens <= lower.above_tokens:
                told = f"{upper.above_tokens:,} tokens come after {lower.above_tokens:,}"
                yield (*place, "tiers", at, "above_tokens"), told, "Put the shortest requests first."


def _day(written: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(written)
    except ValueError:
        return None
