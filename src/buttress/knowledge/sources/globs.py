"""Globs for relative paths: `*` and `?` within a name, `**` across folders, `[a-z]` for one character."""

import re
from collections.abc import Sequence

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|.", re.DOTALL)
_MEMBER = re.compile(r"(?P<first>.)(?:-(?P<last>.))?", re.DOTALL)
_MEANING = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class Globs:
    """What `include` finds and `exclude` does not. Case counts, on every system."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = [compile_glob(glob) for glob in include]
        self._exclude = [compile_glob(glob) for glob in exclude]

    def accept(self, path: str) -> bool:
        """Say whether the file at the relative path `path`, with `/` between names, is meant."""
        if not any(glob.fullmatch(path) for glob in self._include):
            return False
        return not any(glob.fullmatch(path) for glob in self._exclude)


def compile_glob(glob: str) -> re.Pattern[str]:
    """Return the regular expression for a glob; `docs/` means all that is below it, as does `docs/**`."""
    glob = glob.removeprefix("./")
    glob = f"{glob}**" if glob.endswith("/") else glob
    return re.compile("".join(_expression(part) for part in _PARTS.findall(glob)), re.DOTALL)


def _expression(part: str) -> str:
    if part in _MEANING:
        return _MEANING[part]
    if len(part) > 1:
        negated = part[1] == "!"
        inner = part[2 if negated else 1 : -1]
        return f"(?!/)[{'^' if negated else ''}{_members(inner)}]"
    return re.escape(part)


def _members(inner: str) -> str:
    """Return what stands in brackets as a regular expression has it; a range that runs backwards is none."""

    def member(found: re.Match[str]) -> str:
        first, last = found["first"], found["last"]
        if last is None:
            return re.escape(first)
        hyphen = "-" if first <= last else "\\-"
        return f"{re.escape(first)}{hyphen}{re.escape(last)}"

    return _MEMBER.sub(member, inner)
