"""`buttress retrieval`: how good what is found is."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from buttress.app.buttress import Buttress
from buttress.app.measuring import Measured, evaluate_knowledge
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import are_colours_wanted, one_line
from buttress.improve.tuning import Told
from buttress.kernel.scope import scope_for
from buttress.kernel.statistics import Interval
from buttress.knowledge.measuring.metrics import NDCG
from buttress.knowledge.measuring.types import Evaluation, Scored, StageTimes
from buttress.settings.loading import Loaded

WORST = 5
"""How many of the worst queries are shown unless all are asked for."""

ORIGINS = {
    "labels": "labelled queries",
    "headings": "queries made of headings",
    "model": "queries that a model wrote",
}


@click.group()
def retrieval() -> None:
    """Measure what is found."""


@retrieval.command("eval")
@click.argument("knowledge")
@click.option(
    "--labels",
    type=click.Path(path_type=Path, exists=True),
    help="Other labels than knowledge/KNOWLEDGE.labels.jsonl: a file, or a folder as BEIR's collections.",
)
@click.option("--user", help="On whose behalf; decides which documents are seen.")
@click.option("--group", multiple=True, metavar="NAME", help="A group the user is in; may be given often.")
@click.option("--tenant", default="default", show_default=True, help="The tenant that searches.")
@click.option("--per-query", is_flag=True, help="Print the figures of every query, the worst first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def evaluate(invocation: Invocation, /, knowledge: str, labels: Path | None, **options: object) -> None:
    """Ask KNOWLEDGE its labelled queries; print how good the answers are, with 95 % intervals.

    A label is a line of knowledge/KNOWLEDGE.labels.jsonl: {"query": "…", "relevant": [{"document": "PATH"}]}.
    A document ranks where its best passage does; of each stage the time is told.
    """
    who = msgspec.convert(options, Asker)
    measured = Measured(knowledge=knowledge, scope=scope_for(who.tenant, who.user, who.group), labels=labels)
    found = asyncio.run(_evaluated(loaded_settings(invocation), measured))
    if options["as_json"]:
        click.echo(msgspec.json.encode(found))
        return
    print_evaluation(found, len(found.queries) if options["per_query"] else WORST)


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who measures, as the command line says."""

    user: str | None
    group: tuple[str, ...]
    tenant: str


async def _evaluated(loaded: Loaded, measured: Measured) -> Evaluation:
    async with Buttress.opened(loaded) as buttress:
        with progress() as told:
            return await evaluate_knowledge(buttress, measured, partial(told, "queries"))


@contextmanager
def progress() -> Iterator[Told]:
    """Show how many of what are done, on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr, no_color=None if are_colours_wanted() else True)
    with Bar(*columns, console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield told


def print_evaluation(found: Evaluation, worst: int) -> None:
    """Print the figures, the times of the stages, and the `worst` queries."""
    click.secho(f"{found.knowledge}: {found.count:,} {ORIGINS[found.origin]}", bold=True)
    for name, value in found.metrics.items():
        click.echo(f"  {name:<10} {figure(value)}")
    p50, p95 = found.whole_ms
    click.echo(f"  {'a search':<10} {p50:8.1f} ms p50  {p95:8.1f} ms p95")
    for stage in found.stages:
        click.secho(_times(stage), dim=True)
    if worst:
        click.echo("worst")
    for scored in found.queries[:worst]:
        click.echo(_query(scored))
    for note in found.notes:
        click.secho(f"note: {one_line(note)}", fg="yellow", err=True)


def figure(value: Interval) -> str:
    """Return a mean and its interval in points, 0 to 100."""
    return f"{value.mean * 100:6.2f}  ({value.low * 100:.2f} to {value.high * 100:.2f})"


def _times(stage: StageTimes) -> str:
    skipped = f"  left out {stage.skipped:,} times" if stage.skipped else ""
    return f"    {stage.name:<8} {stage.p50_ms:8.1f} ms p50  {stage.p95_ms:8.1f} ms p95{skipped}"


def _query(scored: Scored) -> str:
    found = "  ".join(f"{name} {scored.metrics[name]:.2f}" for name in (NDCG, "MRR", "recall@10"))
    return f"  {found}  {one_line(scored.query)[:100]}"
