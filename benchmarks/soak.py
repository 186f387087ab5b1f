"""Serve a project under a mixed load for long, and say whether anything grows that should not.

    python benchmarks/soak.py [--minutes 60]

Asked is in every dialect, whole and streamed, models and features, well and badly, by users and for names
that are never asked twice, while models.yaml is written anew; models answer, or fail in every way they can.
Prints a table, writes artifacts/soak.json, and ends with 1 when something is wrong.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import click
import msgspec
from rich.console import Console
from rich.table import Table
from soaking.books import Books, read_books
from soaking.clients import Clients, Seen
from soaking.mix import Call, Drawn, draw
from soaking.place import ROOT, Place, be_nice
from soaking.upstream import script
from soaking.verdict import Counted, Course, Finding, judge
from soaking.watching import Sample, look

from buttress.kernel.chance import SeededChance
from buttress.testing.upstream import ScriptedUpstream

PROGRESS_S = 10.0
REST_S = 30.0
"""How long it may take after the load until nothing is under way any more."""

SAMPLES = 600
"""About so many are taken, but no more than one a second."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long, how much. `reload_s` is how often models.yaml changes."""

    minutes: float
    per_s: float
    workers: int
    reload_s: float
    seed: int

    @property
    def load_s(self) -> float:
        """How long the load is that counts."""
        return self.minutes * 60

    @property
    def warm_up_s(self) -> float:
        """How long the load is before it."""
        return min(60.0, self.load_s / 6)


class Soaked(msgspec.Struct, frozen=True, kw_only=True):
    """All that came of a soak."""

    plan: Plan
    findings: Sequence[Finding]
    seen: dict[str, int]
    statuses: dict[str, int]
    unexpected: dict[str, int]
    examples: Sequence[str]
    samples: Sequence[Sample]


class Soak:
    """A soak under way."""

    def __init__(self, plan: Plan, place: Place, url: str, session: aiohttp.ClientSession) -> None:
        self._plan = plan
        self._place = place
        self._url = url
        self._session = session
        self._chance = SeededChance(plan.seed)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._numbers = 0
        self._reloads = 0
        self._renamed = place.reload(0)
        self._embedder = self._reranker = ""
        self.samples: list[Sample] = []
        self.clients = Clients(url, self._draw)

    async def run(self) -> tuple[Course, Books, int]:
        """Return the course of it, and what was stored, and asked, before the load that counts."""
        async with self._session.get(f"{self._url}/v1/models") as response:
            *_, reranker, embedder = (await response.json())["data"]
            self._reranker, self._embedder = reranker["id"], embedder["id"]
        async with self._load():
            await asyncio.sleep(self._plan.warm_up_s)
        before = await self._rest()
        books, asked = await read_books(self._place.folder), self._numbers
        async with self._load():
            await self._watch()
        return Course(before=before, samples=self.samples, after=await self._rest()), books, asked

    def _draw(self) -> Call:
        self._numbers += 1
        drawn = Drawn(
            number=self._numbers,
            chance=self._chance,
            renamed=self._renamed,
            embedder=self._embedder,
            reranker=self._reranker,
        )
        return draw(drawn)

    @asynccontextmanager
    async def _load(self) -> AsyncIterator[None]:
        async with self.clients.asking(self._plan.per_s), asyncio.TaskGroup() as group:
            reloading = group.create_task(self._reload())
            yield
            reloading.cancel()

    async def _reload(self) -> None:
        while True:
            await asyncio.sleep(self._plan.reload_s)
            self._reloads += 1
            self._renamed = self._place.reload(self._reloads)

    async def _watch(self) -> None:
        ending = self._loop.time() + self._plan.load_s
        told_at = self._loop.time()
        while self._loop.time() < ending:
            await asyncio.sleep(max(1.0, self._plan.load_s / SAMPLES))
            self.samples.append(await self._look())
            if self._loop.time() - told_at >= PROGRESS_S:
                told_at = self._loop.time()
                self._tell(self.samples[-1])

    async def _look(self) -> Sample:
        async with self._session.get(f"{self._url}/metrics") as response:
            metrics = await response.text()
        return look(self._place.folder, metrics, round(self._loop.time() - self._began, 3))

    async def _rest(self) -> Sample:
        """Return how it is when nothing is under way, or after `REST_S`."""
        until = self._loop.time() + REST_S
        found = await self._look()
        while not found.is_at_rest and self._loop.time() < until:
            await asyncio.sleep(0.5)
            found = await self._look()
        return found

    def _tell(self, sample: Sample) -> None:
        if not sys.stderr.isatty():
            return
        memory = ", ".join(f"{name} {one.rss_mb:.0f} MB" for name, one in sample.processes.items())
        waiting = f"{sample.backlog_bytes / 1000:.0f} kB waiting"
        unexpected = f"{self.clients.seen.unexpected.total()} unexpected"
        click.echo(
            f"{sample.at_s:5.0f} s: {self._numbers:,} calls, {unexpected}, {memory}, {waiting}", err=True
        )


