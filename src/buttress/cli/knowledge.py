"""`buttress knowledge`: how the knowledge bases stand, and whether what is kept of them is what there is."""

import asyncio
from contextlib import closing
from datetime import datetime

import click
import msgspec

from buttress.app.checking import Checked
from buttress.app.checking import check as look_over
from buttress.app.layout import index_folder
from buttress.app.project import knowledge_bases
from buttress.app.standings import KnowledgeStanding, counted, standings
from buttress.app.storage import project_database
from buttress.app.syncing import SyncParts, check_names
from buttress.cli.failures import DONE, FAILED, IN_PART
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
from buttress.kernel.clock import SystemClock
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.settings.loading import Loaded

_NONE_YET = "no knowledge base yet: one is declared in knowledge/NAME.yaml"


@click.group()
def knowledge() -> None:
    """List the knowledge bases, and check what is kept of them."""


@knowledge.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def list_knowledge(invocation: Invocation, *, as_json: bool) -> None:
    """Print of each knowledge base what it holds, its last sync and its next one, and what went wrong."""
    found = asyncio.run(_standings(loaded_settings(invocation)))
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for one in found:
        click.echo(_line(one))
        if one.last and one.last.error:
            told = f"  the last sync failed: {one.last.error} ({one.last.error_code})"
            click.secho(one_line(told), fg="yellow", err=True)
    if not found:
        click.echo(_NONE_YET, err=True)


@knowledge.command()
@click.argument("names", nargs=-1)
@click.option(
    "--repair", is_flag=True, help="Remove what is wrong; what is missing comes with the next sync."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def check(invocation: Invocation, /, names: tuple[str, ...], *, repair: bool, as_json: bool) -> int:
    """Compare index, ledger, sources and kept answers, of the knowledge bases NAMES or of all.

    A ghost can be found though no source holds it; an orphan is kept though nothing leads to it. The exit
    code is 1 when there is one that was not removed, and 3 when a source could not be looked at.
    """
    checked = asyncio.run(_check(loaded_settings(invocation), names, repair=repair))
    if as_json:
        click.echo(msgspec.json.encode(checked))
    else:
        _print_checked(checked)
    if checked.findings and not repair:
        return FAILED
    return IN_PART if checked.unknown else DONE


def _print_checked(checked: Checked) -> None:
    for one in checked.findings:
        place = f"{one.knowledge}: " if one.knowledge not in ("", one.what) else ""
        removed = "; removed" if checked.repaired else ""
        click.echo(one_line(f"{one.kind}: {place}{one.what} ({one.where}): {one.reason}{removed}"))
    for reason in checked.unknown:
        click.secho(f"not looked at: {one_line(reason)}", fg="yellow", err=True)
    if checked.cited:
        click.secho(
            f"note: traces cite documents that are no more: {checked.cited:,}; they tell what was said",
            dim=True,
        )
    if not checked.findings:
        click.echo("nothing is wrong")
    elif not checked.repaired:
        click.echo("hint: Remove it: buttress knowledge check --repair", err=True)


async def _check(loaded: Loaded, names: tuple[str, ...], *, repair: bool) -> Checked:
    declared, clock = knowledge_bases(loaded.project), SystemClock()
    check_names(declared, names)
    with closing(SharedEmbedder(loaded.tree.knowledge.embedder)) as embedder:
        async with project_database(loaded, clock) as database:
            parts = SyncParts(loaded=loaded, database=database, embedder=embedder, clock=clock)
            return await look_over(declared, names, parts, repair=repair)


def _line(one: KnowledgeStanding) -> str:
    told = [f"documents {one.documents:,}"]
    if one.chunks is not None:
        told.append(f"chunks {one.chunks:,}")
    told.append(_last(one))
    if one.every_s:
        told.append(f"next {_at(one.next_at) if one.next_at else 'at once'}, where `buttress serve` runs")
    if one.last and one.last.left_out:
        told.append(f"left out {one.last.left_out:,}")
    return one_line(f"{one.knowledge}: {', '.join(told)}")


def _last(one: KnowledgeStanding) -> str:
    last = one.last
    if last is None:
        return "never synced"
    if last.ended_at is None:
        return f"sync began {_at(last.began_at)}, and runs or was killed"
    if last.failures:
        well = _at(last.succeeded_at) if last.succeeded_at else "never"
        return f"synced {well}, failures since {last.failures:,}"
    return f"synced {_at(last.ended_at)}"


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


async def _standings(loaded: Loaded) -> list[KnowledgeStanding]:
    declared = knowledge_bases(loaded.project)
    async with project_database(loaded, SystemClock()) as database:
        return await counted(await standings(database, declared), database, index_folder(loaded.project))
