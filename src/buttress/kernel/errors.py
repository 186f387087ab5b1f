"""What can go wrong, in one shallow hierarchy: a base, and one level of errors below it, each in its room.

An error says what happened with the names and numbers involved (its message), what to do about it (its
hint), and whether the same call may work later (retryable). The `code` is stable: machines match on it,
the reference page lists it, HTTP and the command line translate it to a status and an exit code.
"""

from pathlib import Path
from typing import ClassVar

import msgspec


class Location(msgspec.Struct, frozen=True):
    """A place in a file of the project; `line` is 1-based, None for the file as a whole."""

    path: Path
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else str(self.path)


class ButtressError(Exception):
    """The base of every error that a user may see.

    Subclasses set `code`, `hint` and `retryable`; an instance may replace the last two with what holds for
    the thing at hand, and carries in `data` what a program may want to read (JSON types only).
    """

    code: ClassVar[str]
    hint: str
    retryable: bool = False

    def __init__(
        self, message: str, *, hint: str | None = None, data: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.data = data or {}
        if hint is not None:
            self.hint = hint

    def as_dict(self) -> dict[str, object]:
        """Return the error as it is printed by `--json` and sent over HTTP."""
        body: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
        }
        return body | ({"data": self.data} if self.data else {})


class Mistake(msgspec.Struct, frozen=True):
    """One thing wrong in a file that a person wrote: where, what, and what would be right."""

    where: Location
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}\n  hint: {self.hint}"
