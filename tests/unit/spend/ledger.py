"""The rules of the ledger as values: what `spend.store` keeps in tables. Tests hold the tables to it."""

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.spend.leases import Holding, grant_of


def merged(one: Holding, other: Holding) -> Holding:
    """Return what is known of a lease of which both were said: of each sum the larger one."""
    return Holding(
        granted=max(one.granted, other.granted),
        used=max(one.used, other.used),
        returned=max(one.returned, other.returned),
        assumed=max(one.assumed, other.assumed),
        unpriced=max(one.unpriced, other.unpriced),
        is_ended=one.is_ended or other.is_ended,
    )


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A limit in nano-dollars, and what is known of each lease by its id."""

    limit: NanoDollars
    leases: dict[str, Holding] = {}

    @property
    def used(self) -> int:
        """What was spent, as far as it was told, in nano-dollars."""
        return sum(one.used for one in self.leases.values())

    @property
    def held(self) -> int:
        """What workers may still spend, in nano-dollars."""
        return sum(one.outstanding for one in self.leases.values())

    @property
    def room(self) -> int:
        """What can still be granted, in nano-dollars; 0 where more was spent than there was."""
        return max(0, self.limit - self.used - self.held)


def told(account: Account, lease: str, holding: Holding) -> Account:
    """Return the account when `holding` was said of `lease`."""
    known = account.leases.get(lease, Holding())
    return msgspec.structs.replace(account, leases={**account.leases, lease: merged(known, holding)})


def granted(account: Account, lease: str, needed: NanoDollars) -> tuple[Account, NanoDollars | None]:
    """Return the account after `lease` asked for at least `needed`, and what it has been granted in all now.

    None where there is not so much left.
    """
    known = account.leases.get(lease, Holding())
    debt = max(0, known.used + known.returned - known.granted)
    amount = grant_of(max(0, account.limit - account.used - account.held + debt), needed)
    if amount is None:
        return account, None
    total = NanoDollars(known.granted + amount)
    return told(account, lease, msgspec.structs.replace(known, granted=total)), total
