"""What an attempt costs: a pure rule, exact in whole nano-dollars."""

from fractions import Fraction
from functools import lru_cache
from math import isfinite, lcm

import msgspec

from buttress.kernel.catalogue import Price
from buttress.kernel.usage import NanoDollars, Usage

_NANO_PER_TOKEN = 1_000
"""A dollar for a million tokens is 1,000 nano-dollars for one."""

MAX_COST = 10**17
"""A hundred million dollars, in nano-dollars: above it an upstream told nonsense, that no table can hold."""


def cost(usage: Usage | None, price: Price | None) -> NanoDollars | None:
    """Return what `usage` costs at `price`, rounded up to a nano-dollar; None when either is unknown.

    Exact: a price is taken as the decimal number it is written as (0.1 is one tenth), never as its binary
    neighbour. Classes without a price of their own cost what their plain side does. A price that is no amount
    of money (below 0, not finite) is unknown, too; so is a cost above MAX_COST. What is free costs nothing
    however much was used: also an attempt that was stopped before its usage was known.
    """
    exact = _exact(price) if price else None
    if exact is None:
        return None
    if usage is None:
        return None if any(exact.nano_rates) else NanoDollars(0)
    counts = (usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)
    whole = sum([count * rate for count, rate in zip(counts, exact.nano_rates, strict=True)])
    nano = -(-whole // exact.divisor)
    return NanoDollars(nano) if nano <= MAX_COST else None


class _Exact(msgspec.Struct, frozen=True):
    """Nano-dollars for a token of each class of `Usage`, times `divisor`: whole numbers, all of them."""

    nano_rates: tuple[int, ...]
    divisor: int


@lru_cache(maxsize=1_000)
def _exact(price: Price) -> _Exact | None:
    """Return `price` in whole numbers, None where it is no amount of money; each call needs it."""
    rates = (
        price.input,
        price.input if price.cache_read is None else price.cache_read,
        price.input if price.cache_write is None else price.cache_write,
        price.output,
        price.output,
    )
    if not all(isfinite(rate) and rate >= 0 for rate in rates):
        return None
    fractions = [Fraction(repr(rate)) * _NANO_PER_TOKEN for rate in rates]
    divisor = lcm(*(one.denominator for one in fractions))
    return _Exact(tuple(int(one * divisor) for one in fractions), divisor)