async def soak(plan: Plan) -> Soaked:
    """Soak, and return what came of it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with ScriptedUpstream(script(SeededChance(plan.seed + 1))) as upstream:
            place = Place(folder=Path(folder) / "soaked", upstream=upstream.url)
            await asyncio.to_thread(place.make)
            with place.served(plan.workers) as url:
                async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
                    forgetting = group.create_task(_forget(upstream))
                    soaking = Soak(plan, place, url, session)
                    course, before, asked = await soaking.run()
                    forgetting.cancel()
            seen = soaking.clients.seen
            books = await read_books(place.folder, seen.trace_ids)
    counted = _counted(seen, before, books, asked)
    return Soaked(
        plan=plan,
        findings=judge(course, counted),
        seen=dict(seen.calls),
        statuses=dict(sorted(seen.statuses.items())),
        unexpected=dict(seen.unexpected),
        examples=seen.examples,
        samples=course.samples,
    )


async def _forget(upstream: ScriptedUpstream) -> None:
    """Forget what came in: the upstream keeps all of it for whoever tests."""
    while True:
        await asyncio.sleep(1.0)
        upstream.received.clear()


def _counted(seen: Seen, before: Books, after: Books, asked_before: int) -> Counted:
    return Counted(
        calls=seen.calls.total(),
        unexpected=seen.unexpected.total(),
        due=dict(seen.due),
        unsure=dict(seen.unsure),
        stored=after.traces,
        missing=after.missing,
        lost=after.lost,
        database_bytes=after.bytes - before.bytes,
        calls_between=seen.calls.total() - asked_before,
    )


def table(soaked: Soaked) -> Table:
    """Return the verdict, a row for each finding."""
    told = Table("", "", "bar", "")
    for one in soaked.findings:
        told.add_row(one.what, one.figure, one.bar, "" if one.is_met else "[red]wrong[/]")
    return told


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="How long the load is that counts.")
@click.option("--per-s", default=100.0, show_default=True, help="Calls that begin each second.")
@click.option("--workers", default=2, show_default=True, help="Call workers.")
@click.option(
    "--reload-s", default=10.0, show_default=True, help="Seconds between two changes of models.yaml."
)
@click.option("--seed", default=1, show_default=True, help="Of the mix.")
@click.option("--nice", default=0, show_default=True, help="By how much to give way to other programs.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "artifacts" / "soak.json")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def main(*, nice: int, out: Path, as_json: bool, **plan: float) -> None:
    """Soak, and say what grows."""
    be_nice(nice)
    logging.getLogger("aiohttp.server").disabled = True  # it is left in the middle of answers all the time
    soaked = asyncio.run(soak(msgspec.convert(plan, Plan)))
    encoded = msgspec.json.encode(soaked)
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(msgspec.json.format(encoded))
    if as_json:
        click.echo(encoded)
    else:
        Console().print(table(soaked))
        for line in (f"{count} x {what}" for what, count in soaked.unexpected.items()):
            click.echo(line)
    sys.exit(0 if all(one.is_met for one in soaked.findings) else 1)


if __name__ == "__main__":
    main()
