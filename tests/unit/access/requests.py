"""Requests with keys that no other test uses."""

from itertools import count

from buttress.access.idempotency import Kept, Named
from buttress.access.settings import IdempotencySettings

_numbers = count()

ANSWER = Kept(200, ((b"content-type", b"application/json"), (b"x-odd", b"\xff")), b'{"text":"\0\xff"}')

QUICK = IdempotencySettings(wait_s=20, store_timeout_s=20, open_timeout_s=20, owner_timeout_s=60)
"""Of a machine that may be slow, where nobody dies."""


def new_request(fingerprint: str = "what is asked") -> Named:
    """Return a request with a key of its own."""
    return Named(tenant="default", place=f"place {next(_numbers)}", fingerprint=fingerprint)
