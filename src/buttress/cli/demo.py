"""`buttress demo`: the packaged example answers a question; on a terminal it stays up for more."""

import asyncio
import shlex
import sys
from importlib.resources import files
from pathlib import Path
from shutil import which

import click

from buttress.app.buttress import Buttress
from buttress.app.local_model import local_model
from buttress.cli.ask import print_answer
from buttress.cli.copying import copy_into
from buttress.cli.failures import CommandMisused, report
from buttress.cli.main import Invocation
from buttress.cli.plain import are_colours_wanted, one_line, safe
from buttress.cli.sync import print_report, progress_bar
from buttress.gateway.types import Asked
from buttress.kernel.errors import ButtressError
from buttress.models.errors import LocalModelBroken, LocalModelMissing
from buttress.models.local_file import local_file
from buttress.models.local_server import require_runtime
from buttress.settings.loading import Loaded, load_settings
from buttress.tracing.logs import configure_logs
from buttress.tracing.settings import TracingSettings

FEATURE = "support"
MARK = Path("knowledge") / "kestrel.yaml"
"""A folder that holds it is a copy of the example."""

PAGE = "http://127.0.0.1:8700/"

SETTINGS = """\
# The settings of this project; every one has a default. See them all: buttress config show
server:
  drills: true # the page has buttons that break things for real; not where people work with it
"""
"""What the copy is served with: it is there to be broken."""

QUESTION = "What does it cost to move 40 GB from our own server to Kestrel Cloud?"


@click.command()
@click.argument("question", default=QUESTION)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the example is copied to; else .buttress-demo in this folder.",
)
@click.pass_obj
def demo(invocation: Invocation, question: str, directory: Path | None) -> None:
    """Read the example's documents, ask QUESTION, and stream the cited answer. Needs no keys.

    On a terminal it then waits for questions of yours; an empty line ends it.
    """
    project = (directory or Path(".buttress-demo")).resolve()
    _copy_example(project)
    loaded = load_settings(project, flags=invocation.flags)
    configure_logs(TracingSettings(log_level="warning", log_format="text"), colours=are_colours_wanted())
    asyncio.run(_demo(loaded, question))
    _say_what_next(project)


def _copy_example(project: Path) -> None:
    """Copy the example to `project`; a copy that is there already stays, with the changes made to it."""
    if (project / MARK).is_file():
        return
    if project.exists() and any(project.iterdir()):
        raise CommandMisused(
            f"{project} is not empty, and no copy of the example; nothing was changed in it",
            hint="Name a folder that is new or empty: buttress demo --dir DIR",
        )
    copy_into(_example(), project)
    (project / "buttress.yaml").write_text(SETTINGS)


def _example() -> Path:
    """Return the example: in the package where it was installed, beside the source in a clone."""
    candidates = (
        Path(str(files("buttress"))) / "examples" / FEATURE,
        Path(__file__).parents[3] / "examples" / FEATURE,
    )
    found = next((one for one in candidates if one.is_dir()), None)
    if found is None:
        raise CommandMisused("the example is not in this installation", hint="Install Buttress again.")
    return found


def _say_what_next(project: Path) -> None:
    program, folder = _program(), shlex.quote(_from_here(project))
    click.echo(
        f"\nNext:\n  {program} --project {folder} trace list\n      what happened, step by step"
        f"\n  {program} --project {folder} serve\n      the same over HTTP, and a page to break it on: {PAGE}"
        f"\n  {program} init my-project\n      a project of your own, its files explain themselves"
    )


def _program() -> str:
    """Return what to type for `buttress` here: its path, where the shell does not find it by its name."""
    script = Path(sys.executable).with_name("buttress")
    found = which("buttress")
    return "buttress" if found and Path(found).samefile(script) else shlex.quote(_from_here(script))


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


async def _demo(loaded: Loaded, question: str) -> None:
    async with Buttress.opened(loaded) as buttress:
        buttress.begin_local_model()  # it loads while the documents are read
        _say_what_is_missing(loaded)
        click.secho(f"Reading the example's documents in {loaded.project} ...", dim=True)
        with progress_bar() as watcher:
            for ingested in await buttress.ingest(on_progress=watcher):
                print_report(ingested)
        await _ask(buttress, question)
        while sys.stdin.isatty():
            asked = await asyncio.to_thread(_next_question)
            if not asked:
                return
            try:
                await _ask(buttress, asked)
            except ButtressError as error:  # the next question may be a better one
                report(error, as_json=False)


def _say_what_is_missing(loaded: Loaded) -> None:
    """Print one line where the local model cannot run here: quotes answer then."""
    model = local_model(loaded.project)
    if model is None:
        return
    try:
        require_runtime()
        local_file(model, loaded.project)
    except (LocalModelMissing, LocalModelBroken) as error:
        click.secho(f"No local model, quotes answer: {one_line(error.message)}", dim=True)


async def _ask(buttress: Buttress, question: str) -> None:
    click.secho(f"\n> {safe(question)}\n", bold=True)
    asked = Asked(feature=FEATURE, input={"question": question}, user="demo", watched=True)
    await print_answer(buttress.watch(asked), are_troubles_told=False)


def _next_question() -> str:
    try:
        return input("\nAsk something about Kestrel (empty to end): ").strip()
    except (EOFError, UnicodeDecodeError):  # what is no text is no question
        return ""
