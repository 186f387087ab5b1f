"""`buttress alerts`: what was raised and who was told, a test of a webhook, another try."""

import asyncio

import click
import msgspec

from buttress.app.alerting import targets_now, try_webhook
from buttress.app.buttress import Buttress
from buttress.app.project import declared_webhooks
from buttress.app.storage import project_database
from buttress.cli.failures import DONE, FAILED
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.settings.loading import Loaded
from buttress.watch.rules import Reading, is_missed
from buttress.watch.store import AlertStore
from buttress.watch.types import Delivery, Raised

_NONE_YET = "no alerts yet; who is told of them stands in alerts.yaml"
_NO_TARGETS = (
    "no feature with a target had a call of late; a target stands in feature.yaml as `cost:` or `latency:`"
)
_NOBODY = "nobody but the log was told: no webhook of alerts.yaml wanted it then"


@click.group()
def alerts() -> None:
    """Look at the alerts that were raised; try a webhook; deliver again."""


@alerts.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def list_alerts(invocation: Invocation, limit: int, *, as_json: bool) -> None:
    """Print the latest alerts, and how far each webhook is with them."""
    found = asyncio.run(_latest(loaded_settings(invocation), limit))
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for one in found:
        click.echo(_line(one))
        for delivery in one.deliveries:
            click.echo(f"    {_far(delivery)}")
        if not one.deliveries:
            click.secho(f"    {_NOBODY}", dim=True)
    if not found:
        click.echo(_NONE_YET, err=True)


def _line(one: Raised) -> str:
    at = one.raised_at.strftime("%Y-%m-%d %H:%M:%S")
    return one_line(f"{one.alert_id}  {at}  {one.alert.kind:<7} {one.alert.mark}  {one.alert.text}")


def _far(delivery: Delivery) -> str:
    tried = f"{delivery.tries:,} {'try' if delivery.tries == 1 else 'tries'}"
    said = [f"{delivery.webhook}: {delivery.state.replace('_', ' ')}", tried]
    if delivery.outcome:
        said.append(delivery.outcome)
    if delivery.state == "waiting":
        said.append(f"next {delivery.next_try_at.strftime('%Y-%m-%d %H:%M:%S')}")
    return one_line(", ".join(said))


@alerts.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def targets(invocation: Invocation, *, as_json: bool) -> None:
    """Print each feature's cost and latency targets beside what its calls of late came to."""
    loaded = loaded_settings(invocation)
    found = asyncio.run(_readings(loaded))
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for one in found:
        click.echo(one_line(f"{_kept(one, loaded.tree.watch.min_calls):<14} {one.text}"))
    if not found:
        click.echo(_NO_TARGETS, err=True)


def _kept(one: Reading, min_calls: int) -> str:
    if one.calls < min_calls:
        return "too few calls"
    return "missed" if is_missed(one, min_calls) else "kept"


@alerts.command("test")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def try_one(invocation: Invocation, name: str, *, as_json: bool) -> int:
    """Send the webhook NAME of alerts.yaml a signed test, once; ends with 1 when it did not take it."""
    loaded = loaded_settings(invocation)
    routes = declared_webhooks(loaded.project)
    sent = asyncio.run(try_webhook(routes, name, loaded.project, loaded.tree, SystemClock(), SeededChance()))
    is_fine = sent.kind == "delivered"
    if as_json:
        click.echo(msgspec.json.encode(sent))
    else:
        click.secho(
            one_line(f"{name}  {sent.kind.replace('_', ' ')}"), fg="green" if is_fine else "red", nl=False
        )
        click.echo(one_line(f"  {sent.reason} · {sent.duration_ms:,.0f} ms"))
    return DONE if is_fine else FAILED


@alerts.command()
@click.argument("alert_id")
@click.pass_obj
def retry(invocation: Invocation, alert_id: str) -> None:
    """Have the running project deliver again what was not delivered of ALERT_ID; its last characters do."""
    whole, webhooks = asyncio.run(_retry(loaded_settings(invocation), alert_id))
    click.echo(one_line(f"{whole} is due again for: {', '.join(webhooks)}"))


async def _latest(loaded: Loaded, limit: int) -> list[Raised]:
    async with project_database(loaded, SystemClock()) as database:
        return await AlertStore(database).latest(limit)


async def _readings(loaded: Loaded) -> list[Reading]:
    async with Buttress.opened(loaded) as buttress:
        await buttress.ship()
        return await targets_now(
            await buttress.database(), buttress.releases, loaded.tree.watch, SystemClock().now()
        )


async def _retry(loaded: Loaded, alert_id: str) -> tuple[str, list[str]]:
    clock = SystemClock()
    async with project_database(loaded, clock) as database:
        return await AlertStore(database).retry(alert_id, clock.now(), loaded.tree.watch.retry_for_s)
