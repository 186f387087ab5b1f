"""`buttress search`: find passages, without a model."""

import asyncio

import click
import msgspec

from buttress.app.buttress import Buttress
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
from buttress.cli.printing import print_passages
from buttress.kernel.scope import Scope, scope_for
from buttress.knowledge.search_types import Found
from buttress.settings.loading import Loaded


class _Search(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks."""

    knowledge: str
    text: str
    limit: int | None
    user: str | None
    group: tuple[str, ...]
    tenant: str
    explain: bool

    @property
    def scope(self) -> Scope:
        """What the asker may see."""
        return scope_for(self.tenant, self.user, self.group)


@click.command()
@click.argument("knowledge")
@click.argument("text")
@click.option(
    "--limit", type=click.IntRange(1, 100), help="Passages to print; else what the knowledge base says."
)
@click.option("--user", help="On whose behalf; decides which documents are seen.")
@click.option("--group", multiple=True, metavar="NAME", help="A group the user is in; may be given often.")
@click.option("--tenant", default="default", show_default=True, help="The tenant that searches.")
@click.option("--explain", is_flag=True, help="Print how each passage stood in every stage, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def search(invocation: Invocation, /, knowledge: str, text: str, **options: object) -> None:
    """Find the passages of KNOWLEDGE that fit TEXT best, with their scores and the time of each stage."""
    asked = msgspec.convert({"knowledge": knowledge, "text": text, **options}, _Search)
    found = asyncio.run(_search(loaded_settings(invocation), asked))
    if options["as_json"]:
        click.echo(msgspec.json.encode(found))
        return
    print_passages(found.passages, found.standings if asked.explain else ())
    if not found.passages:
        _say_nothing_found(asked, found)
    stages = "  ".join(
        f"{stage.name} {stage.duration_ms:.1f} ms{_note(stage.note)}" for stage in found.stages
    )
    click.secho(stages, dim=True)


def _say_nothing_found(asked: _Search, found: Found) -> None:
    if any(one.name == "threshold" for one in found.stages) and _were_chosen(found):
        click.secho("note: what was found has too low a score", fg="yellow", err=True)
        click.echo(f"hint: Lower `search.min_score` in knowledge/{asked.knowledge}.yaml", err=True)
        return
    who = ", ".join(asked.scope.visible_to)
    click.secho(
        f"note: nothing was found that tenant `{one_line(asked.tenant)}` may see as {one_line(who)}",
        fg="yellow",
        err=True,
    )
    click.echo(
        f"hint: Look at `readers` and `tenant` in knowledge/{asked.knowledge}.yaml; search on behalf of "
        "others: --user, --group, --tenant",
        err=True,
    )


def _were_chosen(found: Found) -> bool:
    return any(one.name in ("dedup", "read") and one.count for one in found.stages)


def _note(note: str) -> str:
    return f" ({one_line(note)})" if note else ""


async def _search(loaded: Loaded, asked: _Search) -> Found:
    async with Buttress.opened(loaded) as buttress:
        return await buttress.search(asked.knowledge, asked.text, scope=asked.scope, limit=asked.limit)
