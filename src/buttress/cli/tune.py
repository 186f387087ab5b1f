"""`buttress tune`: choose how a knowledge base is searched, by measuring."""

import asyncio
from pathlib import Path

import click
import msgspec

from buttress.app.measuring import Measured
from buttress.app.tuning import Tunable, edit_for, tune_knowledge
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line, safe
from buttress.cli.retrieval import ORIGINS, figure, progress
from buttress.improve.tuning import Tuning
from buttress.kernel.scope import scope_for
from buttress.knowledge.measuring.errors import TooFewQueries
from buttress.knowledge.measuring.recipes import described
from buttress.knowledge.types import Rerank
from buttress.settings.loading import Loaded

FEWEST_QUERIES = 20
"""With fewer the interval is so wide that nothing is written unless that is forced."""


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks."""

    labels: Path | None
    model: str | None
    rerank: Rerank
    user: str | None
    group: tuple[str, ...]
    tenant: str
    dry_run: bool
    force: bool
    as_json: bool


@click.command()
@click.argument("knowledge")
@click.option(
    "--labels",
    type=click.Path(path_type=Path, exists=True),
    help="Other labels than knowledge/KNOWLEDGE.labels.jsonl: a file, or a folder as BEIR's collections.",
)
@click.option("--model", help="Without labels: a model or ladder of models.yaml that writes queries.")
@click.option(
    "--rerank",
    type=click.Choice(["late", "model", "none"]),
    default="late",
    show_default=True,
    help="Which re-ranker is tried, too; to read all that is found takes time.",
)
@click.option("--user", help="On whose behalf; decides which documents are seen.")
@click.option("--group", multiple=True, metavar="NAME", help="A group the user is in; may be given often.")
@click.option("--tenant", default="default", show_default=True, help="The tenant that searches.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would change.")
@click.option("--force", is_flag=True, help=f"Write even with fewer than {FEWEST_QUERIES} queries.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def tune(invocation: Invocation, /, knowledge: str, **options: object) -> None:
    """Choose fusion, weights, depth and re-ranker of KNOWLEDGE by measuring, and write them down.

    Queries are those of knowledge/KNOWLEDGE.labels.jsonl; without any, a model writes some (--model), or
    headings are asked for. Each is scored by what the others chose. The default stays unless something else
    is better on average. What is chosen goes into knowledge/KNOWLEDGE.yaml, all else of which stays.
    """
    asked = msgspec.convert(options, _Options)
    loaded = loaded_settings(invocation)
    scope = scope_for(asked.tenant, asked.user, asked.group)
    measured = Measured(knowledge=knowledge, scope=scope, labels=asked.labels)
    tuning = asyncio.run(_tuned(loaded, Tunable(measured=measured, rerank=asked.rerank, model=asked.model)))
    if asked.as_json:
        click.echo(msgspec.json.encode({"origin": tuning.labels.origin, "choice": tuning.choice}))
    else:
        print_tuning(tuning)
    _write(loaded, tuning, asked)


async def _tuned(loaded: Loaded, asked: Tunable) -> Tuning:
    with progress() as told:
        return await tune_knowledge(loaded, asked, told)


def print_tuning(tuning: Tuning) -> None:
    """Print what was asked, what the default and the choice are worth, and what the folds chose."""
    choice = tuning.choice
    click.secho(f"{tuning.knowledge}: {choice.count:,} {ORIGINS[tuning.labels.origin]}", bold=True)
    click.echo(f"  default      nDCG@10 {figure(choice.default)}")
    click.echo(f"  tuned        nDCG@10 {figure(choice.tuned)}  each query out of fold")
    click.echo(f"  gain         nDCG@10 {figure(choice.gain)}  of {choice.recipes:,} recipes")
    click.echo(f"  {'kept' if choice.is_kept else 'chosen':<12} {described(choice.search)}")
    for name, folds in choice.folds.items():
        click.secho(f"    {folds} of {sum(choice.folds.values())} folds chose {name}", dim=True)
    for note in tuning.labels.notes:
        click.secho(f"note: {one_line(note)}", fg="yellow", err=True)


def _write(loaded: Loaded, tuning: Tuning, asked: _Options) -> None:
    """Write the choice, or say what it would change, or why it is not written.

    Raises:
        TooFewQueries: there are, and nobody forced it.
    """
    edit, count = edit_for(loaded, tuning), tuning.choice.count
    if not edit.diff:
        click.echo(f"{edit.path.name} says so already", err=True)
        return
    if asked.dry_run:
        click.echo(safe(edit.diff), nl=False, err=asked.as_json)
        return
    if count < FEWEST_QUERIES and not asked.force:
        raise TooFewQueries(
            f"{count} queries are few: a gain between {tuning.choice.gain.low * 100:+.1f} and "
            f"{tuning.choice.gain.high * 100:+.1f} points is likely; nothing was written"
        )
    edit.write()
    click.echo(f"written to {edit.path}", err=True)
    if tuning.choice.search.rerank == "late":
        click.echo(f"hint: Token vectors are stored by: buttress sync {tuning.knowledge}", err=True)
