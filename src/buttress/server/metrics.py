"""The metrics of all call workers of a project, whichever of them is scraped."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from buttress.processes.announcing import replace_file
from buttress.processes.errors import RunFolderUnusable
from buttress.processes.status import read_status
from buttress.processes.types import State
from buttress.tracing.metrics import RUNNING, TASKS, Family, Metrics, Present, merged
from buttress.tracing.types import Trace

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Running:
    """How many calls are under way: those in a `with` block of it."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        """Count one more."""
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count one less."""
        self.count -= 1


class WorkerMetrics:
    """Counts for the worker `name`, and knows where the others of `run_dir` write what they counted.

    `present` says how the worker stands at a moment, beside its calls and tasks. `write` and `scrape` are to
    be called in its event loop.
    """

    def __init__(self, run_dir: Path, name: str, present: Callable[[], Present] = dict) -> None:
        self._run_dir = run_dir
        self._name = name
        self._present = present
        self._metrics = Metrics(name)
        self.running = Running()

    def observe(self, trace: Trace) -> None:
        """Count a call that has ended."""
        self._metrics.observe(trace)

    def keep(self, names: Iterable[str]) -> None:
        """Count for the features, models and ladders of these names from now on; see `Metrics.keep`."""
        self._metrics.keep(names)

    def write(self) -> None:
        """Let the other workers know; where the folder cannot be written, they do not."""
        with suppress(RunFolderUnusable):
            replace_file(self._file(self._name), self._text())

    def scrape(self) -> bytes:
        """Return what all workers that run counted: this one until now, others until their last `write`."""
        texts = [self._text()]
        for role in read_status(self._run_dir):
            if role.name != self._name and role.state is State.READY:
                with suppress(OSError):
                    texts.append(self._file(role.name).read_bytes())
        return merged(texts)

    def _text(self) -> bytes:
        now: dict[Family, Mapping[tuple[str, ...], float]] = {
            RUNNING: {(): self.running.count},
            TASKS: {(): _tasks()},
            **self._present(),
        }
        return self._metrics.text(now)

    def _file(self, name: str) -> Path:
        return self._run_dir / f"{name}.metrics"


def _tasks() -> int:
    """Return how many tasks the event loop has; without a loop there are none."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0
