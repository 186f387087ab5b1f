"""Signatures of webhooks, after the Standard Webhooks specification (version 1, symmetric). Pure.

A secret is `whsec_` and the base64 of 24 to 64 bytes of chance. What is signed is the id of the message, the
second it was sent, and its body, joined by dots: HMAC-SHA256, as base64 behind `v1,`. While a secret is being
replaced a message carries a signature for each, divided by blanks.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable
from hashlib import sha256

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""The headers of a webhook, in lower case."""

_PREFIX = "whsec_"
_FEWEST_BYTES, _MOST_BYTES = 24, 64
_VERSION = "v1,"


def signing_key(secret: str) -> bytes | None:
    """Return the key that `secret` holds; None when it is no secret of a webhook."""
    written = secret.strip()
    try:
        key = base64.b64decode(written.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        return None
    is_one = written.startswith(_PREFIX) and _FEWEST_BYTES <= len(key) <= _MOST_BYTES
    return key if is_one else None


def signatures(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header that signs a message with each of `keys`; `timestamp` in seconds since 1970."""
    return " ".join(_VERSION + _signature(key, message_id, timestamp, body) for key in keys)


def is_signed(header: str, key: bytes, message_id: str, timestamp: int, body: bytes) -> bool:
    """Say whether one of the signatures in `header` was made with `key`; it takes as long for each answer."""
    wanted = (_VERSION + _signature(key, message_id, timestamp, body)).encode()
    found = [hmac.compare_digest(wanted, one.encode("utf-8", "replace")) for one in header.split(" ")]
    return any(found)


def _signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return base64.b64encode(hmac.digest(key, signed, sha256)).decode()
