"""Keys and entries to test with."""

from datetime import datetime, timedelta

import msgspec

from buttress.caching.types import Entry, Key
from buttress.kernel.cached import CachePolicy
from buttress.kernel.usage import NanoDollars
from buttress.testing.clock import NOON

SHARED = CachePolicy()
PROCESS = CachePolicy(level="process")


def a_key(digest: str = "d1", tenant: str = "acme", feature: str = "support") -> Key:
    """Return a key."""
    return Key(tenant, feature, digest)


def an_entry(body: bytes = b"{}", made_at: datetime = NOON, ttl_s: int = 60, **changes: object) -> Entry:
    """Return an entry that is good for `ttl_s`."""
    entry = Entry(
        body=body,
        made_at=made_at,
        expires_at=made_at + timedelta(seconds=ttl_s),
        tokens=10,
        cost=NanoDollars(1_000),
    )
    return msgspec.structs.replace(entry, **changes)
