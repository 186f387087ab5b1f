"""At the border to psycopg: its errors, said in our words, and texts that it can take."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from buttress.kernel.errors import ButtressError
from buttress.storage.errors import DataRefused, DiskFull, StorageConflict, StorageTimeout, StorageUnavailable

_KINDS: tuple[tuple[type[psycopg.Error], type[ButtressError]], ...] = (
    (errors.DiskFull, DiskFull),
    (errors.QueryCanceled, StorageTimeout),
    (errors.SerializationFailure, StorageConflict),
    (errors.DeadlockDetected, StorageConflict),
    (errors.LockNotAvailable, StorageConflict),
    (errors.ProgramLimitExceeded, DataRefused),  # more than one value may hold
    (psycopg.OperationalError, StorageUnavailable),
    (psycopg.InterfaceError, StorageUnavailable),
    (psycopg.DataError, DataRefused),
)


def translate(error: psycopg.Error) -> ButtressError | None:
    """Return what `error` means; None for a constraint or a wrong statement, which are the caller's."""
    kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), None)
    return kind(f"database: {one_line(error)}") if kind else None


def one_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def storable(text: str) -> str:
    """Return `text` without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


@contextmanager
def translated() -> Iterator[None]:
    """Translate the errors of psycopg that leave the block.

    Raises:
        StorageUnavailable: the connection could not be made, or broke.
        DiskFull, StorageTimeout, StorageConflict, DataRefused: as their names say.
        psycopg.Error: anything else (a constraint, a mistake in a statement), as it was.
    """
    try:
        yield
    except psycopg.Error as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error
