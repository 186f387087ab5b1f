"""Errors as people see them: what happened, what to do, and an exit code. Never a traceback."""

import errno
import json
from collections.abc import Iterator, Sequence

import click

from buttress.cli.plain import safe
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

NO_COLOR = "--no-color"

_WRONG_INPUT = (
    "settings.",
    "access.declaration",
    "gateway.feature_invalid",
    "knowledge.declaration",
    "spend.declaration",
    "watch.declaration",
    "cli.misused",
    "models.not_added",
    "tracing.spending_unclear",
)

_REMEDIES = {
    errno.EACCES: "Give the user that runs this the right to it, or name a folder of theirs: --project DIR",
    errno.EDQUOT: "Make room on the disk, then run the command again; nothing is left half done.",
    errno.EEXIST: "Something of that name is there already: remove it, or name another folder.",
    errno.EISDIR: "A folder stands where a file is needed: remove it, or name another one.",
    errno.EMFILE: "Too many files are open at once: raise the limit (ulimit -n).",
    errno.ENAMETOOLONG: "Give it a shorter name.",
    errno.ENOENT: "Make it, or name another one.",
    errno.ENOTDIR: "A file stands where a folder is needed: name another folder.",
}
_REMEDIES |= {
    errno.EPERM: _REMEDIES[errno.EACCES],
    errno.EROFS: _REMEDIES[errno.EACCES],
    errno.ENOSPC: _REMEDIES[errno.EDQUOT],
}


class CommandMisused(ButtressError):
    """The command cannot be carried out as it was given."""

    code = "cli.misused"
    hint = "See what it takes: buttress COMMAND --help"


class MachineRefused(ButtressError):
    """The machine refused something: no right to it, no room on the disk, a file in the way."""

    code = "cli.machine_refused"
    hint = "Mend what the message names, then run the command again."


class MachineAway(ButtressError):
    """A connection of the machine could not be made, broke, or took too long."""

    code = "cli.machine_away"
    hint = "Run the command again in a moment."
    retryable = True


def from_machine(error: OSError) -> ButtressError:
    """Return what the machine refused as an error with a code and with what to do."""
    where = "" if error.filename is None else f"{error.filename!s}: "
    message = f"{where}{error.strerror or str(error) or type(error).__name__}"
    if isinstance(error, ConnectionError | TimeoutError):
        return MachineAway(message)
    return MachineRefused(message, hint=_REMEDIES.get(error.errno or 0))


def hint_of(code: str) -> str:
    """Return what to do about the error of that `code`; empty when no error loaded so far has it.

    An answer names the errors behind it by their codes only; whatever was raised here is loaded.
    """
    return next((error.hint for error in _of_code(code)), "")


def meaning_of(code: str) -> str:
    """Return what the error of that `code` means, in one line; the code itself when none loaded has it."""
    texts = ((error.__doc__ or "").strip().partition("\n")[0] for error in _of_code(code))
    return next((text.rstrip(".") for text in texts if text), code)


def _of_code(code: str) -> Iterator[type[ButtressError]]:
    return (error for error in _all_below(ButtressError) if vars(error).get("code") == code)


def _all_below(error: type[ButtressError]) -> Iterator[type[ButtressError]]:
    for child in error.__subclasses__():
        yield child
        yield from _all_below(child)


def exit_code(error: ButtressError) -> int:
    """Return the exit code for `error`."""
    if error.code.startswith(_WRONG_INPUT):
        return USAGE
    return AWAY if error.retryable else FAILED


def report(error: ButtressError, *, as_json: bool, colours: bool | None = None) -> None:
    """Print `error` on standard error: for people, or as one JSON object.

    `colours` None: as the command at hand has them, and none where that is no terminal.
    """
    if as_json:
        click.echo(json.dumps({"error": error.as_dict()}, default=str), err=True)
        return
    click.secho(safe(f"error: {error.message}"), fg="red", err=True, color=colours)
    click.echo(safe(f"hint: {error.hint}\n({error.code})"), err=True)


def refuse_undecodable(arguments: Sequence[str]) -> None:
    """Refuse words that are not UTF-8: no database, index or model could be told them.

    Raises:
        CommandMisused: names the first such word.
    """
    for word in arguments:
        if not _is_encodable(word):
            told = word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            raise CommandMisused(
                f"`{told}` is not UTF-8",
                hint="Type it in a terminal that is set to UTF-8, or spell it otherwise.",
            )


def _is_encodable(word: str) -> bool:
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def wants_json(arguments: Sequence[str]) -> bool:
    """Say whether a command line asks for JSON; known before, and whether or not, it is parsed."""
    return "--json" in arguments


def wants_no_colours(arguments: Sequence[str]) -> bool:
    """Say whether a command line asks for no colours; known before, and whether or not, it is parsed."""
    return NO_COLOR in arguments
