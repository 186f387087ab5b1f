"""Reading limits.yaml. Mistakes are values, all at once. Pure.

limits:
  each-key:  {per: [key], requests_per_minute: 600, tokens_per_minute: 200000}
  each-user: {per: [user], where: {feature: support}, requests_per_minute: 20, concurrent: 3}
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.access.limits import DIMENSIONS, Limit
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, convert_all, did_you_mean, read_entries

LIMITS = "limits"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TAG = re.compile(r"tag\.[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Value = Annotated[str, Meta(min_length=1, max_length=200)]
Amount = Annotated[int, Meta(ge=1, le=10**12)]


class LimitEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit as it stands in the file; see `Limit`."""

    requests_per_minute: Amount | None = None
    tokens_per_minute: Amount | None = None
    concurrent: Annotated[int, Meta(ge=1, le=60_000)] | None = None
    per: tuple[str, ...] = ()
    where: dict[str, Value] = {}


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; limits are read one by one."""

    limits: dict[str, object] = {}


def read_limits(text: str, path: Path) -> tuple[Limit, ...] | list[Mistake]:
    """Return the limits of `text`, the content of limits.yaml at `path`, by name; or all its mistakes."""
    return read_entries(text, path, Declaration, _limit)


def _limit(located: Located, name: str) -> Limit | list[Mistake]:
    entry = convert_all(located, LimitEntry, LIMITS, name)
    if isinstance(entry, list):
        return entry
    mistakes = list(_odd(located, name, entry))
    return mistakes or Limit(name=name, **msgspec.structs.asdict(entry))


def _odd(located: Located, name: str, entry: LimitEntry) -> Iterator[Mistake]:
    """Yield what is wrong with a limit whose values each are of the right kind."""
    where = located.at(LIMITS, name)
    if not _NAME.fullmatch(name):
        yield Mistake(where, f"{LIMITS}: `{name}` is no name", "Use letters, digits, and . _ -.")
    if (entry.requests_per_minute, entry.tokens_per_minute, entry.concurrent) == (None, None, None):
        hint = "Give it requests_per_minute, tokens_per_minute or concurrent."
        yield Mistake(where, f"{LIMITS}.{name}: it limits nothing", hint)
    for key, dimensions in (("per", entry.per), ("where", tuple(entry.where))):
        for one in dimensions:
            if one not in DIMENSIONS and not _TAG.fullmatch(one):
                hint = did_you_mean(one, DIMENSIONS) or f"There are: {', '.join(DIMENSIONS)}, tag.NAME."
                at = located.at(LIMITS, name, key)
                yield Mistake(at, f"{LIMITS}.{name}.{key}: there is no `{one[:40]}`", hint)
    for one in sorted(set(entry.per) & set(entry.where)):
        at = located.at(LIMITS, name, "per")
        message = f"{LIMITS}.{name}.per: `{one}` is fixed by `where` already"
        yield Mistake(at, message, "Leave it out of `per`.")
