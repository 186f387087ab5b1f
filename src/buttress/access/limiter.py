"""Lets requests in as far as their limits have room, and settles what they used."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from buttress.access.buckets import given_back, left, taken, until_full_s, wait_s
from buttress.access.errors import RateLimited
from buttress.access.limits import Asking, Bucket, Buckets, Kind, Limit, Touched
from buttress.access.table import Table
from buttress.kernel.clock import Clock

CONCURRENT_PAUSE_S = 1
"""When to ask again where too many are under way: nobody knows when one of them ends."""

Headers = list[tuple[bytes, bytes]]

_UNITS = {"requests": "requests a minute", "tokens": "tokens a minute", "concurrent": "requests at once"}


class Level(msgspec.Struct, frozen=True, gc=False):
    """How full a bucket is: it is full in so many seconds."""

    bucket: Bucket
    until_s: float


class Limiter:
    """The limits of a project. Nothing here waits."""

    def __init__(self, table: Table, clock: Clock, limits: Iterable[Limit] = ()) -> None:
        self._table = table
        self._clock = clock
        self._buckets = Buckets(limits)

    @property
    def limits(self) -> Sequence[Limit]:
        """The limits that hold now."""
        return self._buckets.limits

    def follow(self, limits: Iterable[Limit]) -> None:
        """Let in by `limits` from now on."""
        self._buckets = Buckets(limits)

    def admit(self, asking: Asking) -> "Pass":
        """Take what a request may need of every bucket, or of none.

        Raises:
            RateLimited: one has not enough; with when it has, where that will be.
        """
        touched, now, tokens = self._buckets.of(asking), self._clock.monotonic(), asking.tokens
        with self._table as table:
            levels: list[Level] = []
            for bucket in touched.rates:
                amount = tokens if bucket.kind == "tokens" else 1
                until_s = until_full_s(table.full_at(bucket.number), now)
                if (pause := wait_s(bucket.size, amount, until_s)) > 0:
                    raise _limited(bucket, tokens, pause, self._levels(touched, now))
                levels.append(Level(bucket, taken(bucket.size, amount, until_s)))
            for bucket in touched.concurrent:
                if table.count(bucket.number) >= bucket.size:
                    raise _limited(bucket, tokens, CONCURRENT_PAUSE_S, self._levels(touched, now))
            for bucket in touched.concurrent:
                table.add(bucket.number, 1)
            for level in levels:
                table.put(level.bucket.number, now + level.until_s)
        return Pass(self, touched, tokens, levels)

    def settle(self, touched: Touched, reserved: int, used: int) -> None:
        """Give back what was reserved and not `used`, in tokens; or take the rest, too."""
        changed = touched.of_tokens if used != reserved else ()
        if not changed and not touched.concurrent:
            return
        now, change = self._clock.monotonic(), taken if used > reserved else given_back
        with self._table as table:
            for bucket in touched.concurrent:
                table.add(bucket.number, -1)
            for bucket in changed:
                until_s = until_full_s(table.full_at(bucket.number), now)
                table.put(bucket.number, now + change(bucket.size, abs(used - reserved), until_s))

    def _levels(self, touched: Touched, now: float) -> list[Level]:
        """Return how the buckets stand where nothing was taken; the table is locked."""
        return [Level(one, until_full_s(self._table.full_at(one.number), now)) for one in touched.rates]


class Pass:
    """A request that was let in; end it exactly once."""

    def __init__(self, limiter: Limiter, touched: Touched, reserved: int, levels: Sequence[Level]) -> None:
        self._limiter = limiter
        self._touched = touched
        self._reserved = reserved
        self._levels = levels

    @property
    def headers(self) -> Headers:
        """What its client is told: how the buckets stood when it was let in."""
        return headers_of(self._levels)

    def end(self, used: int) -> None:
        """Settle it at the tokens that it used."""
        self._limiter.settle(self._touched, self._reserved, used)


def headers_of(levels: Sequence[Level]) -> Headers:
    """Return what a client is told, in OpenAI's words: of each kind the bucket with the least left."""
    told: Headers = []
    for level in _least(levels):
        bucket, (limit, remaining, reset) = level.bucket, _NAMES[level.bucket.kind]
        room = max(0, math.floor(left(bucket.size, level.until_s) + 1e-6))
        told += (
            (limit, b"%d" % bucket.size),
            (remaining, b"%d" % room),
            (reset, as_duration(level.until_s).encode()),
        )
    return told


def _least(levels: Sequence[Level]) -> Iterable[Level]:
    found = {level.bucket.kind: level for level in levels}
    if len(found) == len(levels):  # as mostly
        return levels
    ordered = sorted(levels, key=lambda level: left(level.bucket.size, level.until_s), reverse=True)
    return {level.bucket.kind: level for level in ordered}.values()


_RATES: tuple[Kind, ...] = ("requests", "tokens")
_NAMES = {
    kind: tuple(f"x-ratelimit-{name}-{kind}".encode() for name in ("limit", "remaining", "reset"))
    for kind in _RATES
}


def as_duration(seconds: float) -> str:
    """Return a length of time as OpenAI writes it: `12ms`, `3.5s`, `6m0s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{math.ceil(rest)}s" if minutes else f"{round(rest, 3):g}s"


def _limited(bucket: Bucket, tokens: int, pause_s: float, levels: Sequence[Level]) -> RateLimited:
    """Return the refusal; it names the limit, not whose bucket it is: that is not for everybody to know."""
    headers, limit = headers_of(levels), f"{bucket.size:,} {_UNITS[bucket.kind]}"
    if math.isinf(pause_s):
        told = f"this request may need {tokens:,} tokens: the limit {bucket.limit} is {limit}"
        return RateLimited(told, headers=headers)
    told = f"the limit {bucket.limit} is reached: {limit}"
    return RateLimited(told, headers=headers, retry_after_s=round(pause_s, 3))
