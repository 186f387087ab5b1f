"""The nouns of caching: a key, and what is kept under it."""

from datetime import datetime

import msgspec

from buttress.kernel.usage import NanoDollars

FORMAT = 2
"""Raised when what is kept changes its form: an entry of another format is none."""


class Key(msgspec.Struct, frozen=True):
    """What an answer is kept under: whose it is, of which feature, and the hash of all that it depends on."""

    tenant: str
    feature: str
    digest: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, in bytes that only who made them reads.

    `cited` are the ids of the documents that it cites; `tokens` and `cost` are what it took to make, a cost
    of None being unknown.
    """

    body: bytes
    made_at: datetime
    expires_at: datetime
    cited: tuple[str, ...] = ()
    tokens: int = 0
    cost: NanoDollars | None = None


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """A question by its meaning: `partition` is the hash of all else that its answer depends on."""

    partition: str
    question: str
    vector: tuple[float, ...]


class Similar(msgspec.Struct, frozen=True):
    """An entry for a question of nearly the same meaning, and their cosine."""

    question: str
    cosine: float
    entry: Entry


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept in PostgreSQL of one feature of one tenant; sums of what it took to make."""

    tenant: str
    feature: str
    entries: int
    size_bytes: int
    tokens: int
    cost: NanoDollars
    soonest: datetime | None = None
