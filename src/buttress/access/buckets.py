"""How much of a rate is left: a bucket that fills evenly. Pure.

A bucket is one number: the moment at which it is full again, in seconds of a clock that only goes on
(the generic cell rate algorithm). It holds a minute's worth: after a quiet minute so much may come at once.
So within any minute at most twice the limit is let in, and over longer the limit.
The rules go by how many seconds that moment is ahead: `until_s`, 0 of a full one.
"""

import math

WINDOW_S = 60.0

MAX_DEBT_S = 600.0
"""How far in the future a bucket may be full at most: what costs more than was reserved is owed no longer. A
moment far beyond it is of another start of the machine, whose clock began anew; one that is a little beyond
was written by who looked at the clock a moment later than who reads it."""


def until_full_s(full_at: float, now: float) -> float:
    """Return in how many seconds a bucket is full."""
    wait = full_at - now
    return min(wait, MAX_DEBT_S) if 0 < wait <= MAX_DEBT_S + WINDOW_S else 0.0


def left(limit: int, until_s: float) -> float:
    """Return how much of `limit` a minute may be taken now; below 0 where more was taken than there was."""
    return limit * (1 - until_s / WINDOW_S)


def taken(limit: int, amount: float, until_s: float) -> float:
    """Return in how many seconds a bucket is full that `amount` is taken from, even if there is less."""
    return min(MAX_DEBT_S, until_s + amount * WINDOW_S / limit)


def given_back(limit: int, amount: float, until_s: float) -> float:
    """Return in how many seconds a bucket is full that `amount` is given back to; it is never overfull."""
    return max(0.0, until_s - amount * WINDOW_S / limit)


def wait_s(limit: int, amount: float, until_s: float) -> float:
    """Return in how many seconds `amount` may be taken; infinite where it never may at once."""
    if amount > limit:
        return math.inf
    return max(0.0, (amount - left(limit, until_s)) * WINDOW_S / limit)
