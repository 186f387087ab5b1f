"""A key as people hold it: `bk_ID_SECRETcheck`.

The id is public: it stands in lists and traces. The check makes a typo and a stray text known without any
look-up, so that scanners for leaked keys need not guess: six digits of the CRC-32 of all before it.
"""

import hmac
import re
import secrets
import string
import zlib
from functools import lru_cache

ID_CHARACTERS = 12
SECRET_CHARACTERS = 32
CHECK_CHARACTERS = 6

_LOWER = string.digits + string.ascii_lowercase
_ALL = string.digits + string.ascii_letters
_KEY = re.compile(r"bk_(?P<id>[0-9a-z]{12})_[0-9A-Za-z]{38}")


def new_text() -> str:
    """Return a new key, whose secret has 190 bits."""
    key_id = "".join(secrets.choice(_LOWER) for _ in range(ID_CHARACTERS))
    return with_new_secret(key_id)


def with_new_secret(key_id: str) -> str:
    """Return a key of the id `key_id` with another secret."""
    begun = f"bk_{key_id}_" + "".join(secrets.choice(_ALL) for _ in range(SECRET_CHARACTERS))
    return begun + _check(begun)


def key_id_of(text: str) -> str | None:
    """Return the id of the key that `text` is by its form; None for anything else."""
    found = _KEY.fullmatch(text)
    return found["id"] if found else None


def is_whole(text: str) -> bool:
    """Say whether `text` is a key whose check is right: one that was mistyped is none."""
    return key_id_of(text) is not None and text.endswith(_check(text[:-CHECK_CHARACTERS]))


def digest_of(text: str, secret: bytes) -> str:
    """Return the keyed hash of a key, HMAC-SHA-256 in hexadecimal (RFC 2104)."""
    digest = _begun(secret).copy()
    digest.update(text.encode())
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _begun(secret: bytes) -> hmac.HMAC:
    """Return the hash with the secret in it: that is most of the work, and each request needs it."""
    return hmac.new(secret, digestmod="sha256")


def _check(begun: str) -> str:
    number, digits = zlib.crc32(begun.encode()), ""
    for _ in range(CHECK_CHARACTERS):
        number, digit = divmod(number, len(_ALL))
        digits = _ALL[digit] + digits
    return digits
