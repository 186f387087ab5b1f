"""Revisions of pages: how a page is asked for only if it is another one than is known. Pure.

A revision is the hash of the bytes and what the site said for asking again (RFC 9110, section 8.8): its ETag,
else when it was changed last; or the hash alone.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

_HASH_DIGITS = 32
_MAX_VALIDATOR = 300
_YOUNG_S = 2.0
"""Dates count in seconds: a page that was changed so shortly before it was sent may have changed again."""


def revision_of(digest: str, headers: Mapping[str, str]) -> str:
    """Return the revision of a page with this SHA-256, that came with these headers (lower case)."""
    etag, changed = headers.get("etag", "").strip(), headers.get("last-modified", "").strip()
    if etag and _may_be_kept(etag):
        return f"{digest[:_HASH_DIGITS]} etag {etag}"
    if changed and _may_be_kept(changed) and _is_old(changed, headers.get("date", "")):
        return f"{digest[:_HASH_DIGITS]} date {changed}"
    return digest[:_HASH_DIGITS]


def conditions(revision: str) -> dict[str, str]:
    """Return the headers that ask for a page only if it is not this one; none where that cannot be asked."""
    _, _, validator = revision.partition(" ")
    kind, _, value = validator.partition(" ")
    match kind:
        case "etag" if _may_be_kept(value):
            return {"If-None-Match": value}
        case "date" if _may_be_kept(value):
            return {"If-Modified-Since": value}
        case _:
            return {}


def _may_be_kept(value: str) -> bool:
    return 0 < len(value) <= _MAX_VALIDATOR and value.isascii() and value.isprintable()


def _is_old(changed: str, sent: str) -> bool:
    first, second = _moment(changed), _moment(sent)
    return first is not None and second is not None and second - first >= _YOUNG_S


def _moment(date: str) -> float | None:
    try:
        found: datetime = parsedate_to_datetime(date)
        return found.timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
