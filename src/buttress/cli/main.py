"""The group of commands. A command's file is imported only when that command is asked for."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

import click
import msgspec
from typing_extensions import override

from buttress.cli.failures import (
    AWAY,
    FAILED,
    INTERRUPTED,
    USAGE,
    CommandMisused,
    exit_code,
    report,
    wants_json,
)
from buttress.kernel.errors import ButtressError

COMMANDS = {
    "init": ("buttress.cli.init", "Make a new project in DIR that runs at once."),
    "demo": ("buttress.cli.demo", "Answer questions from the packaged example; no keys needed."),
    "ingest": ("buttress.cli.ingest", "Read the documents of the project's knowledge bases."),
    "search": ("buttress.cli.search", "Find passages in a knowledge base."),
    "ask": ("buttress.cli.ask", "Ask a feature, and stream its cited answer."),
    "trace": ("buttress.cli.trace", "Look at what happened in past calls."),
    "serve": ("buttress.cli.serve", "Run the project: supervisor, engine, call workers, background."),
    "doctor": ("buttress.cli.doctor", "Check the set-up, and say what to do."),
    "config": ("buttress.cli.config", "Show every setting and where it came from."),
    "releases": ("buttress.cli.releases", "Compile the features, and say what is wrong with them."),
}


class Invocation(msgspec.Struct, frozen=True):
    """What the options before the command say; every command gets it."""

    project: Path | None
    flags: tuple[str, ...]


class _Commands(click.Group):
    """A group that imports a command when it is asked for, not before."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """See `click.Group`; in the order of the table."""
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See `click.Group`."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table and the files agree; a test walks them
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="The project's folder; else the nearest one at or above this.",
)
@click.option(
    "--set", "flags", multiple=True, metavar="SECTION.KEY=VALUE", help="A setting for this command only."
)
@click.version_option(package_name="buttress")
@click.pass_context
def cli(ctx: click.Context, project: Path | None, flags: tuple[str, ...]) -> None:
    """Buttress: the production layer for LLM features."""
    ctx.obj = Invocation(project, flags)


def run() -> None:
    """Run the command line of this process, and end it with the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        # What a terminal's encoding lacks is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every way out ends here, without a traceback."""
    as_json = wants_json(arguments)
    try:
        code = cli.main(list(arguments), prog_name="buttress", standalone_mode=False)
    except ButtressError as error:
        report(error, as_json=as_json)
        return exit_code(error)
    except click.UsageError as error:
        return _misused(error, as_json=as_json)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output is gone; without this, Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _machine_trouble(error)
    return code if isinstance(code, int) else 0


def _misused(error: click.UsageError, *, as_json: bool) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # the help, for whoever typed the name alone
        return USAGE
    hint = f"See: {error.ctx.command_path} --help" if error.ctx else CommandMisused.hint
    report(CommandMisused(error.format_message(), hint=hint), as_json=as_json)
    return USAGE


def _machine_trouble(error: OSError) -> int:
    """Say what the machine refused (no disk, no permission, a taken port) in one sentence."""
    what = f"{error.filename}: " if error.filename else ""
    click.secho(f"error: {what}{error.strerror or error}", fg="red", err=True)
    return AWAY if isinstance(error, ConnectionError | TimeoutError) else FAILED
