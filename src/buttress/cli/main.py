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
    FAILED,
    INTERRUPTED,
    NO_COLOR,
    USAGE,
    CommandMisused,
    exit_code,
    from_machine,
    refuse_undecodable,
    report,
    wants_json,
    wants_no_colours,
)
from buttress.kernel.errors import ButtressError
from buttress.settings.colours import are_colours_unwanted

COMMANDS = {
    "init": ("buttress.cli.init", "Make a new project in DIR that runs at once."),
    "demo": ("buttress.cli.demo", "Answer questions from the packaged example; no keys needed."),
    "sync": ("buttress.cli.sync", "Bring knowledge bases to what their sources hold now."),
    "ingest": ("buttress.cli.sync", "The older name of sync."),
    "knowledge": ("buttress.cli.knowledge", "List the knowledge bases, and check what is kept of them."),
    "retrieval": ("buttress.cli.retrieval", "Measure how good what is found is."),
    "tune": ("buttress.cli.tune", "Choose how a knowledge base is searched, by measuring."),
    "search": ("buttress.cli.search", "Find passages in a knowledge base."),
    "ask": ("buttress.cli.ask", "Ask a feature, and stream its cited answer."),
    "trace": ("buttress.cli.trace", "Look at what happened in past calls."),
    "serve": ("buttress.cli.serve", "Run the project: supervisor, engine, call workers, background."),
    "doctor": ("buttress.cli.doctor", "Check the set-up, and say what to do."),
    "config": ("buttress.cli.config", "Show every setting and where it came from."),
    "models": ("buttress.cli.models", "List the models of models.yaml, try them, add one."),
    "prices": ("buttress.cli.prices", "Show what models cost, and who says so."),
    "budget": ("buttress.cli.spend", "Show what is used of each budget, what is left, and until when."),
    "spend": ("buttress.cli.spend", "Show what calls cost, and who asked for it."),
    "keys": ("buttress.cli.keys", "Make, list, rotate and revoke keys for HTTP."),
    "alerts": ("buttress.cli.alerts", "Look at alerts that were raised; try a webhook; deliver again."),
    "cache": ("buttress.cli.cache", "Look at kept answers, forget them, tune the likeness."),
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
@click.option(
    NO_COLOR, is_flag=True, expose_value=False, help="No colours, as with NO_COLOR; never any in a pipe."
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
    colours = False if wants_no_colours(arguments) or are_colours_unwanted() else None
    try:
        refuse_undecodable(arguments)
        code = cli.main(list(arguments), prog_name="buttress", standalone_mode=False, color=colours)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()  # the help, for whoever typed the name alone
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output is gone; without this, Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ButtressError, click.UsageError, OSError) as error:
        failure = _failure(error)
        report(failure, as_json=wants_json(arguments), colours=colours)
        return exit_code(failure)
    return code if isinstance(code, int) else 0


def _failure(error: ButtressError | click.UsageError | OSError) -> ButtressError:
    """Return `error` with a code and with what to do."""
    if isinstance(error, ButtressError):
        return error
    if isinstance(error, OSError):
        return from_machine(error)
    hint = f"See: {error.ctx.command_path} --help" if error.ctx else None
    return CommandMisused(error.format_message(), hint=hint)
