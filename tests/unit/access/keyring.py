"""Keys for tests: made as the store has them, with the text that people hold."""

from datetime import UTC, datetime

import msgspec

from buttress.access.keys import made
from buttress.access.texts import digest_of, key_id_of, new_text, with_new_secret
from buttress.access.types import Key, Secret, Terms

SECRET = b"a secret of the server, long enough"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def terms(**given: object) -> Terms:
    """Return terms, called `test` unless told otherwise."""
    return msgspec.convert({"name": "test", **given}, Terms)


def new_key(expires_at: datetime | None = None, at: datetime = NOON, **given: object) -> tuple[str, Key]:
    """Return a text, and the key that it is."""
    text = new_text()
    key = made(key_id_of(text) or "", terms(**given), secret_of(text, at), expires_at=expires_at)
    return text, key


def secret_of(text: str, at: datetime = NOON) -> Secret:
    """Return a secret as it is stored."""
    return Secret(digest=digest_of(text, SECRET), made_at=at)


def another(key: Key, at: datetime) -> tuple[str, Secret]:
    """Return another text of the same id, and its secret."""
    text = with_new_secret(key.key_id)
    return text, secret_of(text, at)
