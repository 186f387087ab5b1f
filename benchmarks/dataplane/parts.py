"""Measure what each part of a call costs: a key, limits, budgets, a look into the cache, the stored trace.

    python benchmarks/dataplane/parts.py [--rounds 8] [--seconds 3] [NAME ...]

Every part is a project of its own, all served at once on one core and loaded by turns, so that a machine
whose speed changes does so for all. Counted is the processor's time for a call: in the worker, in what works
behind it, and in PostgreSQL. Prints a table, writes artifacts/dataplane-parts.json.
"""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median

import click
import msgspec
from compare import family, load, pin, upstream
from contestants import (
    BUDGETS,
    LIMITS,
    MONEY,
    ROOT,
    Contestant,
    Place,
    Project,
    Running,
    free_port,
    fresh,
    running,
)
from rich.console import Console
from rich.table import Table

CONNECTIONS = 16
SHIPPING_S = 1.5
"""Traces and settlements are shipped each second: what a load leaves to do is counted with it."""

UNTRACED = os.pathsep.join((str(Path(__file__).parent / "untraced"), *sys.path[1:]))


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a call: what a project has that has it, and how its load is to be."""

    name: str
    project: Project = Project()
    load: tuple[str, ...] = ()


PLAIN = "plain: a model by its name, a trace"
CACHE = "    cache: {{ttl_s: 3600, sampled: true, level: {level}}}\n"
PARTS = (
    Part(name=PLAIN),
    Part(name="without the trace", project=Project(environment={"PYTHONPATH": UNTRACED})),
    Part(name="with a key", project=Project(has_key=True)),
    Part(name="with a limit", project=Project(files={"limits.yaml": LIMITS})),
    Part(name="with two budgets", project=Project(files={"budgets.yaml": BUDGETS})),
    *(
        Part(
            name=f"with a cache ({level}): a miss, and kept",
            project=Project(of_models=CACHE.format(level=level)),
            load=("--varied",),
        )
        for level in ("process", "shared")
    ),
    Part(name="key, limit, budgets", project=MONEY),
)


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a call took, in microseconds of the processor."""

    worker: float
    behind: float
    postgres: float

    @property
    def whole(self) -> float:
        """All of it."""
        return self.worker + self.behind + self.postgres


class Measured(msgspec.Struct, kw_only=True):
    """What was measured of a part, round by round."""

    name: str
    costs: list[Cost]
    wrong: int = 0

    @property
    def cost(self) -> Cost:
        """The median of each kind."""
        kinds = ("worker", "behind", "postgres")
        return Cost(**{kind: median(getattr(one, kind) for one in self.costs) for kind in kinds})


class Served(msgspec.Struct, frozen=True):
    """A part that is served: where, and by which processes, with all that they started."""

    at: Running
    pids: tuple[int, ...]


@contextmanager
def all_running(parts: Sequence[Part], base: str) -> Iterator[dict[str, Served]]:
    """Have every part served for the length of the block."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        found = {}
        for number, part in enumerate(parts):
            contestant = Contestant(name=part.name, begin=part.project.begin, is_there=lambda: True)
            place = Place(
                upstream=base, port=free_port(), folder=fresh(Path(folder) / str(number)), models=("fake",)
            )
            at = stack.enter_context(running(contestant, place))
            assert at.pid  # noqa: S101 - all of them are our own
            # It detaches itself, and is nobody's child.
            postmaster = next(place.folder.glob(".buttress/postgres/data/postmaster.pid"))
            found[part.name] = Served(at, (at.pid, int(postmaster.read_text().split()[0])))
            for pid in found[part.name].pids:
                pin(pid)
        yield found


def used_s(pids: Iterable[int]) -> dict[str, float]:
    """Return the processor's time of `pids` and all that they started, by what they are for."""
    used = {"worker": 0.0, "behind": 0.0, "postgres": 0.0}
    for one in (one for pid in pids for one in family(pid)):
        with suppress(OSError):  # those of PostgreSQL come and go
            command = Path(f"/proc/{one}/cmdline").read_bytes()
            kind = "worker" if b"calls" in command else "postgres" if b"postgres" in command else "behind"
            for task in Path(f"/proc/{one}/task").iterdir():
                used[kind] += int((task / "schedstat").read_text().split()[0]) / 1e9
    return used


def measure(part: Part, served: Served, seconds: float, into: Measured) -> None:
    """Measure one round of a part."""
    before = used_s(served.pids)
    told = load(served.at, "fake", CONNECTIONS, seconds, f"--rest={SHIPPING_S}", *part.load)
    after, calls = used_s(served.pids), max(1, told.asked)
    into.costs.append(Cost(**{kind: (after[kind] - before[kind]) / calls * 1e6 for kind in before}))
    into.wrong += told.wrong


def table(results: Sequence[Measured]) -> Table:
    """Return what a call took, one part a row, beside the plain one."""
    told = Table("microseconds of the processor a call", "worker", "behind", "PostgreSQL", "all", "more")
    plain = next((one.cost.whole for one in results if one.name == PLAIN), None)
    for one in results:
        cost = one.cost
        more = "" if plain is None or one.name == PLAIN else f"{cost.whole - plain:+.0f}"
        figures = (cost.worker, cost.behind, cost.postgres, cost.whole)
        told.add_row(one.name, *(f"{figure:.0f}" for figure in figures), more)
    return told


@click.command()
@click.argument("names", nargs=-1)
@click.option("--rounds", default=8, show_default=True, help="How often each part has its turn.")
@click.option("--seconds", default=3.0, show_default=True, help="How long each turn is.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "artifacts" / "dataplane-parts.json")
def main(names: tuple[str, ...], rounds: int, seconds: float, out: Path) -> None:
    """Measure the parts that have one of NAMES in theirs; all without one."""
    parts = [one for one in PARTS if not names or any(name in one.name for name in names)]
    results = {one.name: Measured(name=one.name, costs=[]) for one in parts}
    with upstream() as base, all_running(parts, base) as served:
        for number in range(rounds + 1):
            for part in parts:
                measure(part, served[part.name], seconds, results[part.name])
                if number == 0:  # everything was done for the first time
                    results[part.name].costs.clear()
        if wrong := sum(one.wrong for one in results.values()):
            print(f"{wrong:,} answers were wrong", file=sys.stderr)
    Console().print(table(list(results.values())))
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(list(results.values()))))


if __name__ == "__main__":
    main()
