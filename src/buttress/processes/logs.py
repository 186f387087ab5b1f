"""Where the output of a child goes: one file a child, put aside when it is large."""

import os
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path

MAX_LOG_BYTES = 10_000_000
_TAIL_BYTES = 4_096


def open_log(log_dir: Path, name: str) -> BufferedWriter:
    """Open `NAME.log` to add to it, closed to other users; over 10 MB it becomes `NAME.log.1` first.

    Raises:
        OSError: it cannot be written.
    """
    log_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = log_dir / f"{name}.log"
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_name(f"{name}.log.1"))
    path.touch(mode=0o600)
    return path.open("ab")


def trim_log(log_dir: Path, name: str) -> bool:
    """Move the last 10 MB of `NAME.log` to `NAME.log.1` when it is longer, under a child that writes on.

    Return whether it was. The child adds to the emptied file; what it says in that very moment may be lost,
    and all of it where there is no room for the other file.
    """
    path = log_dir / f"{name}.log"
    try:
        size = path.stat().st_size
        if size <= MAX_LOG_BYTES:
            return False
        aside = path.with_name(f"{name}.log.1")
        try:
            aside.touch(mode=0o600)
            with path.open("rb") as old, aside.open("wb") as new:
                old.seek(size - MAX_LOG_BYTES)
                new.write(old.read(MAX_LOG_BYTES))
        except OSError:
            with suppress(OSError):
                aside.unlink()
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def last_line(log_dir: Path, name: str, since: int = 0) -> str:
    """Return the last line that says something in `NAME.log` from byte `since` on; empty when none does."""
    path = log_dir / f"{name}.log"
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(since, path.stat().st_size - _TAIL_BYTES))
        lines = stream.read().decode(errors="replace").split("\n")
    return next((line.strip()[:500] for line in reversed(lines) if line.strip()), "")
