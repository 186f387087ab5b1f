"""`buttress config`: every setting, and where its value came from."""

import click
import msgspec

from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
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
    click.echo(f"project: {one_line(str(loaded.project))}")
    for one in settings:
        _print(one)


def _print(one: Setting) -> None:
    """Print a setting on a line of its own, whole however wide the terminal is, and its help below it."""
    value = one_line(str(one.value)) if one.value != "" else "(empty)"
    click.echo(f"{one.name} = {value}  ({one_line(one.origin)})")
    click.secho(f"    {one.help}", dim=True)
