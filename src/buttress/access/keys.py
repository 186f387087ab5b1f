"""What a key stands for, and when it is over. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from buttress.access.errors import KeyOver, TermsInvalid
from buttress.access.types import Key, Secret, Terms
from buttress.kernel.principal import DEFAULT_TENANT, Principal

State = Literal["active", "expired", "revoked"]


def made(text_id: str, terms: Terms, secret: Secret, *, expires_at: datetime | None) -> Key:
    """Return a new key of `terms`.

    Raises:
        TermsInvalid: nobody could use it, or it would be more than it seems.
    """
    require_sense(terms)
    if expires_at is not None and expires_at <= secret.made_at:
        raise TermsInvalid("expires: that moment is over already")
    return Key(
        key_id=text_id,
        terms=terms,
        secrets=(secret,),
        created_at=secret.made_at,
        expires_at=_in_utc(expires_at),
    )


def require_sense(terms: Terms) -> None:
    """Go on where `terms` can be kept to.

    Raises:
        TermsInvalid: nobody could use such a key, or it would be more than it seems.
    """
    scopes = {"features": terms.features, "models": terms.models, "tenants": terms.tenants}
    for name, scope in scopes.items():
        if scope == () and name == "tenants":
            raise TermsInvalid("tenants: none at all; leave it out for every tenant")
        if scope is not None and terms.role == "admin":
            raise TermsInvalid(f"{name}: an admin makes keys of every scope, and cannot have one")
    if terms.features == () and terms.models == ():
        raise TermsInvalid("features, models: none of either; nothing could be asked")


def state_of(key: Key, now: datetime) -> State:
    """Return how it stands with `key` as a whole."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if _is_over(key.expires_at, now) else "active"


def require_active(key: Key, secret: Secret, now: datetime) -> None:
    """Go on where `key` may be used by this one of its secrets.

    Raises:
        KeyOver: it was revoked, it has expired, or that secret has after a rotation.
    """
    state = state_of(key, now)
    if state == "revoked":
        raise KeyOver(f"the key {key.key_id} was revoked at {_told(key.revoked_at)}")
    if state == "expired":
        raise KeyOver(f"the key {key.key_id} expired at {_told(key.expires_at)}")
    if _is_over(secret.expires_at, now):
        raise KeyOver(
            f"this secret of the key {key.key_id} was replaced, and good until {_told(secret.expires_at)}"
        )


def rotated(key: Key, secret: Secret, grace: timedelta) -> Key:
    """Return `key` with `secret` as its newest; the one before it is good for `grace` more, older ones go.

    Raises:
        KeyOver: the key is over.
    """
    before = key.secrets[-1]
    require_active(key, before, secret.made_at)
    until = min(filter(None, (secret.made_at + grace, before.expires_at)))
    kept = msgspec.structs.replace(before, expires_at=until)
    return msgspec.structs.replace(key, secrets=(kept, secret))


def revoked(key: Key, now: datetime) -> Key:
    """Return `key` revoked; a second time changes nothing."""
    return key if key.revoked_at else msgspec.structs.replace(key, revoked_at=now)


def principal_of(key: Key) -> Principal:
    """Return whom a request comes from that has `key`."""
    terms = key.terms
    return Principal(
        key=key.key_id,
        tenant=terms.tenants[0] if terms.tenants else DEFAULT_TENANT,
        tenants=_set(terms.tenants),
        user=terms.user,
        groups=terms.groups,
        features=_set(terms.features),
        models=_set(terms.models),
        role=terms.role,
        tags=terms.tags,
    )


def _in_utc(moment: datetime | None) -> datetime | None:
    try:
        return moment and moment.astimezone(UTC)
    except OverflowError:
        raise TermsInvalid("expires: that moment is behind the end of the calendar") from None


def _set(names: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _is_over(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _told(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "an unknown time"
