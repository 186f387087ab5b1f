"""The server's secret, which keys are hashed with: who has only the database cannot test guesses."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from buttress.access.errors import KeySecretUnusable

MIN_CHARACTERS = 32


def read_secret(path: Path) -> bytes | None:
    """Return the secret in the file at `path`; None where there is none yet.

    Raises:
        KeySecretUnusable: it cannot be read, or is too short to be one.
    """
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise KeySecretUnusable(f"{path} cannot be read: {type(error).__name__}") from error
    return checked_secret(text, str(path))


def made_secret(path: Path) -> bytes:
    """Return the secret in the file at `path`, made when there is none, for this user only.

    Of several processes that make it at the same moment all return the same.

    Raises:
        KeySecretUnusable: it cannot be read or made.
    """
    found = read_secret(path)
    if found is not None:
        return found
    half = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(half, path)  # never in the place of another one, and never half written
    except OSError as error:
        raise KeySecretUnusable(f"{path} cannot be made: {error.strerror or error}") from error
    finally:
        half.unlink(missing_ok=True)
    return made_secret(path)


def checked_secret(text: str, where: str) -> bytes:
    """Return `text` as a secret.

    Raises:
        KeySecretUnusable: it is too short; names `where` it stands, not the text.
    """
    if len(text) < MIN_CHARACTERS:
        raise KeySecretUnusable(f"{where} holds {len(text)} characters, and a secret has {MIN_CHARACTERS}")
    return text.encode()
