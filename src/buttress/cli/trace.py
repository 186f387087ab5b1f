"""`buttress trace`: what happened in past calls."""

import asyncio

import click
import msgspec

from buttress.app.buttress import Buttress
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
from buttress.cli.printing import print_trace
from buttress.settings.loading import Loaded
from buttress.tracing.types import Trace


@click.group()
def trace() -> None:
    """Look at what happened in past calls."""


@trace.command("list")
@click.option("--feature", help="Only calls of this feature.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first."
)
@click.option("--tenant", default="default", show_default=True, help="Whose calls.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def list_traces(
    invocation: Invocation, feature: str | None, limit: int, tenant: str, *, as_json: bool
) -> None:
    """Print the latest calls, one a line."""
    traces = asyncio.run(_latest(loaded_settings(invocation), tenant, feature, limit))
    if as_json:
        click.echo(msgspec.json.encode(traces))
        return
    for one in traces:
        click.echo(_line(one))
    if not traces:
        click.echo("no calls yet; ask one: buttress ask FEATURE QUESTION", err=True)


def _line(one: Trace) -> str:
    asked = " ".join(str(one.input.get("question", one.input)).split())
    at = one.started_at.strftime("%Y-%m-%d %H:%M:%S")
    return one_line(
        f"{one.trace_id}  {at}  {one.outcome:<9} {one.duration_ms:8.0f} ms  {one.feature}  {asked[:60]}"
    )


@trace.command()
@click.argument("trace_id")
@click.option("--tenant", default="default", show_default=True, help="Whose call.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(invocation: Invocation, trace_id: str, tenant: str, *, as_json: bool) -> None:
    """Print one call with each of its steps; the last characters of TRACE_ID are enough."""
    found = asyncio.run(_get(loaded_settings(invocation), tenant, trace_id))
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        print_trace(found)


async def _latest(loaded: Loaded, tenant: str, feature: str | None, limit: int) -> list[Trace]:
    async with Buttress.opened(loaded) as buttress:
        store = await buttress.traces()
        return await store.latest(tenant, feature=feature, limit=limit)


async def _get(loaded: Loaded, tenant: str, trace_id: str) -> Trace:
    async with Buttress.opened(loaded) as buttress:
        store = await buttress.traces()
        return await store.get(tenant, trace_id)
