"""How far a reading is, on a terminal and in a log."""

from io import StringIO

from buttress.cli.reading import ReadingBar
from buttress.gateway.types import Progressed


class Terminal(StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_on_a_terminal_one_line_is_drawn_again_and_taken_away() -> None:
    terminal = Terminal()
    bar = ReadingBar(terminal)
    bar.hide()
    assert terminal.getvalue() == ""
    for done in (1, 2):
        bar.show(Progressed("pieces", done, 2))
    bar.hide()
    said = terminal.getvalue()
    assert said.count("\r") == 3
    assert "\n" not in said
    assert "pieces: 2 of 2" in said
    assert said.endswith("\r\033[K")


def test_in_a_log_there_are_few_lines() -> None:
    log = StringIO()
    bar = ReadingBar(log)
    for done in range(1, 401):
        bar.show(Progressed("pieces", done, 400))
    bar.hide()
    lines = log.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[-1] == "pieces: 400 of 400"


def test_few_pieces_have_a_line_each() -> None:
    log = StringIO()
    for done in range(1, 4):
        ReadingBar(log).show(Progressed("merges", done, 3))
    assert log.getvalue().splitlines() == [f"merges: {done} of 3" for done in (1, 2, 3)]
