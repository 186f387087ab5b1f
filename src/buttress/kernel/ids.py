"""Ids: of things that happen (ordered by time) and of things that are (a hash of their content)."""

import hashlib
from typing import NewType

import msgspec

from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock

TraceId = NewType("TraceId", str)
ReleaseId = NewType("ReleaseId", str)
DocumentId = NewType("DocumentId", str)
ChunkId = NewType("ChunkId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: sorts like the number, no i, l, o, u


_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Two digits at a time: an id is made for every call."""


def _base32(number: int, digits: int) -> str:
    """Return the last `digits` of `number`, an even number of them."""
    return "".join([_PAIRS[(number >> place) & 1023] for place in range(5 * digits - 10, -1, -10)])


def new_id(prefix: str, clock: Clock, chance: Chance) -> str:
    """Return `prefix_` and 26 characters that sort by the millisecond, then by chance (as a ULID does)."""
    milliseconds = int(clock.now().timestamp() * 1000)
    return f"{prefix}_{_base32(milliseconds, 10)}{_base32(chance.bits(80), 16)}"


def content_hash(*parts: str | bytes) -> str:
    """Return the SHA-256 of `parts` in hexadecimal; ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def hash_of(value: object) -> str:
    """Return the content hash of any value msgspec can encode; the order of keys does not count."""
    return content_hash(msgspec.json.encode(value, order="sorted"))
