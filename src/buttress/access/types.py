"""The nouns of access."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec

Role = Literal["viewer", "reviewer", "developer", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may: look at figures; judge answers; break things; make keys."""


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """One secret of a key, as it is stored: `digest` is its keyed hash in hexadecimal."""

    digest: str
    made_at: datetime
    expires_at: datetime | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a key is for.

    None as `features`, `models` or `tenants`: every one. With several tenants the first is meant where a
    request names none. `user` set: whoever asks by this key is that user, in these `groups`.
    """

    name: str
    role: Role = "viewer"
    tenants: tuple[str, ...] | None = None
    user: str | None = None
    groups: tuple[str, ...] = ()
    features: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    tags: Mapping[str, str] = {}


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is stored. `last_used_at` is up to a minute late."""

    key_id: str
    terms: Terms
    secrets: tuple[Secret, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
