"""What is looked at in a soak: each process from outside, and what the workers tell of themselves."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from buttress.app.layout import run_folder, spool_folder
from buttress.kernel.clock import SystemClock
from buttress.processes.status import read_status
from buttress.storage.spool import OPEN, SEALED

GAUGES = {
    "buttress_tasks": "tasks",
    "buttress_upstream_connections": "upstreams",
    "buttress_calls_running": "running",
}


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process at one moment. `uss_mb` is the part of its memory that nobody shares."""

    pid: int
    rss_mb: float
    uss_mb: float
    fds: int
    threads: int


LATE_S = 5.0
"""Traces are handed over and shipped each second: what lies longer in the spool is late."""


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """What a call worker tells of itself."""

    tasks: int = 0
    upstreams: int = 0
    running: int = 0


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment, `at_s` seconds after the beginning.

    `backlog_bytes` wait in the spool, `late_bytes` of them for longer than `LATE_S`: what only passes through
    it rises and falls with the beat of two clocks, ours and the shipper's.
    """

    at_s: float
    processes: Mapping[str, Process]
    workers: Mapping[str, Worker]
    series: int
    backlog_bytes: int
    late_bytes: int = 0

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way: no call, no connection to an upstream, nothing to be stored."""
        busy = (one.running or one.upstreams for one in self.workers.values())
        return not (any(busy) or self.backlog_bytes)


def look(project: Path, metrics: str, at_s: float) -> Sample:
    """Return how the processes of `project` are; `metrics` is what one of its workers just told."""
    found = {
        role.name: process
        for role in read_status(run_folder(project))
        if role.pid and (process := _process(role.pid))
    }
    workers, series = read_metrics(metrics)
    waiting = _waiting(spool_folder(project))
    written_by = SystemClock().now().timestamp() - LATE_S
    return Sample(
        at_s=at_s,
        processes=found,
        workers=workers,
        series=series,
        backlog_bytes=sum(one.st_size for one in waiting),
        late_bytes=sum(one.st_size for one in waiting if one.st_mtime < written_by),
    )


def _process(pid: int) -> Process | None:
    folder = Path(f"/proc/{pid}")
    try:
        memory = _figures(folder / "smaps_rollup")
        threads = _figures(folder / "status")["Threads"]
        fds = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return None
    private = memory["Private_Clean"] + memory["Private_Dirty"]
    return Process(
        pid=pid,
        rss_mb=round(memory["Rss"] / 1024, 3),
        uss_mb=round(private / 1024, 3),
        fds=fds,
        threads=threads,
    )


def _figures(path: Path) -> Mapping[str, int]:
    """Return the lines `Name:   12 kB` of a file of /proc."""
    parts = (line.replace(":", " ").split() for line in path.read_text().splitlines())
    return {part[0]: int(part[1]) for part in parts if len(part) > 1 and part[1].isdigit()}


def read_metrics(text: str) -> tuple[Mapping[str, Worker], int]:
    """Return what each worker tells of itself, and how many series there are."""
    told: dict[str, dict[str, int]] = {}
    series = 0
    for family in text_string_to_metric_families(text):
        series += len(family.samples)
        for sample in family.samples if family.name in GAUGES else ():
            told.setdefault(sample.labels["worker"], {})[GAUGES[family.name]] = int(sample.value)
    workers = {name: Worker(**gauges) for name, gauges in told.items() if name.startswith("calls")}
    return workers, series


def _waiting(spool: Path) -> list[os.stat_result]:
    """Return what is known of the files of a spool that are not stored yet; they come and go meanwhile."""
    found = []
    for path in spool.glob("*"):
        if path.suffix in (OPEN, SEALED):
            with suppress(OSError):
                found.append(path.stat())
    return found
