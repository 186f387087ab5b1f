"""`buttress sync`, also called `ingest`: bring knowledge bases to what their sources hold now."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from buttress.app.buttress import Buttress
from buttress.app.syncing import nobody
from buttress.cli.failures import DONE, IN_PART
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import are_colours_wanted, one_line
from buttress.knowledge.syncing.types import IngestReport, Progress, SkippedDocument, SyncPlan
from buttress.settings.loading import Loaded


class Watcher(Protocol):
    """Somebody who is told how far an ingest is."""

    def __call__(self, progress: Progress) -> None:
        """Take notice."""
        ...


class Lines:
    """A `Watcher` that prints a line on standard error now and then: for logs, where a bar would be noise."""

    every_s = 10.0

    def __init__(self) -> None:
        self._last_s = 0.0

    def __call__(self, progress: Progress) -> None:
        """See `Watcher`; the first line comes after `every_s` seconds of one knowledge base."""
        if progress.elapsed_s < self._last_s:  # the next knowledge base
            self._last_s = 0.0
        if progress.elapsed_s - self._last_s >= self.every_s:
            self._last_s = progress.elapsed_s
            click.echo(
                f"{progress.elapsed_s:,.0f} s: {progress.files_done:,} of {progress.files:,} documents done, "
                f"{_rates(progress)}",
                err=True,
            )


@click.command()
@click.argument("knowledge", nargs=-1)
@click.option("--plan", "plan_only", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--allow-empty", is_flag=True, help="Remove documents of a source that is empty now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, of reports or of plans.")
@click.pass_obj
def sync(invocation: Invocation, /, knowledge: tuple[str, ...], **options: bool) -> int:
    """Bring KNOWLEDGE to what its sources hold now; without a name every knowledge base.

    Only what changed is read, cut and embedded again; what is gone from its source is gone from the index. A
    document that cannot be read is named with its reason and left out; the exit code is then 3, as it is when
    one source of several is out of reach. A source that has become empty may only be away: that is an error,
    unless --allow-empty is given. A knowledge base that cannot be synced does not hold up the others.
    Without a name, knowledge bases that are not declared any more are removed.
    """
    asked = _Asked(knowledge=knowledge, **options)
    loaded = loaded_settings(invocation)
    work = _plans if asked.plan_only else _sync
    told: list[SyncPlan | IngestReport] = []
    try:
        asyncio.run(work(loaded, asked, told.append))
    finally:
        if asked.as_json and told:
            click.echo(msgspec.json.encode(told))
    return IN_PART if any(_is_in_part(one) for one in told) else DONE


ingest = click.Command(
    "ingest", callback=sync.callback, params=sync.params, help=f"The older name of sync.\n\n{sync.help}"
)
"""The same command by its older name."""


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks."""

    knowledge: tuple[str, ...]
    plan_only: bool
    allow_empty: bool
    as_json: bool


async def _sync(loaded: Loaded, asked: _Asked, note: Callable[[IngestReport], None]) -> None:
    def tell(report: IngestReport) -> None:
        note(report)
        if not asked.as_json:
            print_report(report)

    async with Buttress.opened(loaded) as buttress:
        with progress_bar() as watcher:
            await buttress.ingest(
                *asked.knowledge,
                allow_empty=asked.allow_empty,
                on_progress=watcher,
                on_plan=nobody if asked.as_json else print_summary,
                on_report=tell,
            )


async def _plans(loaded: Loaded, asked: _Asked, note: Callable[[SyncPlan], None]) -> None:
    def tell(plan: SyncPlan) -> None:
        note(plan)
        if not asked.as_json:
            print_plan(plan)

    async with Buttress.opened(loaded) as buttress:
        await buttress.plan(*asked.knowledge, allow_empty=asked.allow_empty, on_plan=tell)


def _is_in_part(told: SyncPlan | IngestReport) -> bool:
    return bool(told.unreadable if isinstance(told, SyncPlan) else told.skipped)


