"""`buttress search`: find passages, without a model."""

import asyncio

import click
import msgspec

from buttress.app.buttress import Buttress
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.printing import print_passages
from buttress.kernel.scope import Scope
from buttress.knowledge.search_types import Found
from buttress.settings.loading import Loaded


@click.command()
@click.argument("knowledge")
@click.argument("text")
@click.option(
    "--limit", type=click.IntRange(1, 100), help="Passages to print; else what the knowledge base says."
)
@click.option("--user", help="On whose behalf; decides which documents are seen.")
@click.option("--tenant", default="default", show_default=True, help="The tenant that searches.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def search(invocation: Invocation, /, knowledge: str, text: str, **options: object) -> None:
    """Find the passages of KNOWLEDGE that fit TEXT best, with their scores and the time of each stage."""
    scope = Scope(str(options["tenant"]), frozenset({f"user:{options['user']}"} if options["user"] else ()))
    limit = options["limit"] if isinstance(options["limit"], int) else None
    found = asyncio.run(_search(loaded_settings(invocation), knowledge, text, scope, limit))
    if options["as_json"]:
        click.echo(msgspec.json.encode(found))
        return
    print_passages(found.passages)
    stages = "  ".join(
        f"{stage.name} {stage.duration_ms:.1f} ms{_note(stage.note)}" for stage in found.stages
    )
    click.secho(stages, dim=True)


def _note(note: str) -> str:
    return f" ({note})" if note else ""


async def _search(loaded: Loaded, knowledge: str, text: str, scope: Scope, limit: int | None) -> Found:
    async with Buttress.opened(loaded) as buttress:
        return await buttress.search(knowledge, text, scope=scope, limit=limit)
