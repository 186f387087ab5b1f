"""Text of others made plain: it comes from documents, users and models, and is data.

Control characters in it are not sent to the terminal, which would obey them.
"""

import re

import click

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_BREAK = re.compile(r"[\t\n\u2028\u2029]")


def safe(text: str) -> str:
    """Return `text` without what a terminal would obey or cannot be sent; line breaks and tabs stay."""
    return _CONTROL.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Return `text` as `safe` does, and without line breaks and tabs: for names in outputs of one line."""
    return _LINE_BREAK.sub("\ufffd", safe(text))


def are_colours_wanted() -> bool:
    """Say whether the command at hand may use colours on a terminal; `--no-color` and NO_COLOR forbid it."""
    context = click.get_current_context(silent=True)
    return context is None or context.color is not False
