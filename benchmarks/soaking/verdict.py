"""What is wrong after a soak. Pure: samples and counts in, findings out."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from soaking.trend import Trend, second_half, trend
from soaking.watching import Process, Sample, Worker

MOST_WORKER_MB = 150.0
MOST_GROWTH_MB_H = 5.0
NOTHING_MB = 1.0
"""Growth of less within a soak says nothing: allocators take memory in pieces."""

SLOW_TO_FILL = ("engine",)
"""Whose libraries take memory for their threads for a while: judged in long soaks only."""

LONG_S = 900.0
"""From so many seconds on the slope itself has to be small; before, that it is not must be sure."""

MORE_FDS, MORE_THREADS, MORE_TASKS = 4, 8, 2
"""What a process may have more of at rest: a file of the spool, threads of the pool that is never ended."""

UNEXPECTED_SHARE = 0.01


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of the whole soak: traces by name that are due, those that may be, and those that are stored.

    `missing` counts ids that clients were told of and nobody stored.
    """

    calls: int
    unexpected: int
    due: Mapping[str, int]
    unsure: Mapping[str, int]
    stored: Mapping[str, int]
    missing: int
    lost: int
    database_bytes: int
    """By how much the database has grown between the two rests."""

    calls_between: int


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A soak: at rest before, under load, at rest after."""

    before: Sample
    samples: Sequence[Sample]
    after: Sample

    @property
    def half(self) -> Sequence[Sample]:
        """The second half of the load."""
        return self.samples[second_half(self.moments)]

    @property
    def moments(self) -> Sequence[float]:
        """When the samples were taken."""
        return [one.at_s for one in self.samples]

    def growth(self, figure: Callable[[Sample], float | None]) -> Trend:
        """Return the trend of a figure in the second half, per hour; samples without it do not count."""
        known = [(one.at_s, value) for one in self.half if (value := figure(one)) is not None]
        return trend([at for at, _ in known], [value for _, value in known]) * 3_600


class Finding(msgspec.Struct, frozen=True):
    """One line of the verdict."""

    what: str
    figure: str
    bar: str = ""
    is_met: bool = True


def judge(course: Course, counted: Counted) -> list[Finding]:
    """Return all findings."""
    return [
        *(one for name in sorted(course.before.processes) for one in _process(course, name)),
        *(one for name in sorted(course.before.workers) for one in _worker(course, name)),
        *_whole(course),
        *_books(counted),
    ]


def _process(course: Course, name: str) -> Iterator[Finding]:
    first, last = course.before.processes[name], course.after.processes.get(name)
    is_same = last is not None and last.pid == first.pid
    yield Finding(f"{name}: is the same process", "yes" if is_same else "no", "yes", is_same)
    if last is None:
        return
    seen = [one.processes[name] for one in course.half if name in one.processes]
    most_mb = max([one.rss_mb for one in seen], default=last.rss_mb)
    is_worker = name.startswith("calls")
    yield Finding(
        f"{name}: most memory",
        f"{most_mb:.1f} MB, {max([one.uss_mb for one in seen], default=last.uss_mb):.1f} of its own",
        f"<= {MOST_WORKER_MB:.0f} MB" if is_worker else "",
        not is_worker or most_mb <= MOST_WORKER_MB,
    )
    yield _growth(course, name)
    yield _at_rest(f"{name}: files at rest", first.fds, last.fds, MORE_FDS)
    more = MORE_THREADS * (4 if name in SLOW_TO_FILL else 1)
    yield _at_rest(f"{name}: threads at rest", first.threads, last.threads, more)


def _growth(course: Course, name: str) -> Finding:
    found = course.growth(lambda one: _memory(one.processes.get(name)))
    window_s = course.half[-1].at_s - course.half[0].at_s if course.half else 0.0
    most = max(MOST_GROWTH_MB_H, NOTHING_MB * 3_600 / window_s if window_s else 0.0)
    is_flat = (found.slope if window_s >= LONG_S else found.low) <= most
    figure = f"{found.slope:+.1f} MB an hour ({found.low:+.1f} to {found.high:+.1f})"
    if name in SLOW_TO_FILL and window_s < LONG_S:
        return Finding(f"{name}: growth", figure)
    return Finding(f"{name}: growth", figure, f"<= {most:.0f} MB", is_flat)


def _memory(process: Process | None) -> float | None:
    return process.rss_mb if process else None


def _worker(course: Course, name: str) -> Iterator[Finding]:
    first, last = course.before.workers[name], course.after.workers.get(name, Worker())
    yield _at_rest(f"{name}: tasks at rest", first.tasks, last.tasks, MORE_TASKS)
    yield _at_rest(f"{name}: upstream connections at rest", first.upstreams, last.upstreams, 0)


def _at_rest(what: str, before: int, after: int, more: int) -> Finding:
    return Finding(what, f"{before} before, {after} after", f"<= {before + more}", after <= before + more)


def _whole(course: Course) -> Iterator[Finding]:
    series = course.growth(lambda one: one.series)
    yield Finding(
        "series in /metrics",
        f"{course.after.series}, {series.slope:+.0f} an hour",
        "no more",
        series.low <= 0,
    )
    waiting = course.growth(lambda one: one.late_bytes)
    most = max([one.late_bytes for one in course.half], default=0)
    yield Finding(
        "traces waiting to be stored", f"{most / 1000:,.0f} kB at most", "no more", waiting.low <= 0
    )
    left = course.after.backlog_bytes
    yield Finding("traces waiting at the end", f"{left / 1000:,.0f} kB", "none", left == 0)


def _books(counted: Counted) -> Iterator[Finding]:
    wrong = [
        f"{name}: {due} calls, {stored} traces"
        for name in sorted({*counted.due, *counted.unsure, *counted.stored})
        for due, stored in [(counted.due.get(name, 0), counted.stored.get(name, 0))]
        if not due <= stored <= due + counted.unsure.get(name, 0)
    ]
    figure = f"{sum(counted.stored.values()):,} of {sum(counted.due.values()):,}"
    unsure = sum(counted.unsure.values())
    told = "; ".join([figure, *([f"{unsure} more may be"] if unsure else []), *wrong])
    yield Finding("traces stored", told, "one a call", not wrong)
    yield Finding(
        "traces that clients were told of and nobody has", str(counted.missing), "0", not counted.missing
    )
    yield Finding("calls lost", str(counted.lost), "0", counted.lost == 0)
    share = counted.unexpected / max(1, counted.calls)
    figure = f"{counted.unexpected} of {counted.calls:,}"
    yield Finding("answers nobody expected", figure, f"<= {UNEXPECTED_SHARE:.0%}", share <= UNEXPECTED_SHARE)
    each = counted.database_bytes / max(1, counted.calls_between)
    yield Finding("database, a call", f"{each:,.0f} bytes")
