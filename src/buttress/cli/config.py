"""`buttress config`: every setting, and where its value came from."""

import click
import msgspec
from rich.console import Console
from rich.table import Table

from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.settings.listing import Setting, list_settings


@click.group()
def config() -> None:
    """Show every setting and where it came from."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.option("--changed", is_flag=True, help="Only the settings that are not at their default.")
@click.pass_obj
def show(invocation: Invocation, *, as_json: bool, changed: bool) -> None:
    """Print each setting with its value, its origin and its help."""
    loaded = loaded_settings(invocation)
    settings = [one for one in list_settings(loaded) if not changed or one.origin != "default"]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(settings)))
        return
    click.echo(f"project: {loaded.project}")
    # A value is text, also one that looks like markup or like a name of a picture.
    Console(markup=False, emoji=False, highlight=False).print(_table(settings))


def _table(settings: list[Setting]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("setting", "value", "from", "what it is"):
        table.add_column(heading, overflow="fold")
    for one in settings:
        table.add_row(one.name, str(one.value), one.origin, one.help)
    return table
