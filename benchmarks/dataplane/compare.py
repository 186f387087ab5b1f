"""Measure the data plane side by side: nobody, Buttress, and the peers that are installed.

    python benchmarks/dataplane/compare.py [--seconds 60] [NAME ...]

Load and upstream run on one core, the contestant on another. Prints a table, writes artifacts/dataplane.json.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from contestants import KEY, ROOT, Contestant, Place, Running, alone, chosen, free_port, fresh, running
from load import Figures
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
MODELS = ("fake", "drip-10")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Result(msgspec.Struct, kw_only=True):
    """What one contestant measured. Memory in MB, processor time in seconds for 1,000 calls."""

    name: str
    loads: dict[str, Figures]
    idle_mb: float = 0.0
    steady_mb: float = 0.0
    cpu_s_per_1000: float = 0.0


@contextmanager
def upstream() -> Iterator[str]:
    """Have the upstream for the length of the block; return its base URL."""
    command = [*pinned(0), sys.executable, str(HERE / "upstream.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
        try:
            assert process.stdout  # noqa: S101 - it was asked for
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def pinned(core: int) -> list[str]:
    """Return what runs a command on one core, where there are several."""
    return ["taskset", "-c", str(core)] if (os.cpu_count() or 1) > 1 else []


def load(at: Running, model: str, connections: int, seconds: float, *options: str) -> Figures:
    """Put a load on `at`; return its figures."""
    headers = [f"--header={name}: {value}" for name, value in at.headers.items()]
    asked = [at.url, at.name_of(model), str(connections), str(seconds), KEY, *headers, *options]
    command = [*pinned(0), sys.executable, str(HERE / "load.py"), *asked]
    told = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    return msgspec.json.decode(told.stdout, type=Figures)


def measure(contestant: Contestant, base: str, seconds: float) -> Result:
    """Measure one contestant."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Place(upstream=base, port=free_port(), folder=fresh(Path(folder) / "run"), models=MODELS)
        with running(contestant, place) as at:
            if at.pid:
                pin(at.pid)
            idle_mb = memory_mb(at.pid)
            loads = {"1": load(at, "fake", 1, seconds / 4)}
            before = cpu_s(at.pid)
            loads["16"] = load(at, "fake", 16, seconds)
            used = cpu_s(at.pid) - before
            loads["64"] = load(at, "fake", 64, seconds)
            loads["64 streams"] = load(at, "drip-10", 64, seconds / 2, "--stream")
            return Result(
                name=contestant.name,
                loads=loads,
                idle_mb=idle_mb,
                steady_mb=memory_mb(at.pid),
                cpu_s_per_1000=round(used / max(1, loads["16"].requests) * 1000, 3),
            )


def family(pid: int | None) -> list[int]:
    """Return the process and all that it started."""
    if pid is None:
        return []
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def pin(pid: int) -> None:
    """Keep a contestant, with all it started, on the last core."""
    cores = os.cpu_count() or 1
    for one in family(pid) if cores > 1 else ():
        for task in Path(f"/proc/{one}/task").iterdir():
            os.sched_setaffinity(int(task.name), {cores - 1})


def memory_mb(pid: int | None) -> float:
    """Return the resident memory of a process and all that it started."""
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(pid))
    return round(pages * PAGE_BYTES / 1e6, 1)


def cpu_s(pid: int | None) -> float:
    """Return the processor time of a process and all that it started."""
    stats = (Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(pid))
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / CLOCK_TICKS


def table(results: Sequence[Result]) -> Table:
    """Return the results side by side, one column each."""
    told = Table("", *(result.name for result in results))
    for label, figure in ROWS.items():
        told.add_row(label, *(f"{figure(result):,}" for result in results))
    return told


ROWS: dict[str, Callable[[Result], float]] = {
    "c=1: p50, ms": lambda result: result.loads["1"].p50_ms,
    "c=16: requests a second": lambda result: result.loads["16"].per_s,
    "c=16: p99, ms": lambda result: result.loads["16"].p99_ms,
    "c=64: requests a second": lambda result: result.loads["64"].per_s,
    "c=64: p99, ms": lambda result: result.loads["64"].p99_ms,
    "64 streams: first word p50, ms": lambda result: result.loads["64 streams"].first_p50_ms,
    "64 streams: first word p99, ms": lambda result: result.loads["64 streams"].first_p99_ms,
    "64 streams: gap p99, ms": lambda result: result.loads["64 streams"].gap_p99_ms,
    "wrong answers": lambda result: sum(load.wrong for load in result.loads.values()),
    "idle, MB": lambda result: result.idle_mb,
    "steady, MB": lambda result: result.steady_mb,
    "processor time for 1,000 calls, s": lambda result: result.cpu_s_per_1000,
}


@click.command()
@click.argument("names", nargs=-1)
@click.option("--seconds", default=60.0, show_default=True, help="How long each throughput row runs.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "artifacts" / "dataplane.json")
def main(names: tuple[str, ...], seconds: float, out: Path) -> None:
    """Measure NAMES, all who are there without one."""
    results: list[Result] = []
    with upstream() as base:
        for contestant in chosen(names):
            if contestant.is_exposed:
                told = alone(__file__, contestant, "--seconds", str(seconds))
                results += msgspec.json.decode(told, type=list[Result])
            else:
                results.append(measure(contestant, base, seconds))
            Console().print(table(results))
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


if __name__ == "__main__":
    main()
