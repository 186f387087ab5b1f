"""`buttress ingest`: read the documents of the project's knowledge bases."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from buttress.app.buttress import Buttress
from buttress.cli.failures import DONE, IN_PART
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import are_colours_wanted, one_line
from buttress.knowledge.ingest_types import IngestReport, Progress
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
                f"{progress.elapsed_s:,.0f} s: {progress.files_done:,} of {progress.files:,} documents read, "
                f"{_rates(progress)}",
                err=True,
            )


@click.command()
@click.argument("knowledge", nargs=-1)
@click.option("--allow-empty", is_flag=True, help="Remove documents of a folder that is empty now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array of reports.")
@click.pass_obj
def ingest(invocation: Invocation, knowledge: tuple[str, ...], *, allow_empty: bool, as_json: bool) -> int:
    """Read the documents of KNOWLEDGE; of every knowledge base without a name.

    Only what changed is read, cut and embedded again; what is gone from its folder is gone from the index. A
    file that cannot be read is named with its reason and left out; the exit code is then 3. A folder that has
    become empty may only be away: that is an error, unless --allow-empty is given. Without a name, knowledge
    bases that are not declared any more are removed.
    """
    reports = asyncio.run(_ingest(loaded_settings(invocation), knowledge, allow_empty=allow_empty))
    if as_json:
        click.echo(msgspec.json.encode(reports))
    else:
        for report in reports:
            print_report(report)
    return IN_PART if any(report.skipped for report in reports) else DONE


async def _ingest(loaded: Loaded, knowledge: tuple[str, ...], *, allow_empty: bool) -> list[IngestReport]:
    async with Buttress.opened(loaded) as buttress:
        with progress_bar() as watcher:
            return await buttress.ingest(*knowledge, allow_empty=allow_empty, on_progress=watcher)


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
    with Bar(*columns, console=console, transient=True) as bar:
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
        "unchanged": report.unchanged,
        "removed": report.removed,
    }
    counts = ", ".join(f"{count:,} {name}" for name, count in figures.items() if count) or "nothing to read"
    click.echo(
        f"{report.knowledge}: {counts}; {report.chunks:,} chunks read, {report.embedded:,} embedded, "
        f"{report.reused:,} reused; {report.duration_s:.1f} s"
    )
    for warned in report.warnings:
        click.secho(f"  note: {one_line(warned.path)}: {one_line(warned.warning)}", dim=True, err=True)
    for skipped in report.skipped:
        stays = "; its earlier version stays" if skipped.stays else ""
        click.secho(
            f"  left out: {one_line(skipped.path)}: {one_line(skipped.reason)} ({skipped.code}){stays}",
            fg="yellow",
            err=True,
        )
