"""Which process a pid means: pids are used again, so a pid alone proves nothing."""

from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def process_identity(pid: int) -> str | None:
    """Return a text that no other process has, not even a later one of that pid; None when it has ended.

    On Linux the start in ticks since boot, which setting the clock does not move, with the id of the boot.
    """
    if not _BOOT.exists():
        return _portable_identity(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]  # fields 3 and 22 of proc_pid_stat(5)
    return None if state in "ZX" else f"{_BOOT.read_text().strip()}:{started}"


def _portable_identity(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return None if ended else f"{process.create_time():.2f}"
    except (psutil.Error, ValueError):
        return None


def is_alive(pid: int, process: str) -> bool:
    """Say whether the process that was `process` when it had `pid` still runs."""
    return process_identity(pid) == process
