"""Limits: requests and tokens a minute, requests at once; and which of them a request touches. Pure.

`per` gives everybody with another value there a bucket of their own, as in budgets.yaml; `where` is which
requests a limit is about.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from buttress.kernel.ids import content_hash
from buttress.kernel.principal import Payer

DIMENSIONS = ("tenant", "user", "key", "feature", "model")

NOBODY = ""
"""The value of a request that has none there: all that have none share a bucket."""

Kind = Literal["requests", "tokens", "concurrent"]


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of limits.yaml; None where it says nothing."""

    name: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    per: tuple[str, ...] = ()
    where: dict[str, str] = {}


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A request that may be limited: who pays for what; `is_feature` says what its name is the name of.

    `tokens` are what it may use, estimated before: what it sends, and the longest answer it may get.
    """

    payer: Payer
    is_feature: bool
    tokens: int

    def at(self, dimension: str) -> str:
        """Return the value in `dimension`, `NOBODY` where there is none."""
        if dimension.startswith("tag."):
            return self.payer.tags.get(dimension.removeprefix("tag."), NOBODY)
        if dimension in ("feature", "model"):
            return self.payer.feature if self.is_feature == (dimension == "feature") else NOBODY
        return getattr(self.payer, dimension) or NOBODY


class Bucket(msgspec.Struct, frozen=True):
    """A bucket that a request touches: its number, what it counts, up to how much, and of which limit."""

    number: int
    kind: Kind
    size: int
    limit: str
    owner: tuple[str, ...]


class Touched:
    """The buckets that must have room for a request, apart by what is counted.

    Of `rates` those of requests and of tokens a minute; `of_tokens` are the latter.
    """

    def __init__(self, buckets: Sequence[Bucket]) -> None:
        self.rates = [one for one in buckets if one.kind != "concurrent"]
        self.of_tokens = [one for one in buckets if one.kind == "tokens"]
        self.concurrent = [one for one in buckets if one.kind == "concurrent"]


MAX_KNOWN = 4_000
"""Kinds of requests whose buckets are known; of more, the oldest are worked out again."""


class Buckets:
    """Those of `limits`: which of them a kind of request touches is worked out once."""

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.limits = tuple(limits)
        self._dimensions = sorted({one for limit in self.limits for one in (*limit.per, *limit.where)})
        self._known: dict[tuple[str, ...], Touched] = {}

    def of(self, asking: Asking) -> Touched:
        """Return what a request touches, as `buckets_of` says."""
        values = tuple([asking.at(one) for one in self._dimensions])
        if (known := self._known.get(values)) is None:
            known = self._known[values] = Touched(buckets_of(self.limits, asking))
            if len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]
        return known


def buckets_of(limits: Iterable[Limit], asking: Asking) -> list[Bucket]:
    """Return every bucket that must have room for a request."""
    return [
        _bucket(limit, kind, size, tuple(asking.at(one) for one in limit.per))
        for limit in limits
        if all(asking.at(one) == value for one, value in limit.where.items())
        for kind, size in _sizes(limit)
    ]


def _sizes(limit: Limit) -> list[tuple[Kind, int]]:
    sizes: list[tuple[Kind, int | None]] = [
        ("requests", limit.requests_per_minute),
        ("tokens", limit.tokens_per_minute),
        ("concurrent", limit.concurrent),
    ]
    return [(kind, size) for kind, size in sizes if size is not None]


def _bucket(limit: Limit, kind: Kind, size: int, owner: tuple[str, ...]) -> Bucket:
    return Bucket(_number(limit.name, kind, owner), kind, size, limit.name, owner)


def _number(limit: str, kind: Kind, owner: tuple[str, ...]) -> int:
    return int(content_hash(limit, kind, *owner)[:16], 16) or 1  # 0 is a place that nobody has
