"""Regular expressions in linear time.

RE2, and not Python's `re`: a pattern is written by the team, but what it is searched in comes from anybody,
and `re` may take exponential time (`(a+)+b`) without a way to stop it. The `regex` package can stop after a
time, but each hostile question would cost that time, in a process that serves others. RE2 takes time in
proportion to the text; what it has not are look-around and back-references.
"""

from functools import lru_cache
from typing import Protocol

import msgspec
import re2

MAX_PATTERN_CHARACTERS = 2_000
MAX_SEARCHED_CHARACTERS = 20_000
"""Only so much of a text is looked at."""


class Pattern(Protocol):
    """What is used of a compiled pattern."""

    groups: int
    groupindex: dict[str, int]

    def search(self, text: str) -> "_Match | None":
        """Return the first match anywhere in `text`."""
        ...


class _Match(Protocol):
    def groupdict(self) -> dict[str, str | None]: ...


class BadPattern(msgspec.Struct, frozen=True):
    """Why a text is no pattern."""

    problem: str


@lru_cache(maxsize=1_024)
def compile_pattern(text: str) -> Pattern | BadPattern:
    """Return the pattern that `text` is, or why it is none."""
    if len(text) > MAX_PATTERN_CHARACTERS:
        return BadPattern(f"longer than {MAX_PATTERN_CHARACTERS:,} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        pattern: Pattern = re2.compile(text, options)
    except re2.error as error:
        return BadPattern(_said(error))
    except UnicodeEncodeError:
        return BadPattern("it holds half a character (a surrogate)")
    return pattern


def group_names(pattern: Pattern) -> list[str]:
    """Return the names of the groups of `pattern`, in order."""
    return sorted(pattern.groupindex, key=pattern.groupindex.__getitem__)


def search(pattern: Pattern, text: str) -> dict[str, str] | None:
    """Return the named groups of the first match in `text`, empty where unused; None without a match."""
    searched = text[:MAX_SEARCHED_CHARACTERS].encode(errors="replace").decode()  # RE2 wants valid UTF-8
    found = pattern.search(searched)
    return {name: value or "" for name, value in found.groupdict().items()} if found else None


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else "no pattern"
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
