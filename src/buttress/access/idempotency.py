"""What an `Idempotency-Key` stands for, which request it was sent with, and what is kept. Pure."""

from collections.abc import Sequence

import msgspec

from buttress.access.errors import IdempotencyKeyInvalid
from buttress.kernel.ids import content_hash, hash_of
from buttress.kernel.principal import Principal

HEADER = b"idempotency-key"

MAX_CHARACTERS = 255

KEPT_REFUSALS = frozenset({400, 413, 422})
"""Statuses that the request itself has earned: it would earn them again. Other errors free the key."""

_MEANT = (b"anthropic-", b"openai-", b"x-buttress-")
"""How the names of headers begin that change what is answered, or for whom."""

_PASSING = (b"connection", b"retry-after", b"x-buttress-budget", b"x-ratelimit-")
"""How the names of headers begin that are true of one moment, or of one connection."""

Headers = Sequence[tuple[bytes, bytes]]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in; the names of its headers in lower case."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A request that has a key: `place` is where its answer is kept, `fingerprint` what it asks."""

    tenant: str
    place: str
    fingerprint: str


class Kept(msgspec.Struct, frozen=True):
    """An answer as it was sent, byte for byte; of a stream all its events."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def key_of(headers: Headers) -> str | None:
    """Return the Idempotency-Key among `headers`; None without one.

    Raises:
        IdempotencyKeyInvalid: there are two, or it is not 1 to 255 visible ASCII characters.
    """
    given = [value for name, value in headers if name == HEADER]
    if not given:
        return None
    if len(given) > 1:
        raise IdempotencyKeyInvalid(f"the request has {len(given)} headers `Idempotency-Key`")
    (key,) = given
    if not 0 < len(key) <= MAX_CHARACTERS or not all(0x21 <= byte <= 0x7E for byte in key):
        told = f"`Idempotency-Key` has {len(key):,} bytes, not 1 to {MAX_CHARACTERS} visible ASCII characters"
        raise IdempotencyKeyInvalid(told)
    return key.decode()


def named(key: str, sent: Sent, who: Principal) -> Named:
    """Return `sent` as what `key` stands for: in the hands of `who`, at this path, and nowhere else."""
    place = content_hash(who.tenant, who.key or "", sent.path, key)
    return Named(tenant=who.tenant, place=place, fingerprint=fingerprint(sent))


def fingerprint(sent: Sent) -> str:
    """Return a hash of what `sent` asks: equal where only the order or the spacing of its JSON differs."""
    meant = sorted(one for one in sent.headers if one[0].startswith(_MEANT))
    headers = [part for header in meant for part in header]
    return content_hash(sent.method, sent.path, sent.query, _canonical(sent.body), *headers)


def _canonical(body: bytes) -> str | bytes:
    try:
        return hash_of(msgspec.json.decode(body))
    except (msgspec.MsgspecError, ValueError, RecursionError):  # it is no JSON, and will be refused for it
        return body


def is_kept(status: int) -> bool:
    """Say whether a whole answer of that status is what its key stands for from now on."""
    return 200 <= status < 300 or status in KEPT_REFUSALS


def lasting(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that are as true of an answer that is given again."""
    return tuple(one for one in headers if not one[0].lower().startswith(_PASSING))
