"""The beat of a role: given from inside its event loop, so that it stops when the loop does."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from buttress.processes.announcing import said_file

BEAT_EVERY_S = 1.0


@contextmanager
def beating(beat: Callable[[], None], every_s: float = BEAT_EVERY_S) -> Iterator[None]:
    """Call `beat` now and every `every_s` seconds from the running event loop, for the block."""
    heart = _Heart(beat, every_s)
    heart.beat()
    try:
        yield
    finally:
        heart.stop()


class _Heart:
    def __init__(self, beat: Callable[[], None], every_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._beat = beat
        self._every_s = every_s
        self._timer: asyncio.TimerHandle | None = None

    def beat(self) -> None:
        self._timer = self._loop.call_later(self._every_s, self.beat)
        self._beat()

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()


def read_beat(run_dir: Path, name: str) -> int | None:
    """Return what changes with each beat of the role `name`.

    None when it said nothing yet, or withdrew; and where nobody can beat: touching the folder tells whether
    its disk takes a beat (utime needs no room on a disk that is full, but one may be read-only, or broken).
    """
    try:
        os.utime(run_dir)
        return said_file(run_dir, name).stat().st_mtime_ns
    except OSError:
        return None
