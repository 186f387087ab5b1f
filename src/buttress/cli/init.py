"""`buttress init`: a new project whose files explain themselves, and which runs at once."""

import shlex
from importlib.resources import as_file, files
from pathlib import Path

import click

from buttress.cli.copying import copy_into
from buttress.cli.failures import CommandMisused
from buttress.cli.plain import one_line

TEMPLATES = ("support",)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--template",
    type=click.Choice(TEMPLATES),
    default="support",
    show_default=True,
    help="What to begin with.",
)
def init(directory: Path, template: str) -> None:
    """Make a new project in DIRECTORY that runs at once; DIRECTORY must be new or empty."""
    if directory.exists() and any(directory.iterdir()):
        raise CommandMisused(f"{directory} is not empty", hint="Name a folder that is new or empty.")
    with as_file(files("buttress.cli") / "templates" / template) as source:
        copy_into(source, directory)
    (directory / "gitignore").rename(directory / ".gitignore")
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        click.echo(f"  {one_line(str(path))}")
    click.echo(f"\nNow:\n  cd {shlex.quote(str(directory))}\n  buttress sync")
    click.echo(f'  buttress ask {template} "What happens when nothing fits?"')
