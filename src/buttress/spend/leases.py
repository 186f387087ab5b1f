"""The money of one budget, in one window, for one scope: who may spend how much of it without asking. Pure.

The ledger (one place) grants; workers (many) spend. A worker holds a `Purse`: what it was granted, and what
it did with it. Everything it does with its lease becomes a `Holding` in its spool: sums since it began,
which only grow. So the ledger takes the larger of what it has and what it is told, and it does not matter
whether it is told twice, late, or in another order (a state-based CRDT; Shapiro et al., 2011), nor whether it
forgot: from spools that were kept it learns everything again.

    granted >= used + returned + reserved + free

Nothing is taken back from a worker that is silent. What it was granted counts as spent until its spool has
told the rest, or somebody says that there will be no spool (`assumed`).
"""

import msgspec

from buttress.kernel.usage import NanoDollars

MOST = NanoDollars(10**18)
"""No sum is counted beyond a billion dollars: a wrong number must not stop those that are right."""

SHARE = 4
"""A grant is at most this part of what is left, so that others find something, too: leases shrink."""


class Holding(msgspec.Struct, frozen=True, gc=False):
    """What a worker says of its lease: sums since it began, in nano-dollars. None of them ever falls.

    `used` is what attempts cost, `returned` what was given back unused. Of `used`, so much is only `assumed`:
    nobody is left who could know. `unpriced` counts attempts whose cost nobody knows. After `is_ended`
    nothing is reserved under the lease, and nothing is under way: what is left of it is free for others.
    """

    granted: NanoDollars = NanoDollars(0)
    used: NanoDollars = NanoDollars(0)
    returned: NanoDollars = NanoDollars(0)
    assumed: NanoDollars = NanoDollars(0)
    unpriced: int = 0
    is_ended: bool = False

    @property
    def outstanding(self) -> int:
        """What of it is neither used nor free for others, in nano-dollars."""
        return 0 if self.is_ended else max(0, self.granted - self.used - self.returned)


def assumed(holding: Holding, under_way: int | None) -> Holding:
    """Return the end of a lease whose worker is gone: what may have been spent counts as spent.

    `under_way` are the nano-dollars reserved by attempts of which the spool does not tell the end; None where
    there is no spool, and nobody knows: then all that is outstanding.
    """
    spent = holding.outstanding if under_way is None else min(under_way, holding.outstanding)
    return msgspec.structs.replace(
        holding,
        used=NanoDollars(holding.used + spent),
        assumed=NanoDollars(holding.assumed + spent),
        is_ended=True,
    )


def grant_of(room: int, needed: NanoDollars) -> NanoDollars | None:
    """Return how much of `room` to grant to who needs `needed`; None where there is not so much.

    More than is needed as long as there is plenty: the next calls then need not ask.
    """
    return None if needed > room else NanoDollars(max(needed, room // SHARE))


class Purse:
    """The worker's side of one lease. For one event loop.

    `spend_until` is a moment on the worker's monotonic clock, in seconds: the end of the budget's window.
    `granted`, `used` and the like are those of its `holding`; `reserved` is set aside for attempts under way.
    """

    __slots__ = (
        "granted",
        "is_ended",
        "reserved",
        "returned",
        "spend_until",
        "unpriced",
        "used",
    )

    def __init__(self, spend_until: float) -> None:
        self.spend_until = spend_until
        self.granted = self.used = self.returned = self.reserved = self.unpriced = 0
        self.is_ended = False

    @property
    def holding(self) -> Holding:
        """What is to be told of the lease."""
        return Holding(
            granted=NanoDollars(self.granted),
            used=NanoDollars(self.used),
            returned=NanoDollars(self.returned),
            unpriced=self.unpriced,
            is_ended=self.is_ended,
        )

    @property
    def free(self) -> int:
        """What may still be reserved, in nano-dollars; below 0 where attempts cost more than was reserved."""
        return self.granted - self.used - self.returned - self.reserved

    def receive(self, granted_in_all: NanoDollars) -> None:
        """Take what the ledger granted: what it has granted under this lease in all."""
        self.granted = max(self.granted, granted_in_all)

    def reserve(self, worst: NanoDollars, now: float) -> bool:
        """Set `worst` aside for an attempt that may cost so much; say whether it was there, and in time."""
        if self.is_over(now) or worst > self.free:
            return False
        self.reserved += worst
        return True

    def is_over(self, now: float) -> bool:
        """Say whether nothing can be reserved any more: the window is over, or the lease was ended."""
        return now >= self.spend_until or self.is_ended

    def settle(self, worst: NanoDollars, cost: NanoDollars | None) -> None:
        """Pay for an attempt for which `worst` was set aside. Once for each that was reserved.

        A cost that nobody knows (None) is taken for what was set aside.
        """
        self.reserved -= worst
        self.used = min(MOST, self.used + (worst if cost is None else cost))
        self.unpriced += cost is None

    def give_back(self, keep: int = 0) -> None:
        """Give back what is free beyond `keep` nano-dollars: others need it, or nobody asks here any more."""
        self.returned += max(0, self.free - keep)

    def end(self) -> bool:
        """End the lease, unless something is under way; say whether that was done."""
        self.is_ended = self.is_ended or not self.reserved
        return self.is_ended
