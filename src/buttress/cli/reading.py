"""How far the reading of a long text is, on standard error."""

import sys
from typing import TextIO

import click

from buttress.gateway.types import Progressed

WIDTH = 30
LINE_EVERY = 10
"""Where standard error is no terminal, a line for each tenth of it would do: so many lines in all."""


class ReadingBar:
    """Shows the bar of one reading: redrawn on a terminal, else a line for every tenth of it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_shown = False

    def show(self, progress: Progressed) -> None:
        """Show how far it is now."""
        done, total = progress.done, progress.total
        told = f"{progress.step}: {done:,} of {total:,}"
        if self._stream.isatty():
            full = WIDTH * done // total
            bar = "#" * full + "-" * (WIDTH - full)
            click.echo(f"\r[{bar}] {told}\033[K", nl=False, file=self._stream)
            self._is_shown = True
        elif LINE_EVERY * done // total != LINE_EVERY * (done - 1) // total:
            click.echo(told, file=self._stream)

    def hide(self) -> None:
        """Take the bar away, where one is drawn."""
        if self._is_shown:
            click.echo("\r\033[K", nl=False, file=self._stream)
            self._is_shown = False
