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

_TIME = (1 << 48) - 1
"""The last moment that an id has digits for is in the year 10889."""


def new_id(prefix: str, clock: Clock, chance: Chance) -> str:
    """Return `prefix_` and 32 hexadecimal digits: the millisecond, then chance; they sort by time.

    As many as an OpenTelemetry trace id has: what follows `tr_` is one.
    """
    milliseconds = int(clock.now().timestamp() * 1000)
    return f"{prefix}_{milliseconds & _TIME:012x}{chance.bits(80):020x}"


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
