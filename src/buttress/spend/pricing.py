"""Prices from the packaged list, without the list in memory: asked for in a process of its own, and kept.

Where the list cannot be read a price is unknown, and the log says why; it is asked for again the next time.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import structlog

from buttress.kernel.catalogue import Model, Price
from buttress.kernel.errors import UNDECODABLE
from buttress.spend.listed import Entry

_TIMEOUT_S = 60.0
_FORM = 1
"""Of the kept file; another one is not read."""

_ANSWER = msgspec.json.Decoder(list[Price | None])
_WITHOUT_OUTPUT = ("embeddings", "rerank")

_log = structlog.get_logger("buttress.spend.pricing")


class _Known(msgspec.Struct, frozen=True):
    """What the list says of an entry."""

    entry: Entry
    price: Price | None


class _Kept(msgspec.Struct, frozen=True):
    """What the list, at a version, said of entries that somebody asked for."""

    form: int
    list_version: str
    known: list[_Known]


def list_version() -> str:
    """Return the version of the packaged price list; empty where there is none."""
    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return ""


def prices_of(entries: Collection[Entry], kept: Path) -> Mapping[Entry, Price | None]:
    """Return what the list says of each of `entries`; None where it does not know it, or cannot be read.

    What it says stands in the file `kept` from then on, until there is another version of it. It blocks: half
    a second where an entry is new, else a millisecond.
    """
    wanted, now = sorted(set(entries)), list_version()
    known = _read_kept(kept, now)
    missing = [entry for entry in wanted if entry not in known]
    if missing:
        asked = _ask(missing)
        if asked is not None:
            known |= dict(zip(missing, asked, strict=True))
            _keep(kept, _Kept(_FORM, now, [_Known(entry, price) for entry, price in sorted(known.items())]))
    return {entry: known.get(entry) for entry in wanted}


def fits(price: Price, model: Model) -> bool:
    """Say whether `price` can be that of `model`: nobody who is paid for questions gives answers for nothing.

    In the list, what is missing cannot be told from 0.
    """
    return price.output > 0 or price.input == 0 or model.provider in _WITHOUT_OUTPUT


def _ask(entries: Sequence[Entry]) -> Sequence[Price | None] | None:
    # -P: a file in the working folder must not be taken for a library's module.
    command = [sys.executable, "-P", "-m", "buttress.spend.price_list"]
    try:
        told = subprocess.run(  # noqa: S603 - our own module
            command, input=msgspec.json.encode(entries), capture_output=True, timeout=_TIMEOUT_S, check=True
        )
        answer = _ANSWER.decode(told.stdout)
    except (OSError, subprocess.SubprocessError, *UNDECODABLE) as error:
        _log.warning("prices.unread", reason=str(error), unpriced=[entry.model for entry in entries])
        return None
    return answer if len(answer) == len(entries) else None


def _read_kept(path: Path, now: str) -> dict[Entry, Price | None]:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, *UNDECODABLE):
        return {}
    if (kept.form, kept.list_version) != (_FORM, now):
        return {}
    return {one.entry: one.price for one in kept.known}


def _keep(path: Path, kept: _Kept) -> None:
    """Write it in one step; where it cannot be written it is asked for again."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(msgspec.json.encode(kept))
        new.replace(path)
    except OSError as error:
        _log.debug("prices.not_kept", reason=str(error))