def print_summary(plan: SyncPlan) -> None:
    """Print one line of what a sync is going to do."""
    figures = {
        "new": len(plan.new),
        "changed": len(plan.changed),
        "to be taken in again": len(plan.again),
        "moved": len(plan.moved),
        "to be removed": len(plan.removed),
        "unchanged": plan.unchanged,
        "unreadable": len(plan.unreadable),
    }
    counts = ", ".join(f"{count:,} {name}" for name, count in figures.items() if count) or "nothing there"
    rebuild = "; for another embedding model, which is searched with at the end" if plan.rebuild else ""
    click.echo(f"{plan.knowledge}: plan: {counts}{rebuild}")


def print_plan(plan: SyncPlan) -> None:
    """Print what a sync would do, with each document that it would touch."""
    if plan.forgotten:
        click.echo(f"{plan.knowledge}: plan: not declared any more; all of it to be removed")
        return
    print_summary(plan)
    lines = [
        *(f"new      {path}" for path in plan.new),
        *(f"changed  {path}" for path in plan.changed),
        *(f"again    {path}" for path in plan.again),
        *(f"moved    {move.source} -> {move.target}" for move in plan.moved),
        *(f"removed  {path}" for path in plan.removed),
    ]
    for line in lines:
        click.echo(f"  {one_line(line)}")
    _print_left_out(plan.unreadable)


@contextmanager
def progress_bar() -> Iterator[Watcher]:
    """Show how far an ingest is, with rates, on standard error; where that is no terminal, in `Lines`."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rates]}"),
        TimeElapsedColumn(),
    )
    console = Console(file=sys.stderr, no_color=None if are_colours_wanted() else True)
    # What is printed meanwhile stands above the bar, if it is for the same terminal.
    with Bar(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("documents", total=None, rates="")

        def watch(progress: Progress) -> None:
            bar.update(task, total=progress.files, completed=progress.files_done, rates=_rates(progress))

        yield watch


def _rates(progress: Progress) -> str:
    return (
        f"{progress.chunks_done:,} of {progress.chunks:,} chunks embedded, "
        f"{progress.tokens_per_s:,.0f} tokens/s"
    )


def print_report(report: IngestReport) -> None:
    """Print what an ingest did: one line of figures, and one for each file that was left out."""
    if report.forgotten:
        click.echo(f"{report.knowledge}: not declared any more; documents removed: {report.removed:,}")
        return
    figures = {
        "added": report.added,
        "changed": report.changed,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "left out": len(report.skipped),
    }
    counts = ", ".join(f"{count:,} {name}" for name, count in figures.items() if count) or "nothing to read"
    click.echo(
        f"{report.knowledge}: {counts}; {report.chunks:,} chunks read, {report.embedded:,} embedded, "
        f"{report.reused:,} reused; {report.duration_s:.1f} s"
    )
    if report.waits_for:
        click.secho(
            f"{report.knowledge}: the former embedding model is searched with until the documents that were "
            f"left out, {report.waits_for:,}, can be taken in or are excluded",
            fg="yellow",
            err=True,
        )
    if report.rebuilt:
        click.echo(f"{report.knowledge}: searched with another embedding model from now on")
    for warned in report.warnings:
        click.secho(f"  note: {one_line(warned.path)}: {one_line(warned.warning)}", dim=True, err=True)
    _print_left_out(report.skipped)


def _print_left_out(documents: Sequence[SkippedDocument]) -> None:
    """Print each of `documents` with its reason, and then what to do, each advice once."""
    for one in documents:
        stays = "; its earlier version stays" if one.stays else ""
        told = one.reason if one.reason.startswith(one.path) else f"{one.path}: {one.reason}"
        click.secho(f"  left out: {one_line(told)} ({one.code}){stays}", fg="yellow", err=True)
    for hint, code in {one.hint: one.code for one in documents if one.hint}.items():
        click.echo(f"  hint: {one_line(hint)} ({code})", err=True)
