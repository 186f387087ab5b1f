"""What an attempt costs, and what it can cost at most: pure rules, exact in whole nano-dollars."""

from datetime import UTC, datetime, time
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import isfinite, lcm

import msgspec

from buttress.kernel.catalogue import Change, Price, Rates, Tiered
from buttress.kernel.usage import NANO, NanoDollars, Usage

_NANO_PER_TOKEN = 1_000
"""A dollar for a million tokens is 1,000 nano-dollars for one."""

MAX_COST = 10**17
"""A hundred million dollars, in nano-dollars: above it an upstream told nonsense, that no table can hold."""


def in_force(price: Price | None, moment: datetime) -> Price | None:
    """Return what `price` is at `moment`, which has a time zone: the last of its changes that holds then."""
    for change in reversed(price.changes if price else ()):
        if _holds(change, moment.astimezone(UTC)):
            return change.price
    return price


def in_lane(price: Price | None, lane: str) -> Price | None:
    """Return what `price` is of requests that ask for `lane`; None where nobody knows. Empty: the usual one.

    What is free is so in each lane.
    """
    if not lane or price is None:
        return price
    named = next((one.price for one in price.lanes if one.name == lane), None)
    return price if named is None and cost(None, price) == 0 else named


@lru_cache(maxsize=1_000)
def is_free(price: Price | None) -> bool:
    """Say whether nothing is paid at `price`, now and after its changes, however much is used."""
    changes = price.changes if price else ()
    return all(cost(None, one) == 0 for one in (price, *(change.price for change in changes)))


def _holds(change: Change, moment: datetime) -> bool:
    if change.since is not None and moment.date() < change.since:
        return False
    return change.daily is None or _is_between(moment.time(), *change.daily)


def _is_between(now: time, begin: time, end: time) -> bool:
    """Say whether `now` is from `begin` to before `end`, which may be on the next day."""
    return begin <= now < end if begin <= end else now >= begin or now < end


def cost(usage: Usage | None, price: Price | None, *, batch: bool = False) -> NanoDollars | None:
    """Return what `usage` costs at `price`, rounded up to a nano-dollar; None when either is unknown.

    Exact: a price is taken as the decimal number it is written as (0.1 is one tenth), never as its binary
    neighbour. Classes without a price of their own cost what their plain side does, and a batch without a
    price of its own what other calls do. A price that is no amount of money (below 0, not finite) is unknown,
    too; so is a cost above MAX_COST, and that of sound at the price of text. What is free costs nothing
    however much was used: also an attempt that was stopped before its usage was known. `price` is the one in
    force; its changes are not looked at.
    """
    exact = _exact(price, batch) if price else None
    if exact is None:
        return None
    if usage is None:
        return None if exact.is_paid else NanoDollars(0)
    if usage.sound and exact.is_for_text:
        return None
    step = exact.steps[0] if len(exact.steps) == 1 else _step(exact, _read(usage))
    nano = -(-(_used(usage, step) + exact.fee) // exact.divisor)
    return NanoDollars(nano) if nano <= MAX_COST else None


def _read(usage: Usage) -> int:
    """Return how many tokens were read, of whichever class."""
    return usage.input + usage.cache_read + usage.cache_write


def _used(usage: Usage, step: "_Step") -> int:
    """Return what the tokens of each class cost; written out, since each call needs it."""
    read, cached, written, hour, said, thought = step.rates
    of_hour = min(usage.cache_write_1h, usage.cache_write)
    return (
        usage.input * read
        + usage.cache_read * cached
        + (usage.cache_write - of_hour) * written
        + of_hour * hour
        + usage.output * said
        + usage.reasoning * thought
    )


def most(
    price: Price | None, input_tokens: int, output_tokens: int, *, batch: bool = False
) -> NanoDollars | None:
    """Return what a request costs at most that has at most so many tokens; None where its price is unknown.

    Never below what `cost` says at that price of any usage within these bounds.
    """
    exact = _exact(price, batch) if price else None
    return NanoDollars(min(_worst(exact, input_tokens, output_tokens), MAX_COST)) if exact else None


class _Step(msgspec.Struct, frozen=True):
    """Nano-dollars for a token of each class, times the divisor, of requests with input above `above`.

    The dearest class of what is read costs `most_read`, that of what is said `most_said`.
    """

    above: int
    rates: tuple[int, ...]
    most_read: int
    most_said: int


class _Exact(msgspec.Struct, frozen=True):
    """A price in whole numbers: `steps` by their length; `fee` of a request; all times `divisor`."""

    steps: tuple[_Step, ...]
    fee: int
    divisor: int
    is_paid: bool
    is_for_text: bool


def _step(exact: _Exact, input_tokens: int) -> _Step:
    return next((one for one in reversed(exact.steps) if input_tokens > one.above), exact.steps[0])


def _worst(exact: _Exact, input_tokens: int, output_tokens: int) -> int:
    """Return the dearest of all requests within these bounds, in nano-dollars; it may be a shorter one."""
    first = exact.steps[0]
    if len(exact.steps) == 1:
        return _worst_at(first, exact, input_tokens, output_tokens)
    ends = [*(step.above for step in exact.steps[1:]), input_tokens]
    return max(
        _worst_at(step, exact, min(input_tokens, end), output_tokens)
        for step, end in zip(exact.steps, ends, strict=True)
        if step is first or input_tokens > step.above
    )


def _worst_at(step: _Step, exact: _Exact, input_tokens: int, output_tokens: int) -> int:
    whole = input_tokens * step.most_read + output_tokens * step.most_said + exact.fee
    return -(-whole // exact.divisor)


@lru_cache(maxsize=1_000)
def _exact(price: Price, batch: bool) -> _Exact | None:  # noqa: FBT001 - by keyword a cache takes longer
    """Return `price` in whole numbers, None where it is no amount of money; each call needs it."""
    tiered: Tiered = price.batch if batch and price.batch else price
    above = [-1, *(tier.above_tokens for tier in tiered.tiers)]
    rates = [_rates_of(one) for one in (tiered, *tiered.tiers)]
    figures = [price.request, *(figure for one in rates for figure in one)]
    if not all(isfinite(one) and one >= 0 for one in figures) or any(b <= a for a, b in pairwise(above)):
        return None
    per_token = [[Fraction(repr(figure)) * _NANO_PER_TOKEN for figure in one] for one in rates]
    fee = Fraction(repr(price.request)) * NANO
    divisor = lcm(fee.denominator, *(one.denominator for figures in per_token for one in figures))
    whole = [tuple(int(one * divisor) for one in figures) for figures in per_token]
    steps = [
        _Step(start, figures, max(figures[:4]), max(figures[4:]))
        for start, figures in zip(above, whole, strict=True)
    ]
    is_paid = bool(fee) or any(any(step.rates) for step in steps)
    return _Exact(tuple(steps), int(fee * divisor), divisor, is_paid, price.text_only)


def _rates_of(rates: Rates) -> tuple[float, ...]:
    """Return the rates of a usage's classes, in the order that `cost` counts them."""
    read = rates.input if rates.cache_read is None else rates.cache_read
    write = rates.input if rates.cache_write is None else rates.cache_write
    hour = write if rates.cache_write_1h is None else rates.cache_write_1h
    reasoning = rates.output if rates.reasoning is None else rates.reasoning
    return (rates.input, read, write, hour, rates.output, reasoning)
