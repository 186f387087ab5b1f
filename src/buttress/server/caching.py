"""What a client says about earlier answers, and what it is told. Pure."""

from collections.abc import Iterable

from buttress.gateway.types import CacheState
from buttress.kernel.cached import Caching

CACHE_HEADER = b"x-buttress-cache"

_ASKED: dict[bytes, dict[bytes, Caching]] = {
    CACHE_HEADER: {b"skip": "skip", b"refresh": "refresh"},
    b"cache-control": {b"no-store": "skip", b"no-cache": "refresh"},
}


def caching_of(headers: Iterable[tuple[bytes, bytes]]) -> Caching:
    """Return what the request wants: `skip` where anything says so, else `refresh`; an earlier answer else.

    `x-buttress-cache: skip` or `cache-control: no-store`: nothing is looked up, kept or shared.
    `x-buttress-cache: refresh` or `cache-control: no-cache`: nothing is looked up, and the answer is kept.
    """
    said = {
        known[word.strip().lower()]
        for name, value in headers
        if (known := _ASKED.get(name))
        for word in value.split(b",")
        if word.strip().lower() in known
    }
    if "skip" in said:
        return "skip"
    return "refresh" if said else "use"


def cache_headers(state: CacheState | None) -> list[tuple[bytes, bytes]]:
    """Return whether the answer came from the cache (`hit`), could have (`miss`), or could not (`skip`).

    Nothing for None: a model without a cache.
    """
    return [(CACHE_HEADER, state.encode())] if state else []
