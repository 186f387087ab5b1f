"""What can go wrong, in one shallow hierarchy: a base, and one level of errors below it, each in its room.

An error says what happened with the names and numbers involved (its message), what to do about it (its
hint), and whether the same call may work later (retryable). The `code` is stable: machines match on it,
the reference page lists it, HTTP and the command line translate it to a status and an exit code.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

import msgspec

from buttress.kernel.wording import counted

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises over bytes of others: they are wrong, are no text, or are nested too deep."""


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


EACH_IS_NAMED = "Each mistake names its file, its line and what would be right."
"""The hint of an error that lists mistakes."""

E = TypeVar("E", bound=ButtressError)


def listing(kind: type[E], mistakes: Sequence[Mistake]) -> E:
    """Return the error of that `kind` that lists `mistakes`, in its message and in its data."""
    lines = "\n".join(str(mistake) for mistake in mistakes)
    listed = [
        {"path": str(one.where.path), "line": one.where.line, "message": one.message, "hint": one.hint}
        for one in mistakes
    ]
    return kind(f"{counted(len(mistakes), 'mistake')}:\n{lines}", data={"mistakes": listed})
