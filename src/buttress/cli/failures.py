"""Errors as people see them: what happened, what to do, and an exit code. Never a traceback."""

import json
from collections.abc import Sequence

import click

from buttress.kernel.errors import ButtressError

DONE, FAILED, USAGE, IN_PART, AWAY, INTERRUPTED = 0, 1, 2, 3, 75, 130

MEANINGS = {
    DONE: "done",
    FAILED: "failed; the message says why and what to do",
    USAGE: "the command, a setting or a file of the project is wrong; nothing was done",
    IN_PART: "done in part: some files were left out, each named with its reason",
    AWAY: "something needed is away just now; the same command may work later",
    INTERRUPTED: "interrupted by the user",
}

_WRONG_INPUT = ("settings.", "gateway.feature_invalid", "knowledge.declaration", "cli.")


class CommandMisused(ButtressError):
    """The command cannot be carried out as it was given."""

    code = "cli.misused"
    hint = "See what it takes: buttress COMMAND --help"


def exit_code(error: ButtressError) -> int:
    """Return the exit code for `error`."""
    if error.code.startswith(_WRONG_INPUT):
        return USAGE
    return AWAY if error.retryable else FAILED


def report(error: ButtressError, *, as_json: bool) -> None:
    """Print `error` on standard error: for people, or as one JSON object."""
    if as_json:
        click.echo(json.dumps({"error": error.as_dict()}, default=str), err=True)
        return
    click.secho(f"error: {error.message}", fg="red", err=True)
    click.echo(f"hint: {error.hint}\n({error.code})", err=True)


def wants_json(arguments: Sequence[str]) -> bool:
    """Say whether a command line asks for JSON; known before, and whether or not, it is parsed."""
    return "--json" in arguments
