"""psycopg's errors in our words."""

import psycopg
import pytest
from psycopg import errors

from buttress.kernel.errors import ButtressError
from buttress.storage.errors import DataRefused, DiskFull, StorageConflict, StorageTimeout, StorageUnavailable
from buttress.storage.translation import one_line, storable, translate, translated


@pytest.mark.parametrize(
    ("theirs", "ours", "retryable"),
    [
        pytest.param(errors.DiskFull("x"), DiskFull, True, id="the disk is full"),
        pytest.param(errors.QueryCanceled("x"), StorageTimeout, True, id="a statement took too long"),
        pytest.param(errors.SerializationFailure("x"), StorageConflict, True, id="transactions collided"),
        pytest.param(errors.DeadlockDetected("x"), StorageConflict, True, id="transactions were locked"),
        pytest.param(errors.AdminShutdown("x"), StorageUnavailable, True, id="the server is shut down"),
        pytest.param(errors.TooManyConnections("x"), StorageUnavailable, True, id="no connection is left"),
        pytest.param(psycopg.OperationalError("x"), StorageUnavailable, True, id="the connection broke"),
        pytest.param(psycopg.InterfaceError("x"), StorageUnavailable, True, id="it was closed already"),
        pytest.param(errors.NumericValueOutOfRange("x"), DataRefused, False, id="too large a number"),
        pytest.param(psycopg.DataError("x"), DataRefused, False, id="text with a NUL"),
        pytest.param(errors.ProgramLimitExceeded("x"), DataRefused, False, id="more than a value may hold"),
    ],
)
def test_what_is_translated(theirs: psycopg.Error, ours: type[ButtressError], *, retryable: bool) -> None:
    """With what psycopg said, on one line."""
    with pytest.raises(ours, match=r"^database: x$") as caught, translated():
        raise theirs
    assert caught.value.retryable is retryable
    assert caught.value.__cause__ is theirs


@pytest.mark.parametrize("error", [errors.UniqueViolation("x"), errors.SyntaxError("x")])
def test_what_is_left_as_it_was(error: psycopg.Error) -> None:
    """A room knows its constraints; a wrong statement is a bug to be seen."""
    assert translate(error) is None
    with pytest.raises(type(error)), translated():
        raise error


def test_a_text_becomes_one_that_can_be_stored() -> None:
    """What people see of it stays."""
    assert storable("a\0b\ud800c \U0001f33f") == "a\ufffdb?c \U0001f33f"


def test_an_error_is_told_on_one_line() -> None:
    """An error that says nothing is told by its name."""
    assert one_line(ValueError("first\nsecond")) == "first"
    assert one_line(TimeoutError()) == "TimeoutError"
