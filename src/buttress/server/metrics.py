"""The metrics of all call workers of a project, whichever of them is scraped."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from buttress.processes.announcing import replace_file
from buttress.processes.errors import RunFolderUnusable
from buttress.processes.status import read_status
from buttress.processes.types import State
from buttress.tracing.metrics import Metrics, merged
from buttress.tracing.types import Trace

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class WorkerMetrics:
    """Counts for the worker `name`, and knows where the others of `run_dir` write what they counted."""

    def __init__(self, run_dir: Path, name: str) -> None:
        self._run_dir = run_dir
        self._name = name
        self._metrics = Metrics(name)
        self._running = 0

    def observe(self, trace: Trace) -> None:
        """Count a call that has ended."""
        self._metrics.observe(trace)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a call as under way for the block."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def write(self) -> None:
        """Let the other workers know; where the folder cannot be written, they do not."""
        with suppress(RunFolderUnusable):
            replace_file(self._file(self._name), self._metrics.text(self._running))

    def scrape(self) -> bytes:
        """Return what all workers that run counted: this one until now, others until their last `write`."""
        texts = [self._metrics.text(self._running)]
        for role in read_status(self._run_dir):
            if role.name != self._name and role.state is State.READY:
                with suppress(OSError):
                    texts.append(self._file(role.name).read_bytes())
        return merged(texts)

    def _file(self, name: str) -> Path:
        return self._run_dir / f"{name}.metrics"
