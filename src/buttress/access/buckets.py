"""How much of a rate is left: a bucket that fills evenly. Pure.

A bucket is one number: the moment at which it is full again, in seconds of a clock that only goes on
(the generic cell rate algorithm). It holds a minute's worth: after a quiet minute so much may come at once.
So within any minute at most twice the limit is let in, and over longer the limit.
"""

import math

WINDOW_S = 60.0

MAX_DEBT_S = 600.0
"""How far in the future a bucket may be full at most: what costs more than was reserved is owed no longer. A
moment far beyond it is of another start of the machine, whose clock began anew; one that is a little beyond
was written by who looked at the clock a moment later than who reads it."""


def left(limit: int, full_at: float, now: float) -> float:
    """Return how much of `limit` a minute may be taken now; below 0 where more was taken than there was."""
    return limit * (1 - until_full_s(full_at, now) / WINDOW_S)


def taken(limit: int, amount: float, full_at: float, now: float) -> float:
    """Return when a bucket is full again that `amount` is taken from, even if there is not so much."""
    return now + min(MAX_DEBT_S, until_full_s(full_at, now) + amount * WINDOW_S / limit)


def given_back(limit: int, amount: float, full_at: float, now: float) -> float:
    """Return when a bucket is full again that `amount` is given back to; it is never overfull."""
    return now + max(0.0, until_full_s(full_at, now) - amount * WINDOW_S / limit)


def wait_s(limit: int, amount: float, full_at: float, now: float) -> float:
    """Return in how many seconds `amount` may be taken; infinite where it never may at once."""
    if amount > limit:
        return math.inf
    return max(0.0, (amount - left(limit, full_at, now)) * WINDOW_S / limit)


def until_full_s(full_at: float, now: float) -> float:
    """Return in how many seconds a bucket is full."""
    wait = full_at - now
    return min(wait, MAX_DEBT_S) if 0 < wait <= MAX_DEBT_S + WINDOW_S else 0.0
