"""Tables of answers: CSV with the columns `question` and `answer`. Pure."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from buttress.kernel.errors import Location, Mistake
from buttress.releases.rules import normalise

COLUMNS = ("question", "answer")

_QUOTED = re.compile(r'"(?:[^"]|"")*+"(?=[,\n]|\Z)')
_PLAIN = re.compile(r"[^,\n]*")

Row = tuple[int, list[str]]
"""The 1-based line a row begins on, and its cells."""


def read_table(text: str, path: Path) -> dict[str, str] | list[Mistake]:
    """Return the answers of the table `text`, by normalised question; or everything wrong with it.

    Further columns (a source, a note) are allowed. Several questions may have one answer.
    """
    try:
        rows = list(_rows(text))
    except csv.Error as error:
        return [_unreadable(error, text, path)]
    if not rows:
        return [Mistake(Location(path, 1), "the table is empty", "Begin with a line `question,answer`.")]
    header = [cell.strip().lower() for cell in rows[0][1]]
    mistakes = list(_header_mistakes(header, Location(path, rows[0][0])))
    return mistakes or _answers(header, rows[1:], path)


def _unreadable(error: csv.Error, text: str, path: Path) -> Mistake:
    opened = _bad_quote(text)
    if opened is None:
        message = f"not a table of comma-separated values: {error}"
        return Mistake(Location(path), message, 'Quote texts that hold commas or quotes: "a, b".')
    message = (
        "not a table of comma-separated values: a quote opens here that does not close at the end of a cell"
    )
    hint = 'Close it, or write a quote inside a quoted text twice: "the ""new"" one".'
    return Mistake(Location(path, opened), message, hint)


def _bad_quote(text: str) -> int | None:
    """Return the 1-based line of the first quoted cell without an end, None when each has one."""
    at = 0
    while at < len(text):
        cell = (_QUOTED if text[at] == '"' else _PLAIN).match(text, at)
        if cell is None:
            return text.count("\n", 0, at) + 1
        at = cell.end() + 1  # behind the comma, or the end of the line
    return None


def _rows(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _header_mistakes(header: list[str], where: Location) -> Iterator[Mistake]:
    for column in COLUMNS:
        if header.count(column) > 1:
            yield Mistake(where, f"the column `{column}` is there twice", "Keep one of them.")
        if column not in header:
            hint = f"Its columns are: {', '.join(header)[:200]}. Begin the table with `question,answer`"
            semicolons = any(";" in cell for cell in header)
            yield Mistake(
                where,
                f"the table has no column `{column}`",
                f"{hint}, with commas and not semicolons." if semicolons else f"{hint}.",
            )


def _answers(header: list[str], rows: list[Row], path: Path) -> dict[str, str] | list[Mistake]:
    answers: dict[str, tuple[int, str]] = {}
    mistakes: list[Mistake] = []
    for line, cells in rows:
        where = Location(path, line)
        if len(cells) != len(header):
            message = f"{len(cells)} cells where the table has {len(header)} columns"
            mistakes.append(Mistake(where, message, 'Quote texts that hold commas: "a, b".'))
            continue
        question, answer = (cells[header.index(column)] for column in COLUMNS)
        first = answers.setdefault(normalise(question), (line, answer.strip()))
        mistakes += _row_mistakes(question, answer.strip(), first, where)
    if not rows:
        mistakes.append(Mistake(Location(path, 1), "the table has no rows", "Add a question and its answer."))
    return mistakes or {question: answer for question, (_, answer) in answers.items()}


def _row_mistakes(question: str, answer: str, first: tuple[int, str], where: Location) -> Iterator[Mistake]:
    if not normalise(question):
        yield Mistake(where, "no question", "Write the question, or delete the row.")
    elif not answer:
        yield Mistake(where, f"no answer to `{question.strip()[:80]}`", "Write it, or delete the row.")
    elif answer != first[1]:
        message = f"`{question.strip()[:80]}` has another answer on line {first[0]}"
        hint = "Case, spaces and final punctuation do not tell questions apart: keep one answer."
        yield Mistake(where, message, hint)
