"""All keys in a worker's memory: a request is let in without waiting for anything.

A ring is empty until keys were read, from the database or from what this machine kept of it. Where keys are
needed, a request is refused until then: nobody knows yet whether its key was revoked. So it is where nothing
was read, but something says that there are keys (`expect`). Once there are keys,
the last known ones go on while the database is away; each still ends at its own time.
"""

import hmac
from collections.abc import Iterable
from datetime import datetime

import msgspec

from buttress.access.errors import KeyUnknown
from buttress.access.keys import principal_of, require_active
from buttress.access.texts import digest_of, is_whole, key_id_of
from buttress.access.types import Key
from buttress.kernel.principal import Principal
from buttress.storage.errors import StorageUnavailable

_NO_SECRET = b"there is no secret yet"


class _Held(msgspec.Struct, frozen=True):
    key: Key
    principal: Principal


class Ring:
    """The keys there are. For one event loop."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._secret = _NO_SECRET
        self._used: dict[str, datetime] = {}
        self._is_expecting = False
        self.is_read = False
        """Whether the keys are known."""

    @property
    def has_keys(self) -> bool:
        """Whether any key was ever made; revoked ones count: to revoke the last one must open nothing."""
        return bool(self._held) or self._is_expecting

    def expect(self) -> None:
        """Take it that there are keys, until they were read: something says that some were made."""
        self._is_expecting = not self.is_read

    def adopt(self, keys: Iterable[Key], secret: bytes | None) -> None:
        """Go by `keys` from now on, hashed with `secret`; None while there is none."""
        self._held = {key.key_id: _Held(key, principal_of(key)) for key in keys}
        self._secret = secret or _NO_SECRET
        self.is_read, self._is_expecting = True, False

    def verify(self, text: str, now: datetime) -> Principal:
        """Return whom a request comes from whose key is `text`. It takes a few microseconds.

        Raises:
            StorageUnavailable: no keys are known yet.
            KeyUnknown: there is no such key.
            KeyOver: it is revoked or expired.
        """
        if not self.is_read:
            raise StorageUnavailable("the keys have not been read yet")
        held = self._held.get(key_id_of(text) or "")
        # Hashed in either case, and compared in constant time: how long it takes tells nothing of secrets.
        digest = digest_of(text, self._secret)
        for secret in held.key.secrets if held else ():
            if held and hmac.compare_digest(secret.digest, digest):
                require_active(held.key, secret, now)
                self._used[held.key.key_id] = now
                return held.principal
        raise _unknown(text)

    def take_used(self) -> dict[str, datetime]:
        """Return when each key was last used, of those used since the last time that this was asked."""
        used, self._used = self._used, {}
        return used


def _unknown(text: str) -> KeyUnknown:
    if not text.startswith("bk_"):
        return KeyUnknown("the key of this request is none of ours: those begin with `bk_`")
    if not is_whole(text):
        return KeyUnknown("the key of this request is mistyped or cut: its check digits are wrong")
    return KeyUnknown("there is no such key here")
