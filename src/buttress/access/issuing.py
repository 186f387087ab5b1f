"""Making, rotating and revoking keys. What people hold is returned once, and never stored."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.access.keys import made, revoked, rotated, state_of
from buttress.access.store import KeyStore
from buttress.access.texts import digest_of, key_id_of, new_text, with_new_secret
from buttress.access.types import Key, Role, Secret, Terms

MAX_GRACE_S = 2_592_000
"""Thirty days: a secret that is replaced is not to live on for ever."""

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Names = Annotated[tuple[Name, ...], Meta(max_length=1_000)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key is to be for; see `Terms`. It never ends where `expires_at` is None."""

    name: Name
    role: Role = "viewer"
    tenants: Names | None = None
    user: Name | None = None
    groups: Names = ()
    features: Names | None = None
    models: Names | None = None
    tags: Annotated[Mapping[Name, Name], Meta(max_length=100)] = {}
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None

    @property
    def terms(self) -> Terms:
        """The terms that are wanted."""
        return msgspec.convert(self, Terms, from_attributes=True)


class Issued(msgspec.Struct, frozen=True):
    """A key with its `text`: the only moment at which that is known."""

    text: str
    key: Key


class SecretShown(msgspec.Struct, frozen=True):
    """One secret of a key, without anything that could be guessed at."""

    made_at: datetime
    expires_at: datetime | None


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key as it is told to people and programs; `key` is its text, only where it is new."""

    id: str
    state: str
    terms: Terms
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    secrets: tuple[SecretShown, ...]
    key: str = ""


async def issue(store: KeyStore, wanted: Wanted, secret: bytes, now: datetime) -> Issued:
    """Make and store a key as `wanted`, hashed with `secret`.

    Raises:
        TermsInvalid: it could not be used, or would be more than it seems.
        StorageUnavailable, StorageBusy: see `storage.database`; no key was made.
    """
    text = new_text()
    first = Secret(digest=digest_of(text, secret), made_at=now)
    key = made(key_id_of(text) or "", wanted.terms, first, expires_at=wanted.expires_at)
    await store.add(key)
    return Issued(text, key)


async def rotate(store: KeyStore, key_id: str, grace: timedelta, secret: bytes, now: datetime) -> Issued:
    """Give a key another secret; the one before it is good for `grace` more.

    Raises:
        NoSuchKey: there is none.
        KeyOver: it is revoked or expired.
        StorageUnavailable, StorageBusy: see `storage.database`; nothing was changed.
    """
    text = with_new_secret(key_id)
    newer = Secret(digest=digest_of(text, secret), made_at=now)
    return Issued(text, await store.change(key_id, lambda key: rotated(key, newer, grace)))


async def revoke(store: KeyStore, key_id: str, now: datetime) -> Key:
    """End a key at once.

    Raises:
        NoSuchKey: there is none.
        StorageUnavailable, StorageBusy: see `storage.database`; it goes on.
    """
    return await store.change(key_id, lambda key: revoked(key, now))


def shown(key: Key, now: datetime, text: str = "") -> Shown:
    """Return `key` as it may be told; with its `text` where it is new."""
    return Shown(
        id=key.key_id,
        state=state_of(key, now),
        terms=key.terms,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        secrets=tuple(SecretShown(one.made_at, one.expires_at) for one in key.secrets),
        key=text,
    )
