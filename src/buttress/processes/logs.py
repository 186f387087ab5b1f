"""Where the output of a child goes: one file a child, put aside at a start when it is large."""

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


def last_line(log_dir: Path, name: str, since: int = 0) -> str:
    """Return the last line that says something in `NAME.log` from byte `since` on; empty when none does."""
    path = log_dir / f"{name}.log"
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(since, path.stat().st_size - _TAIL_BYTES))
        lines = stream.read().decode(errors="replace").split("\n")
    return next((line.strip()[:500] for line in reversed(lines) if line.strip()), "")
