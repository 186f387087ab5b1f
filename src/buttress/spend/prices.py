"""What an attempt costs: a pure rule, exact in whole nano-dollars."""

from fractions import Fraction
from math import ceil, isfinite

from buttress.kernel.catalogue import Price
from buttress.kernel.usage import NanoDollars, Usage

_NANO_PER_TOKEN = 1_000
"""A dollar for a million tokens is 1,000 nano-dollars for one."""


def cost(usage: Usage | None, price: Price | None) -> NanoDollars | None:
    """Return what `usage` costs at `price`, rounded up to a nano-dollar; None when either is unknown.

    Exact: a price is taken as the decimal number it is written as (0.1 is one tenth), never as its binary
    neighbour. Classes without a price of their own cost what their plain side does. A price that is no amount
    of money (below 0, not finite) is unknown, too. What is free costs nothing however much was used: also an
    attempt that was stopped before its usage was known.
    """
    if price is None:
        return None
    rates = _rates(price)
    if not all(isfinite(rate) and rate >= 0 for rate in rates):
        return None
    if usage is None:
        return None if any(rates) else NanoDollars(0)
    counts = (usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)
    dollars_per_million = sum(count * Fraction(repr(rate)) for count, rate in zip(counts, rates, strict=True))
    return NanoDollars(ceil(dollars_per_million * _NANO_PER_TOKEN))


def _rates(price: Price) -> tuple[float, ...]:
    """Return dollars per million tokens, in the order of the classes of `Usage`."""
    return (
        price.input,
        price.input if price.cache_read is None else price.cache_read,
        price.input if price.cache_write is None else price.cache_write,
        price.output,
        price.output,
    )
