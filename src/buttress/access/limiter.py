"""Lets requests in as far as their limits have room, and settles what they used."""

import math
from collections.abc import Mapping, Sequence

from buttress.access.buckets import given_back, left, taken, until_full_s, wait_s
from buttress.access.errors import RateLimited
from buttress.access.limits import Asking, Bucket, Limit, buckets_of
from buttress.access.table import Table
from buttress.kernel.clock import Clock

CONCURRENT_PAUSE_S = 1
"""When to ask again where too many are under way: nobody knows when one of them ends."""

Headers = list[tuple[bytes, bytes]]

_UNITS = {"requests": "requests a minute", "tokens": "tokens a minute", "concurrent": "requests at once"}


class Limiter:
    """The limits of a project. Nothing here waits."""

    def __init__(self, table: Table, clock: Clock, limits: Sequence[Limit] = ()) -> None:
        self._table = table
        self._clock = clock
        self.limits = tuple(limits)

    def admit(self, asking: Asking) -> "Pass":
        """Take what a request may need of every bucket, or of none.

        Raises:
            RateLimited: one has not enough; with when it has, where that will be.
        """
        buckets, now = buckets_of(self.limits, asking), self._clock.monotonic()
        with self._table as table:
            moments = {one.number: table.full_at(one.number) for one in buckets if one.kind != "concurrent"}
            for bucket in buckets:
                if (pause := self._pause_s(bucket, asking, moments, now)) > 0:
                    raise _limited(bucket, asking, pause, _headers(buckets, moments, now))
            for bucket in buckets:
                if bucket.kind == "concurrent":
                    table.add(bucket.number, 1)
                else:
                    full_at = taken(bucket.size, _amount(bucket, asking), moments[bucket.number], now)
                    table.put(bucket.number, full_at)
                    moments[bucket.number] = full_at
        return Pass(self, buckets, asking.tokens, _headers(buckets, moments, now))

    def settle(self, buckets: Sequence[Bucket], reserved: int, used: int) -> None:
        """Give back what was reserved and not `used`, in tokens; or take the rest, too."""
        now = self._clock.monotonic()
        with self._table as table:
            for bucket in buckets:
                if bucket.kind == "concurrent":
                    table.add(bucket.number, -1)
                elif bucket.kind == "tokens" and used != reserved:
                    change = taken if used > reserved else given_back
                    full_at = table.full_at(bucket.number)
                    table.put(bucket.number, change(bucket.size, abs(used - reserved), full_at, now))

    def _pause_s(self, bucket: Bucket, asking: Asking, moments: Mapping[int, float], now: float) -> float:
        if bucket.kind == "concurrent":
            return CONCURRENT_PAUSE_S if self._table.count(bucket.number) >= bucket.size else 0.0
        return wait_s(bucket.size, _amount(bucket, asking), moments[bucket.number], now)


def _headers(buckets: Sequence[Bucket], moments: Mapping[int, float], now: float) -> Headers:
    """Return what a client is told, in OpenAI's words: of each kind the bucket with the least left.

    `moments` are those at which the buckets are full, by their numbers.
    """
    told: Headers = []
    for kind in ("requests", "tokens"):
        own = [(left(one.size, moments[one.number], now), one) for one in buckets if one.kind == kind]
        if own:
            room, least = min(own, key=lambda one: one[0])
            remaining = max(0, math.floor(room + 1e-6))
            reset = as_duration(until_full_s(moments[least.number], now))
            for name, value in (("limit", least.size), ("remaining", remaining), ("reset", reset)):
                told.append((f"x-ratelimit-{name}-{kind}".encode(), str(value).encode()))
    return told


class Pass:
    """A request that was let in. `headers` are what its client is told; end it exactly once."""

    def __init__(self, limiter: Limiter, buckets: Sequence[Bucket], reserved: int, headers: Headers) -> None:
        self._limiter = limiter
        self._buckets = buckets
        self._reserved = reserved
        self.headers = headers

    def end(self, used: int) -> None:
        """Settle it at the tokens that it used."""
        self._limiter.settle(self._buckets, self._reserved, used)


def as_duration(seconds: float) -> str:
    """Return a length of time as OpenAI writes it: `12ms`, `3.5s`, `6m0s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{math.ceil(rest)}s" if minutes else f"{round(rest, 3):g}s"


def _amount(bucket: Bucket, asking: Asking) -> int:
    return 1 if bucket.kind == "requests" else asking.tokens


def _limited(bucket: Bucket, asking: Asking, pause_s: float, headers: Headers) -> RateLimited:
    """Return the refusal; it names the limit, not whose bucket it is: that is not for everybody to know."""
    told = f"the limit {bucket.limit} is reached: {bucket.size:,} {_UNITS[bucket.kind]}"
    if math.isinf(pause_s):
        limit = f"the limit {bucket.limit} is {bucket.size:,} {_UNITS[bucket.kind]}"
        return RateLimited(f"this request may need {asking.tokens:,} tokens: {limit}", headers=headers)
    return RateLimited(told, headers=headers, retry_after_s=round(pause_s, 3))
